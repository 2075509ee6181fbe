/**
 * The part of the translation that is about time: certificates in use that do not hold yet, end soon, or are over.
 * Pure: the shell says when it is.
 */
import type { Collection, Graph, Reader, Source } from '../collection/graph.ts'
import type { Period } from '../ir/certificate.ts'
import { objectKey, objectName } from '../ir/object-name.ts'
import type { Finding } from '../ir/origin.ts'
import type { VirtualHost } from '../ir/types.ts'
import { backendAuthoritySecret, backendIdentity } from '../policy/backend-tls.ts'
import { handshakeDemand } from '../policy/client-certificate.ts'
import { certificatesOf } from '../snapshot/certificates.ts'
import type { AuthorityResult } from '../source/secret/authority.ts'
import type { CertificateResult } from '../source/secret/translate.ts'
import { isoTime } from '../util/time.ts'

export interface ExpiryInputs {
  readonly virtualHosts: Collection<VirtualHost>
  readonly certificates: Collection<CertificateResult>
  readonly authorities: Collection<AuthorityResult>
  /** Under '': how many days before its end a certificate is a finding. */
  readonly warningDays: Collection<number>
  /** `namespace/name` of the Secret to serve where no other fits; '' = none. */
  readonly defaultCertificate: string
}

/** What the certificates of a Secret are for, and how a finding says so; `key`: of the Secret. */
const USES = {
  shown: { key: 'tls.crt', what: 'the certificate of' },
  identity: { key: 'tls.crt', what: 'the certificate that backends see of' },
  backends: { key: 'ca.crt', what: 'the authority of backends of' },
  clients: { key: 'ca.crt', what: 'the authority of clients of' },
} as const
type Use = keyof typeof USES

/** Certificates of a Secret that somebody uses. */
export interface Expiring {
  readonly secret: string
  readonly use: Use
  /** At least one. */
  readonly periods: readonly Period[]
}

interface Reading {
  readonly expiring?: Expiring
  readonly findings: readonly Finding[]
}

const DAY_SECONDS = 86_400
/** Named in a finding; more are counted. */
const MOST_HOSTS = 3

export class ExpiryPipeline {
  /** Under '': the time, in seconds since 1970; without it nothing is over. */
  readonly now: Source<number>
  /** By use and `namespace/name` of a Secret, with a space between. */
  readonly ofHosts: Collection<Reading>
  /** By ''. */
  readonly ofDefault: Collection<Reading>

  constructor(graph: Graph, inputs: ExpiryInputs) {
    this.now = graph.source<number>()
    const read = (use: Use, secret: string, hosts: readonly string[], reader: Reader): Reading => {
      const periods = periodsOf(use, secret, inputs, reader)
      const now = reader.get(this.now, '')
      if (periods.length === 0) return { findings: [] }
      const days = reader.get(inputs.warningDays, '') ?? 0
      const expiring = { secret, use, periods }
      return { expiring, findings: now === undefined ? [] : findingsOf(expiring, hosts, now, days * DAY_SECONDS) }
    }
    this.ofHosts = graph.group(inputs.virtualHosts.index(usesOf), (key, hosts, reader) => {
      const [use = '', secret = ''] = key.split(' ')
      return read(use as Use, secret, hosts().map(({ host }) => host), reader)
    })
    this.ofDefault = graph.map(this.now, (_, reader) => read('shown', inputs.defaultCertificate, [], reader))
  }
}

function usesOf(virtualHost: VirtualHost): string[] {
  const demand = handshakeDemand(virtualHost.clientCertificate)
  const uses: readonly (readonly [Use, string | undefined])[] = [
    ...certificatesOf(virtualHost).map((secret) => ['shown', objectKey(secret)] as const),
    ['clients', demand && objectKey(demand.authority)],
    ...virtualHost.routes.flatMap(({ policies }) => [
      ['identity', backendIdentity(policies)] as const,
      ['backends', backendAuthoritySecret(policies)] as const,
    ]),
  ]
  return [...new Set(uses.flatMap(([use, secret]) => (secret === undefined ? [] : [`${use} ${secret}`])))]
}

function periodsOf(use: Use, secret: string, inputs: ExpiryInputs, reader: Reader): readonly Period[] {
  if (USES[use].key === 'tls.crt') {
    const result = reader.get(inputs.certificates, secret)
    return result !== undefined && 'certificate' in result ? [result.certificate] : []
  }
  const result = reader.get(inputs.authorities, secret)
  return result !== undefined && 'authority' in result ? result.authority.periods : []
}

/** What is wrong with a certificate, the worst first. */
const TROUBLES = [
  { reason: 'CertificateExpired', verb: 'ended at', at: ({ notAfter }: Period) => notAfter },
  { reason: 'CertificateNotYetValid', verb: 'does not hold before', at: ({ notBefore }: Period) => notBefore },
  { reason: 'CertificateExpires', verb: 'ends at', at: ({ notAfter }: Period) => notAfter },
] as const

type Trouble = (typeof TROUBLES)[number]

function troubleOf({ notBefore, notAfter }: Period, now: number, notice: number): Trouble | undefined {
  if (notAfter <= now) return TROUBLES[0]
  if (notBefore > now) return TROUBLES[1]
  return notAfter - now <= notice ? TROUBLES[2] : undefined
}

/** One: of the worst that is wrong with any of the certificates, an error when all of them are of no use now. */
function findingsOf(expiring: Expiring, hosts: readonly string[], now: number, notice: number): Finding[] {
  const { secret, use, periods } = expiring
  const troubles = periods.map((period) => troubleOf(period, now, notice))
  const worst = TROUBLES.find((it) => troubles.includes(it))
  if (worst === undefined) return []
  const bad = periods.filter((_, i) => troubles[i] === worst)
  const some = periods.length === 1 ? '' : `${bad.length} of ${periods.length} certificates of `
  const { key, what } = USES[use]
  const time = isoTime(Math.min(...bad.map(worst.at)))
  const message = `${some}${what} ${who(hosts)} ${worst.verb} ${time}`
  const isUseless = troubles.every((it) => it !== undefined && it.reason !== 'CertificateExpires')
  const origin = { ...objectName(secret), kind: 'Secret', apiVersion: 'v1', field: `data[${key}]` }
  return [{ origin, severity: isUseless ? 'error' : 'warning', reason: worst.reason, message }]
}

function who(hosts: readonly string[]): string {
  if (hosts.length === 0) return 'all other hosts'
  const named = [...hosts].sort().slice(0, MOST_HOSTS)
  const rest = hosts.length - named.length
  return `${hosts.length === 1 ? 'host' : 'hosts'} ${named.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`
}
