import { ciphersAndSuites } from '../ir/ciphers.ts'
import { boolean, type Parser } from '../ir/value.ts'
import type { Policy } from './common/policy.ts'

/** In a handshake of TLS 1.3 the suite is chosen before anybody is asked for a certificate. */
const upTo12: Parser<string> = (text) => {
  const parsed = ciphersAndSuites(text)
  if (!('value' in parsed)) return parsed
  const { ciphers, suites } = parsed.value
  if (ciphers.length === 0) return { allowed: 'a list with ciphers of TLS 1.2; suites of TLS 1.3 are those of the ConfigMap' }
  const warning = suites.length === 0 ? {} : { warning: 'suites of TLS 1.3 are those of ssl-ciphers of the ConfigMap' }
  return { value: ciphers.join(':'), ...warning }
}

/** What a host's handshakes up to TLS 1.2 go by: see snapshot/ciphers.ts. Nothing of a request. */
export const clientCiphers = {
  name: 'client_ciphers',
  fields: {
    list: { annotation: 'ssl-ciphers', parse: upTo12, about: 'Ciphers for the clients of the host, the best first, up to TLS 1.2' },
    prefer_server: {
      annotation: 'ssl-prefer-server-ciphers',
      parse: boolean,
      about: '"false": of the ciphers of the host the one counts that the client likes best',
    },
  },
} satisfies Policy
