/** Handshakes, and the certificates for them. */

import { X509Certificate } from 'node:crypto'
import { connect, type TLSSocket } from 'node:tls'
import type { KubernetesObject } from '../lab/client.ts'
import type { Lab } from '../lab/lab.ts'

export interface TlsSecret {
  readonly secret: KubernetesObject
  /** SHA-256, as `handshake` shows it. */
  readonly fingerprint: string
}

/** A Secret with a new certificate of the lab's authority. */
export async function tlsSecret(lab: Lab, name: string, dnsNames: readonly string[], namespace = 'default'): Promise<TlsSecret> {
  const { certificate, key } = await lab.issueCertificate({ commonName: dnsNames[0] ?? name, dnsNames })
  const data = { 'tls.crt': certificate, 'tls.key': key }
  const secret = {
    apiVersion: 'v1', kind: 'Secret', type: 'kubernetes.io/tls', metadata: { name, namespace }, stringData: data,
  }
  return { secret: secret as KubernetesObject, fingerprint: new X509Certificate(certificate).fingerprint256 }
}

export interface Handshake {
  readonly fingerprint: string
  readonly names: string
  readonly subject: string
  readonly selfSigned: boolean
  readonly protocol: string
  /** By ALPN; '' when none was agreed on. */
  readonly application: string
}

/** One handshake with this name (none: ''), not verified. */
export async function handshake(address: string, servername: string, alpn: readonly string[] = []): Promise<Handshake> {
  const options = { host: address, port: 443, servername, rejectUnauthorized: false, ALPNProtocols: [...alpn] }
  const socket = await new Promise<TLSSocket>((resolve, reject) => {
    const connecting = connect(options, () => { resolve(connecting) }).once('error', reject)
  })
  const certificate = socket.getPeerX509Certificate()
  const protocol = socket.getProtocol() ?? ''
  const application = socket.alpnProtocol || ''
  socket.destroy()
  if (certificate === undefined) throw new Error('a handshake without a certificate')
  return {
    protocol, application,
    fingerprint: certificate.fingerprint256,
    names: certificate.subjectAltName ?? '',
    subject: certificate.subject,
    selfSigned: certificate.checkIssued(certificate),
  }
}
