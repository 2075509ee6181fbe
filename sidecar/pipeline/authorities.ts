/** The part of the translation that is authorities of clients: the Secrets that routes name. Pure. */
import type { Collection, Graph, Reader } from '../collection/graph.ts'
import { isListed } from '../collection/object-store.ts'
import type { KubeObject } from '../collection/objects.ts'
import type { AuthorityRecord } from '../dynamic/records.ts'
import { authorityRecord } from '../dynamic/translate.ts'
import { quoted } from '../ir/names.ts'
import { objectKey, objectName } from '../ir/object-name.ts'
import type { Finding, Origin } from '../ir/origin.ts'
import type { Fragment, Route } from '../ir/types.ts'
import { clientCertificate, handshakeDemand } from '../policy/client-certificate.ts'
import type { Authority, AuthorityResult } from '../source/secret/authority.ts'
import { fields } from '../util/field.ts'

export interface AuthorityInputs {
  readonly fragments: Collection<Fragment>
  readonly secrets: Collection<KubeObject>
  /** Of these Secrets, by `namespace/name`. */
  readonly authorities: Collection<AuthorityResult>
  /** See ObjectStore. */
  readonly listed: Collection<true>
}

interface Reading {
  /** Absent: the routes that need it answer 503. */
  readonly authority?: Authority
  readonly findings: readonly Finding[]
}

export class AuthorityPipeline {
  /** By `namespace/name` of the Secret. */
  readonly readings: Collection<Reading>
  readonly records: Collection<AuthorityRecord>

  constructor(graph: Graph, inputs: AuthorityInputs) {
    this.readings = graph.group(inputs.fragments.index(namedAuthorities), (key, fragments, read): Reading => {
      const result = resultOf(key, inputs, read)
      const revoked = fields(read.get(inputs.secrets, key)?.data)['ca.crl'] !== undefined
      const authority = result !== undefined && 'authority' in result ? { authority: result.authority } : {}
      return { ...authority, findings: fragments().flatMap((it) => findingsOf(it, key, result, revoked)) }
    })
    this.records = graph.map(this.readings, ({ authority }) => authority && authorityRecord(authority))
  }
}

function namedAuthorities({ routes }: Fragment): string[] {
  return [...new Set(routes.flatMap(authorityOf))]
}

function authorityOf({ policies }: Route): string[] {
  const demand = handshakeDemand(policies[clientCertificate.name])
  return demand === undefined ? [] : [objectKey(demand.authority)]
}

/** Undefined: it is not known yet. */
function resultOf(key: string, inputs: AuthorityInputs, read: Reader): AuthorityResult | undefined {
  const { secrets, authorities, listed } = inputs
  if (read.get(secrets, key) !== undefined) return read.get(authorities, key) ?? { problem: 'it has no key ca.crt' }
  return isListed(read, listed, 'Secret', key) ? { problem: 'it does not exist' } : undefined
}

/** On each object that names the Secret, once. */
function findingsOf(fragment: Fragment, key: string, result: AuthorityResult | undefined, revoked: boolean): Finding[] {
  const { namespace, name } = objectName(key)
  const about = `Secret ${quoted(name)} of namespace ${namespace}`
  const route = fragment.routes.find((it) => authorityOf(it).includes(key))
  if (route === undefined || result === undefined) return []
  const origin: Origin = route.sources[clientCertificate.name]?.secret ?? route.origin
  if ('problem' in result) {
    const message = `${about} cannot be used: ${result.problem}; the paths that need it answer 503`
    return [{ origin, severity: 'error', reason: 'InvalidSecret', message }]
  }
  const message = `${about}: ca.crl has no effect: it is not checked whether certificates of clients were revoked`
  return revoked ? [{ origin, severity: 'warning', reason: 'RevocationNotChecked', message }] : []
}
