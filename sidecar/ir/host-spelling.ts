/** DNS names as people write them: capitals, letters outside of ASCII, a dot at the end. */
import { domainToASCII } from 'node:url'
import { isHost } from './names.ts'

/** A DNS name has at most 253 characters in ASCII; before that they may be written otherwise. */
const MAX_LENGTH = 1024

/** In lower case and ASCII (IDN as punycode), without the dot at its end; '' for what is far too long. */
export function inAscii(written: string): string {
  if (written.length > MAX_LENGTH) return ''
  const name = written.endsWith('.') ? written.slice(0, -1) : written
  // eslint-disable-next-line no-control-regex -- ASCII as a whole is meant
  return /^[\x00-\x7f]*$/.test(name) ? name.toLowerCase() : domainToASCII(name)
}

/** Ends a message about a host that is refused: how the name is spelled where only its spelling is wrong; else ''. */
export function meantHost(written: unknown): string {
  const host = typeof written === 'string' ? inAscii(written) : ''
  return host === written || !isHost(host) ? '' : `; did you mean ${host}?`
}
