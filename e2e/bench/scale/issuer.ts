/** Thousands of certificates: made in this process, since a run of openssl for each would take minutes. */
// x509 finds its parts by decorators, which need this first.
import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import {
  BasicConstraintsExtension, PemConverter, SubjectAlternativeNameExtension, X509CertificateGenerator,
} from '@peculiar/x509'
import type { Certificate } from '../../lab/certificates.ts'

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const ISSUER = 'CN=scale'
const DAY_MS = 24 * 3600 * 1000

/** Signs certificates with a key of its own. */
export class Issuer {
  readonly #keys: webcrypto.CryptoKeyPair
  readonly #certificate: string

  private constructor(keys: webcrypto.CryptoKeyPair, certificate: string) {
    this.#keys = keys
    this.#certificate = certificate
  }

  static async create(): Promise<Issuer> {
    const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
    const certificate = await X509CertificateGenerator.createSelfSigned({
      name: ISSUER, ...validity(), signingAlgorithm: ALGORITHM, keys, extensions: [new BasicConstraintsExtension(true)],
    }, webcrypto)
    return new Issuer(keys, certificate.toString('pem'))
  }

  /** The chain is as long as usual: the certificate itself, and that of its issuer. */
  async issue(host: string): Promise<Certificate> {
    const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
    const certificate = await X509CertificateGenerator.create({
      subject: `CN=${host}`,
      issuer: ISSUER,
      ...validity(),
      signingAlgorithm: ALGORITHM,
      publicKey: keys.publicKey,
      signingKey: this.#keys.privateKey,
      extensions: [new SubjectAlternativeNameExtension([{ type: 'dns', value: host }])],
    }, webcrypto)
    const key = PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY')
    return { certificate: `${certificate.toString('pem')}\n${this.#certificate}\n`, key }
  }
}

function validity(): { readonly notBefore: Date; readonly notAfter: Date } {
  const now = Date.now()
  return { notBefore: new Date(now - DAY_MS), notAfter: new Date(now + 30 * DAY_MS) }
}
