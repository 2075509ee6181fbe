/** Authorities of tests, and the certificates that they issue, made by openssl. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { rmSync } from 'node:fs'
import type { KeyPair } from './tls.ts'

export interface Authority {
  readonly certificate: string
  /** For a client with this subject, as openssl takes it: `/O=Example/CN=alice`. */
  issue(subject: string, days?: number): KeyPair
  /** Another authority, by this one. */
  intermediate(name: string): Authority & { readonly chain: string }
}

const EC = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']

interface Issuer {
  readonly certificate: string
  readonly key: string
}

class Workshop implements Authority {
  readonly certificate: string
  readonly chain: string
  readonly #folder: string
  readonly #key: string
  #issued = 0

  constructor(name: string, parent?: Issuer) {
    this.#folder = mkdtempSync(join(tmpdir(), 'resty-ingress-ca-'))
    after(() => rmSync(this.#folder, { recursive: true, force: true }))
    const { cert, key } = sign(this.#folder, `/CN=${name}`, { ca: true, parent, days: 1 })
    this.certificate = cert
    this.#key = key
    this.chain = cert + (parent?.certificate ?? '')
  }

  issue(subject: string, days = 1): KeyPair {
    this.#issued += 1
    return sign(this.#folder, subject, { ca: false, parent: this.#issuer(), days, serial: this.#issued })
  }

  intermediate(name: string): Authority & { readonly chain: string } {
    return new Workshop(name, this.#issuer())
  }

  #issuer(): Issuer {
    return { certificate: this.certificate, key: this.#key }
  }
}

interface Signing {
  readonly ca: boolean
  readonly parent: Issuer | undefined
  readonly days: number
  readonly serial?: number
}

function sign(folder: string, subject: string, { ca, parent, days, serial = 1 }: Signing): KeyPair {
  const file = (name: string): string => join(folder, name)
  const run = (...args: readonly string[]): void => { execFileSync('openssl', args, { stdio: 'ignore' }) }
  writeFileSync(file('extensions'), `basicConstraints=critical,CA:${ca ? 'TRUE' : 'FALSE'}\n`)
  run('req', '-new', ...EC, '-utf8', '-subj', subject, '-keyout', file('key'), '-out', file('request'))
  const key = readFileSync(file('key'), 'utf8')
  writeFileSync(file('ca-key'), parent?.key ?? key)
  writeFileSync(file('ca'), parent?.certificate ?? '')
  const by = parent === undefined ? ['-signkey', file('ca-key')] : ['-CA', file('ca'), '-CAkey', file('ca-key')]
  run('x509', '-req', '-in', file('request'), '-extfile', file('extensions'), '-days', String(days),
    '-set_serial', String(serial), ...by, '-out', file('cert'))
  return { cert: readFileSync(file('cert'), 'utf8'), key }
}

/** A root. */
export function authority(name: string): Authority {
  return new Workshop(name)
}
