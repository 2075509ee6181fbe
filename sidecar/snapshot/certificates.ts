/** Which certificates a host has. */
import type { ObjectName } from '../ir/object-name.ts'
import type { TlsClaim, VirtualHost } from '../ir/types.ts'

/** The type of the key, when the certificate of the Secret can be served for the host. */
export type CertificateCheck = (secret: ObjectName, host: string) => string | undefined

type Chosen = Pick<VirtualHost, 'certificate' | 'alternatives'>

/**
 * The first that is named for the host, and the first with each other type of key: clients that know ECDSA get that,
 * old ones RSA. Where none is named, the first that covers the host.
 */
export function chooseCertificates(host: string, claims: readonly TlsClaim[], usableKey: CertificateCheck): Chosen {
  const named = byKeyType(host, claims.filter((claim) => claim.named), usableKey)
  const [certificate, ...alternatives] = named.length > 0 ? named : byKeyType(host, claims, usableKey).slice(0, 1)
  return {
    ...(certificate === undefined ? {} : { certificate }),
    ...(alternatives.length === 0 ? {} : { alternatives }),
  }
}

function byKeyType(host: string, claims: readonly TlsClaim[], usableKey: CertificateCheck): readonly ObjectName[] {
  const first = new Map<string, ObjectName>()
  for (const { secret } of claims) {
    const type = secret === undefined ? undefined : usableKey(secret, host)
    if (secret !== undefined && type !== undefined && !first.has(type)) first.set(type, secret)
  }
  return [...first.values()]
}

/** All that a host may show. */
export function certificatesOf({ certificate, alternatives = [] }: Chosen): readonly ObjectName[] {
  return certificate === undefined ? [] : [certificate, ...alternatives]
}
