/**
 * Lists of ciphers as OpenSSL writes them, `DEFAULT:!RC4`. NGINX does not load a list of which nothing is left, and what
 * is left depends on the OpenSSL: so one word at least stands for ciphers that all of them have, and what may be
 * excluded is never among these. TLS 1.3 has ciphers of its own, to which such lists do not apply.
 */
import type { Parser } from './value.ts'

const LONGEST = 1024

/** Of which something is left in any case. */
const SURE: ReadonlySet<string> = new Set([
  'DEFAULT', 'HIGH', 'ECDHE', 'EECDH', 'kECDHE', 'kEECDH', 'AESGCM',
  'ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-RSA-AES128-GCM-SHA256', 'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384', 'ECDHE-ECDSA-CHACHA20-POLY1305', 'ECDHE-RSA-CHACHA20-POLY1305',
  'EECDH+AESGCM', 'ECDHE+AESGCM', 'ECDHE+CHACHA20',
])

/** Beside those; OpenSSL may have left them out. */
const POSSIBLE: ReadonlySet<string> = new Set([
  'ALL', 'DHE', 'EDH', 'kDHE', 'kEDH', 'RSA', 'kRSA', 'AES', 'AES128', 'AES256', 'CHACHA20', 'SHA256', 'SHA384', 'EDH+AESGCM',
  'DHE+AESGCM', 'EECDH+AES', 'ECDHE+AES', 'EDH+AES', 'RSA+AESGCM', 'RSA+AES',
  'ECDHE-ECDSA-AES128-SHA256', 'ECDHE-RSA-AES128-SHA256', 'ECDHE-ECDSA-AES256-SHA384', 'ECDHE-RSA-AES256-SHA384',
  'ECDHE-ECDSA-AES128-SHA', 'ECDHE-RSA-AES128-SHA', 'ECDHE-ECDSA-AES256-SHA', 'ECDHE-RSA-AES256-SHA',
  'DHE-RSA-AES128-GCM-SHA256', 'DHE-RSA-AES256-GCM-SHA384', 'DHE-RSA-CHACHA20-POLY1305', 'DHE-RSA-AES128-SHA256',
  'DHE-RSA-AES256-SHA256', 'DHE-RSA-AES128-SHA', 'DHE-RSA-AES256-SHA',
  'AES128-GCM-SHA256', 'AES256-GCM-SHA384', 'AES128-SHA256', 'AES256-SHA256', 'AES128-SHA', 'AES256-SHA', 'DES-CBC3-SHA',
])

/** What may be excluded, with `!` or `-` before it. */
const EXCLUDABLE: ReadonlySet<string> = new Set([
  'aNULL', 'eNULL', 'NULL', 'EXPORT', 'EXP', 'LOW', 'MEDIUM', 'MD5', 'SHA', 'SHA1', 'RC4', 'RC2', 'DES', '3DES', 'DES-CBC3-SHA',
  'IDEA', 'SEED', 'CAMELLIA', 'ARIA', 'PSK', 'SRP', 'DSS', 'aDSS', 'ADH', 'AECDH', 'kRSA', 'DHE', 'EDH', 'kDHE', 'kEDH', 'AESCCM',
  'AESCCM8', 'KRB5-DES-CBC3-SHA', 'EDH-RSA-DES-CBC3-SHA', 'ECDHE-RSA-DES-CBC3-SHA', 'EDH-DSS-DES-CBC3-SHA',
])

const ALLOWED =
  `at most ${LONGEST} characters of names of ciphers and groups of them that OpenSSL knows, separated by ":", `
  + 'those to leave out with "!"; one at least of DEFAULT, HIGH, ECDHE or a cipher such as ECDHE-RSA-AES128-GCM-SHA256'

function isKnown(word: string): boolean {
  return /^[!-]/.test(word) ? EXCLUDABLE.has(word.slice(1)) : SURE.has(word) || POSSIBLE.has(word)
}

/** A list that leaves something over whatever OpenSSL reads it. */
export const cipherList: Parser<string> = (text) => {
  if (text.length > LONGEST) return { allowed: ALLOWED }
  const words = text.trim().split(':')
  return words.every(isKnown) && words.some((word) => SURE.has(word)) ? { value: words.join(':') } : { allowed: ALLOWED }
}
