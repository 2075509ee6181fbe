/** `spec.tls` of an Ingress -> claims to certificates, one for each host. */
import type { Reader } from '../collection/graph.ts'
import { isListed } from '../collection/object-store.ts'
import { ANY_HOST, isHost, isObjectName, quoted } from '../ir/names.ts'
import type { ObjectName } from '../ir/object-name.ts'
import type { Finding, Origin } from '../ir/origin.ts'
import type { TlsClaim } from '../ir/types.ts'
import { fields, items } from '../util/field.ts'
import { capped } from './capped.ts'
import type { Context } from './context.ts'
import { covers, coveringNames } from './secret/translate.ts'

/** Far above what people write; without an end one object could hold up all others. */
const MAX_ENTRIES = 10_000
const MAX_HOSTS = 10_000

export interface TlsReading {
  readonly claims: readonly TlsClaim[]
  /** Every Secret that an entry names, whether or not a host claims it yet. */
  readonly secrets: readonly ObjectName[]
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
  const findings: Finding[] = []
  const entries = readEntries(tls, work.origin, findings)
  const named = entries.flatMap((entry) => entry.hosts.map((host) => claim(entry, host, true)))
  return {
    claims: [...named, ...coveredClaims(entries, ruleHosts, work)],
    secrets: entries.flatMap(({ secret }) => secret ?? []),
    findings: [...findings, ...entries.flatMap((entry) => secretFindings(entry, work))],
  }
}

function readEntries(tls: unknown, origin: Origin, findings: Finding[]): Entry[] {
  const field = { ...origin, field: 'spec.tls' }
  let room = MAX_HOSTS
  return capped(items(tls), MAX_ENTRIES, field, findings).map((entry, i) => {
    const at = { ...origin, field: `spec.tls[${i}]` }
    const hosts = capped(items(fields(entry).hosts), room, { ...at, field: `${at.field}.hosts` }, findings)
    room -= hosts.length
    return readEntry(entry, hosts, at, findings)
  })
}

/** The first entry whose certificate covers a host of the rules, found by name: lists may be long. */
function coveredClaims(entries: readonly Entry[], ruleHosts: readonly string[], work: TlsWork): TlsClaim[] {
  const firstByName = new Map<string, number>()
  const seen = new Set<string>()
  for (const [i, { secret }] of entries.entries()) {
    if (secret === undefined || seen.has(secret.name)) continue
    seen.add(secret.name)
    for (const name of dnsNamesOf(secret, work)) if (!firstByName.has(name)) firstByName.set(name, i)
  }
  return [...new Set(ruleHosts)].filter((host) => host !== ANY_HOST).flatMap((host) => {
    const first = Math.min(...coveringNames(host).map((name) => firstByName.get(name) ?? Infinity))
    const entry = entries[first]
    return entry === undefined ? [] : [claim(entry, host, false)]
  })
}

function dnsNamesOf(secret: ObjectName, { read, context }: TlsWork): readonly string[] {
  const result = read.get(context.certificates, `${secret.namespace}/${secret.name}`)
  return result !== undefined && 'certificate' in result ? result.certificate.dnsNames : []
}

function claim(entry: Entry, host: string, named: boolean): TlsClaim {
  return { host, named, origin: entry.origin, ...(entry.secret === undefined ? {} : { secret: entry.secret }) }
}

function readEntry(entry: unknown, hosts: readonly unknown[], origin: Origin, findings: Finding[]): Entry {
  const { secretName } = fields(entry)
  const valid: string[] = []
  for (const [i, host] of hosts.entries()) {
    const name = typeof host === 'string' ? host.toLowerCase() : ''
    if (isHost(name)) valid.push(name)
    else findings.push(invalid({ ...origin, field: `${origin.field}.hosts[${i}]` }, 'InvalidHost', `host ${quoted(host)} is not a DNS name`))
  }
  if (secretName === undefined || secretName === '') return { hosts: valid, origin }
  if (typeof secretName === 'string' && isObjectName(secretName)) {
    return { hosts: valid, origin, secret: { namespace: origin.namespace, name: secretName } }
  }
  const message = `secretName ${quoted(secretName)} must be the plain name of a Secret in namespace ${origin.namespace}; the default certificate is served`
  findings.push(invalid({ ...origin, field: `${origin.field}.secretName` }, 'InvalidSecretName', message))
  return { hosts: valid, origin }
}

function secretFindings(entry: Entry, { read, context }: TlsWork): Finding[] {
  if (entry.secret === undefined) return []
  const key = `${entry.secret.namespace}/${entry.secret.name}`
  if (!isListed(read, context.listed, 'Secret', key)) return []
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
