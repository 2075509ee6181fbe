/** The certificate for handshakes that no other certificate fits: self-signed, made anew at each start. */
// x509 finds its parts by decorators, which need this first.
import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509'
import { Secret, type Certificate } from '../ir/certificate.ts'
import { sha256 } from '../util/canonical.ts'

const NAME = 'ingress.invalid'
const YEAR_MS = 365 * 24 * 3600 * 1000

/** Clients see at once what it is: its name is in the reserved domain `.invalid` (RFC 2606). */
export async function createFallbackCertificate(now: Date): Promise<Certificate> {
  const keys = await webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify'])
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      name: 'O=resty-ingress, CN=no certificate for this host',
      notBefore: new Date(now.getTime() - 3600_000),
      notAfter: new Date(now.getTime() + YEAR_MS),
      signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
      keys,
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
        new SubjectAlternativeNameExtension([{ type: 'dns', value: NAME }]),
      ],
    },
    webcrypto,
  )
  const key = PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY')
  const chain = `${certificate.toString('pem')}\n`
  return {
    namespace: '',
    name: 'default',
    chain,
    key: new Secret(key),
    fingerprint: sha256(chain + key),
    dnsNames: [NAME],
    keyType: 'ec',
    notBefore: Math.floor(certificate.notBefore.getTime() / 1000),
    notAfter: Math.floor(certificate.notAfter.getTime() / 1000),
  }
}
