/** The lab's certificate authority and what it signs, by openssl; made anew at each start. */

import { generateKeyPairSync } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runCommand } from './command.ts'

/** PEM texts. */
export interface Certificate {
  readonly certificate: string
  readonly key: string
}

export interface CertificateRequest {
  readonly commonName: string
  /** The group, for a client certificate. */
  readonly organization?: string
  readonly dnsNames?: readonly string[]
  readonly addresses?: readonly string[]
  /** How long it is valid; by default 7. */
  readonly days?: number
}

/** A self-signed authority. */
export async function createAuthority(commonName: string): Promise<Certificate> {
  return await makeCertificate([
    '-days', '7', '-subj', `/CN=${commonName}`,
    '-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign,cRLSign',
  ])
}

/** A certificate for server and client use, signed by `authority`. */
export async function issueCertificate(
  authority: Certificate, request: CertificateRequest,
): Promise<Certificate> {
  const { commonName, organization, days = 7 } = request
  const subject = organization === undefined ? `/CN=${commonName}` : `/O=${organization}/CN=${commonName}`
  const names = [
    ...(request.dnsNames ?? []).map((name) => `DNS:${name}`),
    ...(request.addresses ?? []).map((address) => `IP:${address}`),
  ]
  return await makeCertificate([
    '-days', String(days), '-subj', subject,
    '-addext', 'basicConstraints=critical,CA:FALSE', '-addext', 'extendedKeyUsage=serverAuth,clientAuth',
    ...names.length === 0 ? [] : ['-addext', `subjectAltName=${names.join(',')}`],
  ], authority)
}

async function makeCertificate(args: readonly string[], authority?: Certificate): Promise<Certificate> {
  const folder = await mkdtemp(join(tmpdir(), 'resty-ingress-certificate-'))
  const file = (name: string): string => join(folder, name)
  try {
    if (authority !== undefined) {
      await writeFile(file('ca.crt'), authority.certificate)
      await writeFile(file('ca.key'), authority.key, { mode: 0o600 })
    }
    await runCommand([
      'openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
      '-keyout', file('key'), '-out', file('crt'), ...args,
      ...authority === undefined ? [] : ['-CA', file('ca.crt'), '-CAkey', file('ca.key')],
    ])
    return { certificate: await readFile(file('crt'), 'utf8'), key: await readFile(file('key'), 'utf8') }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** A key pair for signing service account tokens, PEM. */
export function serviceAccountKeys(): { readonly publicKey: string, readonly privateKey: string } {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  return {
    publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}
