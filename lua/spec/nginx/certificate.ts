/** Certificates of tests: self-signed, made by openssl. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { withDigest } from './backends.ts'
import type { Json } from './harness.ts'

export type KeyType = 'rsa:2048' | 'ec'

/** The record of a certificate for that common name. */
export function certificate(name: string, type: KeyType = 'ec'): Json & { chain: string; key: string } {
  const folder = mkdtempSync(join(tmpdir(), 'resty-ingress-cert-'))
  const [key, chain] = [join(folder, 'key'), join(folder, 'chain')]
  const algorithm = type === 'ec' ? ['ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'] : [type]
  execFileSync('openssl', ['req', '-x509', '-nodes', '-days', '1', '-newkey', ...algorithm,
    '-subj', `/CN=${name}`, '-keyout', key, '-out', chain], { stdio: 'ignore' })
  const record = withDigest({ chain: readFileSync(chain, 'utf8'), key: readFileSync(key, 'utf8') })
  rmSync(folder, { recursive: true })
  return record as Json & { chain: string; key: string }
}
