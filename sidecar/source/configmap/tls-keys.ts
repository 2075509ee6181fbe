/** Keys about the TLS that clients speak. */
import { ciphersAndSuites } from '../../ir/ciphers.ts'
import { CURVES, type TlsSettings } from '../../ir/tls-settings.ts'
import { boolean, duration, integer, list, size, word, type Parser } from '../../ir/value.ts'
import { key, type Key } from './key.ts'

/** NIST's names of what OpenSSL calls otherwise. */
const CURVE_ALIASES: ReadonlyMap<string, string> = new Map([
  ['P-256', 'prime256v1'], ['secp256r1', 'prime256v1'], ['P-384', 'secp384r1'], ['P-521', 'secp521r1'],
])

const curves: Parser<readonly string[]> = (text) => {
  if (text === 'auto') return { value: [] }
  const names = text.slice(0, 256).split(':').map((name) => CURVE_ALIASES.get(name) ?? name).join(' ')
  const parsed = list(word(...CURVES), CURVES.length)(names)
  return 'value' in parsed ? { value: [...new Set(parsed.value)] } : { allowed: `"auto", or of ${CURVES.join(', ')}, separated by ":"` }
}

export const TLS_KEYS: { readonly [K in keyof TlsSettings]: Key<TlsSettings[K]> } = {
  sslProtocols: key('ssl-protocols', list(word('TLSv1.2', 'TLSv1.3'), 2), 'Versions of TLS for clients'),
  sslCiphers: key('ssl-ciphers', ciphersAndSuites, 'Ciphers for clients, the best first; suites of TLS 1.3 may stand among them'),
  sslEcdhCurve: key('ssl-ecdh-curve', curves, 'Groups for the exchange of keys, the best first; auto: as OpenSSL has it'),
  sslBufferSize: key('ssl-buffer-size', size(1024, 16_384), 'Most bytes of an answer in one record of TLS'),
  sslSessionCache: key('ssl-session-cache', boolean, 'Sessions are kept for clients that come back'),
  sslSessionCacheSize: key('ssl-session-cache-size', size(1024 ** 2, 1024 ** 3), 'Memory for them, shared by all workers; 1m holds 4000'),
  sslSessionTimeout: key('ssl-session-timeout', duration(1, 86_400), 'How long they are kept'),
  sslRejectHandshake: key('ssl-reject-handshake', boolean, 'Names that no object names get no handshake, instead of the default certificate'),
  sslExpiryWarningDays: key('ssl-expiry-warning-days', integer(0, 365), 'Ours. How many days before its end a certificate in use is a finding; 0: once it is over'),
}
