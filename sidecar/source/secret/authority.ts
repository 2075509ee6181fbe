/** A Secret with certificate authorities, under the key `ca.crt` as in ingress-nginx. */
import type { X509Certificate } from 'node:crypto'
import type { KubeObject } from '../../collection/objects.ts'
import type { Period } from '../../ir/certificate.ts'
import { sha256 } from '../../util/canonical.ts'
import { fields } from '../../util/field.ts'
import { decode, parseChain, periodOf } from './translate.ts'

export interface Authority {
  /** SHA-256 of `pem`. */
  readonly digest: string
  /** The certificates, printed anew: nothing else that stands there. */
  readonly pem: string
  readonly periods: readonly Period[]
}

export type AuthorityResult = { readonly authority: Authority } | { readonly problem: string }

/** Undefined: the Secret has none. */
export function translateAuthority(secret: KubeObject): AuthorityResult | undefined {
  const data = fields(secret.data)['ca.crt']
  if (data === undefined || data === '') return undefined
  const text = decode(data)
  if (text === undefined) return { problem: 'ca.crt must be base64 of PEM text' }
  const chain = parseChain(text, 'ca.crt')
  if (typeof chain === 'string') return { problem: chain }
  const pem = chain.map((certificate: X509Certificate) => certificate.toString()).join('')
  return { authority: { digest: sha256(pem), pem, periods: chain.map(periodOf) } }
}

/** The digest of the file, for an index. */
export function authorityFiles(result: AuthorityResult): string[] {
  return 'authority' in result ? [result.authority.digest] : []
}
