/** Certificate authorities of tests, and what they sign; made by openssl. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { KeyPair } from './tls.ts'

export interface AuthorityPair extends KeyPair {
  /** A certificate for that DNS name, which is its common name, too. */
  sign(name: string): KeyPair
}

const CURVE = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']

function inFolder<T>(work: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'resty-ingress-pki-'))
  try {
    return work(folder)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function openssl(...args: readonly string[]): void {
  execFileSync('openssl', ['req', '-x509', ...CURVE, ...args], { stdio: 'ignore' })
}

function read(folder: string): KeyPair {
  return { cert: readFileSync(join(folder, 'cert'), 'utf8'), key: readFileSync(join(folder, 'key'), 'utf8') }
}

export function authority(name: string): AuthorityPair {
  const own = inFolder((folder) => {
    openssl('-subj', `/CN=${name}`, '-keyout', join(folder, 'key'), '-out', join(folder, 'cert'))
    return read(folder)
  })
  const sign = (subject: string): KeyPair => inFolder((folder) => {
    writeFileSync(join(folder, 'ca'), own.cert)
    writeFileSync(join(folder, 'ca-key'), own.key)
    openssl(
      '-CA', join(folder, 'ca'), '-CAkey', join(folder, 'ca-key'), '-subj', `/CN=${subject}`,
      '-addext', `subjectAltName=DNS:${subject}`, '-addext', 'basicConstraints=critical,CA:FALSE',
      '-keyout', join(folder, 'key'), '-out', join(folder, 'cert'),
    )
    return read(folder)
  })
  return { ...own, sign }
}
