/**
 * The part of the translation that is about time: certificates in use that end soon, or are over. Pure: the shell says
 * when it is.
 */
import type { Collection, Graph, Reader, Source } from '../collection/graph.ts'
import { objectKey, objectName } from '../ir/object-name.ts'
import type { Finding } from '../ir/origin.ts'
import type { Certificate, VirtualHost } from '../ir/types.ts'
import { certificatesOf } from '../snapshot/certificates.ts'
import type { CertificateResult } from '../source/secret/translate.ts'
import { isoTime } from '../util/time.ts'

export interface ExpiryInputs {
  readonly virtualHosts: Collection<VirtualHost>
  readonly certificates: Collection<CertificateResult>
  /** Under '': how many days before its end a certificate is a finding. */
  readonly warningDays: Collection<number>
  /** `namespace/name` of the Secret to serve where no other fits; '' = none. */
  readonly defaultCertificate: string
}

interface Reading {
  readonly findings: readonly Finding[]
}

const DAY_SECONDS = 86_400
/** Named in a finding; more are counted. */
const MOST_HOSTS = 3

export class ExpiryPipeline {
  /** Under '': the time, in seconds since 1970; without it nothing is over. */
  readonly now: Source<number>
  /** By `namespace/name` of a Secret that hosts show. */
  readonly ofHosts: Collection<Reading>
  /** By ''. */
  readonly ofDefault: Collection<Reading>

  constructor(graph: Graph, inputs: ExpiryInputs) {
    this.now = graph.source<number>()
    const shown = inputs.virtualHosts.index((host) => certificatesOf(host).map(objectKey))
    const read = (key: string, hosts: readonly string[], reader: Reader): Reading => {
      const result = reader.get(inputs.certificates, key)
      const now = reader.get(this.now, '')
      if (now === undefined || result === undefined || 'problem' in result) return { findings: [] }
      const days = reader.get(inputs.warningDays, '') ?? 0
      const { notAfter } = result.certificate
      if (notAfter - now > days * DAY_SECONDS) return { findings: [] }
      return { findings: [finding(result.certificate, hosts, notAfter <= now)] }
    }
    this.ofHosts = graph.group(shown, (key, hosts, reader) => read(key, hosts().map(({ host }) => host), reader))
    this.ofDefault = graph.map(this.now, (_, reader) => read(inputs.defaultCertificate, [], reader))
  }
}

function finding({ namespace, name, notAfter }: Certificate, hosts: readonly string[], isOver: boolean): Finding {
  const message = `the certificate of ${who(hosts)} ${isOver ? 'ended' : 'ends'} at ${isoTime(notAfter)}`
  const origin = { ...objectName(`${namespace}/${name}`), kind: 'Secret', apiVersion: 'v1', field: 'data[tls.crt]' }
  return { origin, severity: isOver ? 'error' : 'warning', reason: isOver ? 'CertificateExpired' : 'CertificateExpires', message }
}

function who(hosts: readonly string[]): string {
  if (hosts.length === 0) return 'all other hosts'
  const named = [...hosts].sort().slice(0, MOST_HOSTS)
  const rest = hosts.length - named.length
  return `${hosts.length === 1 ? 'host' : 'hosts'} ${named.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`
}
