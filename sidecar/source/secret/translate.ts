/** A Secret of type kubernetes.io/tls -> a certificate that OpenResty can serve, or why not. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import type { KubeObject } from '../../collection/objects.ts'
import { Secret, type Certificate, type Period } from '../../ir/certificate.ts'
import { sha256 } from '../../util/canonical.ts'
import { fields } from '../../util/field.ts'

export type CertificateResult = { readonly certificate: Certificate } | { readonly problem: string }

const MAX_CERTIFICATES = 16
const MAX_AUTHORITIES = 256
const MAX_DNS_NAMES = 1000
/** OpenSSL takes no shorter key into a handshake (security level 2); a longer one costs each 30 ms and more. */
const MIN_RSA_BITS = 2048
const MAX_RSA_BITS = 8192
const PEM_BLOCK = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+?-----END CERTIFICATE-----/g

/** Never throws and never puts text of the Secret into its messages. */
export function translateSecret(secret: KubeObject): CertificateResult {
  const { namespace, name } = secret.metadata
  const chainText = decode(fields(secret.data)['tls.crt'])
  const keyText = decode(fields(secret.data)['tls.key'])
  if (chainText === undefined || keyText === undefined) {
    return { problem: 'it must have the keys tls.crt and tls.key with base64 of PEM text' }
  }
  const chain = parseChain(chainText, 'tls.crt')
  if (typeof chain === 'string') return { problem: chain }
  const [leaf] = chain
  if (leaf === undefined || !fits(leaf, keyText)) return { problem: 'tls.key is not the private key of tls.crt' }
  const names = dnsNames(leaf)
  const problem = limitProblem(leaf, names)
  if (problem !== undefined) return { problem }
  const certificate: Certificate = {
    namespace,
    name,
    chain: chain.map((certificate) => certificate.toString()).join(''),
    key: new Secret(keyText),
    fingerprint: sha256(`${chainText}\n${keyText}`),
    dnsNames: names,
    keyType: leaf.publicKey.asymmetricKeyType ?? '',
    ...periodOf(leaf),
  }
  return { certificate }
}

/** When a certificate holds. */
export function periodOf({ validFromDate, validToDate }: X509Certificate): Period {
  return { notBefore: seconds(validFromDate), notAfter: seconds(validToDate) }
}

function seconds(date: Date): number {
  return Math.floor(date.getTime() / 1000)
}

/** Why the certificate is too weak for handshakes, or too costly. */
function limitProblem(leaf: X509Certificate, names: readonly string[]): string | undefined {
  const bits = leaf.publicKey.asymmetricKeyDetails?.modulusLength
  if (bits !== undefined && (bits < MIN_RSA_BITS || bits > MAX_RSA_BITS)) {
    return `its RSA key has ${bits} bits; allowed: ${MIN_RSA_BITS} to ${MAX_RSA_BITS}`
  }
  return names.length > MAX_DNS_NAMES ? `tls.crt names more than ${MAX_DNS_NAMES} hosts` : undefined
}

/** The names that cover a host. A wildcard stands for exactly one label (RFC 6125, 6.4.3). */
export function coveringNames(host: string): readonly string[] {
  const dot = host.indexOf('.')
  return dot < 0 ? [host] : [host, `*${host.slice(dot)}`]
}

/** Does a certificate hold for a host? */
export function covers(dnsNames: readonly string[], host: string): boolean {
  return coveringNames(host).some((name) => dnsNames.includes(name))
}

/** Text of a key of a Secret; undefined: none that could be PEM. */
export function decode(value: unknown): string | undefined {
  if (typeof value !== 'string' || value.length > 1_400_000) return undefined
  const decoded = Buffer.from(value, 'base64').toString('latin1')
  return decoded === '' || decoded.includes('\0') ? undefined : decoded
}

/** The certificates in a key of a Secret; text: what is wrong with it. */
export function parseChain(text: string, key: 'tls.crt' | 'ca.crt'): readonly X509Certificate[] | string {
  const blocks = text.match(PEM_BLOCK) ?? []
  const most = key === 'ca.crt' ? MAX_AUTHORITIES : MAX_CERTIFICATES
  if (blocks.length === 0) return `${key} holds no PEM certificate`
  if (blocks.length > most) return `${key} holds more than ${most} certificates`
  try {
    return blocks.map((block) => new X509Certificate(block))
  } catch {
    return `${key} holds a certificate that cannot be read`
  }
}

function fits(leaf: X509Certificate, keyText: string): boolean {
  try {
    return leaf.checkPrivateKey(createPrivateKey(keyText))
  } catch {
    return false
  }
}

/** DNS names of the SAN extension; the common name counts only where there is none (ingress-nginx does so). */
function dnsNames(leaf: X509Certificate): readonly string[] {
  const names = (leaf.subjectAltName ?? '')
    .split(', ')
    .filter((entry) => entry.startsWith('DNS:'))
    .map((entry) => entry.slice(4).toLowerCase())
  if (names.length > 0) return names
  const commonName = /^CN=(.+)$/m.exec(leaf.subject)?.[1]
  return commonName === undefined ? [] : [commonName.toLowerCase()]
}
