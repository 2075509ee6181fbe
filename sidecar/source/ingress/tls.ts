/** `spec.tls` of an Ingress -> claims to certificates, one for each host. */
import type { Reader } from '../../collection/graph.ts'
import { ObjectStore } from '../../collection/object-store.ts'
import { isDnsName, isHost, quoted } from '../../ir/names.ts'
import type { ObjectName } from '../../ir/object-name.ts'
import type { Finding, Origin } from '../../ir/origin.ts'
import type { TlsClaim } from '../../ir/types.ts'
import { fields, items } from '../../util/field.ts'
import type { Context } from '../context.ts'
import { covers } from '../secret/translate.ts'

export interface TlsReading {
  readonly claims: readonly TlsClaim[]
  readonly findings: readonly Finding[]
}

/** What the reading needs of the translation around it. */
export interface TlsWork {
  readonly origin: Origin
  readonly read: Reader
  readonly context: Context
}

interface Entry {
  readonly hosts: readonly string[]
  readonly secret?: ObjectName
  readonly origin: Origin
}

/**
 * A host that an entry names takes that entry's Secret. The other hosts of the rules may take any
 * Secret of `spec.tls` whose certificate covers them (ingress-nginx does so).
 */
export function readTls(tls: unknown, ruleHosts: readonly string[], work: TlsWork): TlsReading {
  const { origin, read, context } = work
  const findings: Finding[] = []
  const entries = items(tls).map((entry, i) => readEntry(entry, { ...origin, field: `spec.tls[${i}]` }, findings))
  for (const entry of entries) findings.push(...secretFindings(entry, read, context))
  const claims = entries.flatMap((entry) => [
    ...entry.hosts.map((host) => claim(entry, host, true)),
    ...ruleHosts.filter((host) => host !== '_' && !entry.hosts.includes(host)).map((host) => claim(entry, host, false)),
  ])
  return { claims, findings }
}

function claim(entry: Entry, host: string, named: boolean): TlsClaim {
  return { host, named, origin: entry.origin, ...(entry.secret === undefined ? {} : { secret: entry.secret }) }
}

function readEntry(entry: unknown, origin: Origin, findings: Finding[]): Entry {
  const { hosts, secretName } = fields(entry)
  const valid: string[] = []
  for (const [i, host] of items(hosts).entries()) {
    const name = typeof host === 'string' ? host.toLowerCase() : ''
    if (isHost(name)) valid.push(name)
    else findings.push(invalid({ ...origin, field: `${origin.field}.hosts[${i}]` }, 'InvalidHost', `host ${quoted(host)} is not a DNS name`))
  }
  if (secretName === undefined || secretName === '') return { hosts: valid, origin }
  if (typeof secretName === 'string' && isDnsName(secretName)) {
    return { hosts: valid, origin, secret: { namespace: origin.namespace, name: secretName } }
  }
  const message = `secretName ${quoted(secretName)} must be the plain name of a Secret in namespace ${origin.namespace}; the default certificate is served`
  findings.push(invalid({ ...origin, field: `${origin.field}.secretName` }, 'InvalidSecretName', message))
  return { hosts: valid, origin }
}

function secretFindings(entry: Entry, read: Reader, context: Context): Finding[] {
  if (entry.secret === undefined) return []
  const key = `${entry.secret.namespace}/${entry.secret.name}`
  const listedKeys = ObjectStore.listedKeys('Secret', entry.secret.namespace, entry.secret.name)
  if (listedKeys.every((listed) => read.get(context.listed, listed) === undefined)) return []
  const result = read.get(context.certificates, key)
  const origin = { ...entry.origin, field: `${entry.origin.field}.secretName` }
  const about = `Secret ${quoted(entry.secret.name)}`
  if (result === undefined) {
    return [invalid(origin, 'SecretNotFound', `${about} does not exist in namespace ${origin.namespace}; the default certificate is served`)]
  }
  if ('problem' in result) {
    return [invalid(origin, 'InvalidSecret', `${about} cannot be used: ${result.problem}; the default certificate is served`)]
  }
  const { dnsNames } = result.certificate
  return entry.hosts
    .filter((host) => !covers(dnsNames, host))
    .map((host) => invalid(origin, 'CertificateMismatch', `the certificate of ${about} does not cover host ${host}; the default certificate is served`))
}

function invalid(origin: Origin, reason: string, message: string): Finding {
  return { origin, severity: 'error', reason, message }
}
