/**
 * Lists of ciphers in the language of OpenSSL (ciphers(1)), as far as every OpenSSL loads them: known words alone, and
 * what remains must have a cipher that each build has. NGINX would not load a configuration whose list comes out empty,
 * and that of one host would take all others with it.
 */
import type { Parser } from './value.ts'

export interface CipherList {
  /** Terms for TLS 1.2, in order; empty: those of the default. */
  readonly ciphers: readonly string[]
  /** Suites of TLS 1.3, in order; empty: all. */
  readonly suites: readonly string[]
}

const MAX_LENGTH = 1024
const MAX_TERMS = 100

const SUITES: ReadonlySet<string> = new Set([
  'TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256',
])

/** Words of groups of ciphers that a sure one belongs to, beside those of its key exchange and its own. */
const COMMON = ['ALL', 'HIGH', 'DEFAULT', 'COMPLEMENTOFDEFAULT', 'TLSv1.2', 'ECDHE', 'EECDH', 'kECDHE', 'kEECDH']
/** DEFAULT has nothing that COMPLEMENTOFDEFAULT has. */
const OF_ALL = COMMON.filter((word) => word !== 'COMPLEMENTOFDEFAULT')
const OF_KEY: Readonly<Record<string, readonly string[]>> = { ECDSA: ['ECDSA', 'aECDSA'], RSA: ['aRSA'] }
const OF_CIPHER: Readonly<Record<string, readonly string[]>> = {
  'AES128-GCM-SHA256': ['AES', 'AES128', 'AESGCM'],
  'AES256-GCM-SHA384': ['AES', 'AES256', 'AESGCM'],
  'CHACHA20-POLY1305': ['CHACHA20'],
}

/** Ciphers that every OpenSSL has and no security level refuses -> the words that mean them. */
const SURE: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  Object.entries(OF_CIPHER).flatMap(([cipher, words]) =>
    Object.entries(OF_KEY).map(([key, ofKey]): [string, ReadonlySet<string>] => {
      const name = `ECDHE-${key}-${cipher}`
      return [name, new Set([name, ...OF_ALL, ...ofKey, ...words])]
    }),
  ),
)

const OTHER_GROUPS = `
  COMPLEMENTOFALL MEDIUM LOW EXP EXPORT EXPORT40 EXPORT56 SSLv2 KRB5-DES-CBC3-SHA EDH-DSS-DES-CBC3-SHA NULL eNULL aNULL kRSA RSA kDHE kEDH DHE EDH DH ADH AECDH ECDH aDSS DSS
  PSK kPSK kECDHEPSK kDHEPSK kRSAPSK aPSK SRP kSRP aSRP TLSv1 TLSv1.0 SSLv3 AESCCM AESCCM8 CAMELLIA CAMELLIA128
  CAMELLIA256 ARIA ARIA128 ARIA256 ARIAGCM CBC 3DES DES RC4 RC2 IDEA SEED MD5 SHA SHA1 SHA256 SHA384 kGOST aGOST`

const OTHER_CIPHERS = `
  DHE-RSA-AES128-GCM-SHA256 DHE-RSA-AES256-GCM-SHA384 DHE-RSA-CHACHA20-POLY1305 DHE-RSA-AES128-SHA256
  DHE-RSA-AES256-SHA256 DHE-RSA-AES128-SHA DHE-RSA-AES256-SHA DHE-DSS-AES128-GCM-SHA256 DHE-DSS-AES256-GCM-SHA384
  ECDHE-ECDSA-AES128-SHA256 ECDHE-RSA-AES128-SHA256 ECDHE-ECDSA-AES256-SHA384 ECDHE-RSA-AES256-SHA384
  ECDHE-ECDSA-AES128-SHA ECDHE-RSA-AES128-SHA ECDHE-ECDSA-AES256-SHA ECDHE-RSA-AES256-SHA
  ECDHE-ECDSA-AES128-CCM ECDHE-ECDSA-AES256-CCM ECDHE-ECDSA-AES128-CCM8 ECDHE-ECDSA-AES256-CCM8
  ECDHE-RSA-DES-CBC3-SHA ECDHE-ECDSA-DES-CBC3-SHA EDH-RSA-DES-CBC3-SHA DES-CBC3-SHA
  AES128-GCM-SHA256 AES256-GCM-SHA384 AES128-SHA256 AES256-SHA256 AES128-SHA AES256-SHA`

const WORDS: ReadonlySet<string> = new Set([
  ...[...SURE.values()].flatMap((words) => [...words]),
  ...OTHER_GROUPS.trim().split(/\s+/),
  ...OTHER_CIPHERS.trim().split(/\s+/),
])

const ALLOWED =
  'names of ciphers and groups of OpenSSL, separated by ":", with "!", "-" or "+" before those to leave out or move'

function isTerm(term: string): boolean {
  if (term === '@STRENGTH') return true
  const words = term.replace(/^[!+-]/, '').split('+')
  return words.length <= 8 && words.every((word) => WORDS.has(word))
}

/** Is one of the sure ciphers left when OpenSSL has gone through the terms? */
function leavesSure(terms: readonly string[]): boolean {
  return [...SURE.values()].some((meant) => {
    let state: 'out' | 'in' | 'gone' = 'out'
    for (const term of terms) {
      if (state === 'gone' || !means(term, meant)) continue
      if (term.startsWith('!')) state = 'gone'
      else if (term.startsWith('-')) state = 'out'
      else if (!term.startsWith('+')) state = 'in'
    }
    return state === 'in'
  })
}

function means(term: string, meant: ReadonlySet<string>): boolean {
  return term.replace(/^[!+-]/, '').split('+').every((word) => meant.has(word))
}

/** A list for TLS 1.2 and below. Its text is that of OpenSSL, as written. */
export const cipherList: Parser<string> = (text) => {
  const terms = termsOf(text)
  const problem = problemOf(terms)
  return problem === undefined ? { value: terms.join(':') } : { allowed: problem }
}

/** The same with suites of TLS 1.3 among them: `ssl-ciphers`, of the ConfigMap and of annotations. */
export const ciphersAndSuites: Parser<CipherList> = (text) => {
  const terms = termsOf(text)
  const suites = terms.filter((term) => SUITES.has(term))
  const ciphers = terms.filter((term) => !SUITES.has(term))
  const problem = suites.length > 0 && ciphers.length === 0 ? undefined : problemOf(ciphers)
  return problem === undefined ? { value: { ciphers, suites } } : { allowed: `${problem}; suites of TLS 1.3 may stand among them` }
}

/** Empty: there are none, or too many. */
function termsOf(text: string): readonly string[] {
  const terms = text.length > MAX_LENGTH ? [] : text.trim().split(':')
  return terms.length > MAX_TERMS ? [] : terms
}

/** What would be allowed instead. */
function problemOf(terms: readonly string[]): string | undefined {
  if (terms.length === 0) return `1 to ${MAX_TERMS} of ${ALLOWED}`
  if (!terms.every(isTerm)) return ALLOWED
  return leavesSure(terms) ? undefined : `${ALLOWED}; one of these at least must remain: ${[...SURE.keys()].join(', ')}`
}
