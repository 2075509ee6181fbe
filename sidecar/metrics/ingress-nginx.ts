/** The metrics of ingress-nginx about its controller: names and labels are its own, so that alerts work. */
import { X509Certificate } from 'node:crypto'
import { Registry, type Gauge } from 'prom-client'
import type { Controller } from '../controller/controller.ts'
import type { Certificate } from '../ir/certificate.ts'
import { objectKey } from '../ir/object-name.ts'
import type { Backend, BackendRef, VirtualHost } from '../ir/types.ts'
import { certificatesOf } from '../snapshot/certificates.ts'
import { scrapedCounter, scrapedGauge } from './scraped.ts'

const PREFIX = 'nginx_ingress_controller_'
/** Digits of the hash that a number of Prometheus holds exactly. */
const EXACT_HASH_DIGITS = 13

export interface Identity {
  /** Labels of everything about this controller. */
  readonly labels: Readonly<Record<string, string>>
  /** Of this program. */
  readonly version: string
  /** Name of the Lease. */
  readonly election: string
  readonly isLeading: () => boolean
}

type Add = (name: string, help: string, labelNames: readonly string[], fill: (gauge: Gauge) => void) => void

/** Their values are read at each scrape. */
export function ingressNginxMetrics(controller: Controller, identity: Identity): Registry {
  const registry = new Registry()
  const add: Add = (name, help, labelNames, fill) =>
    scrapedGauge(registry, { name: `${PREFIX}${name}`, help, labelNames }, fill)
  addConfig(add, controller, identity)
  addReloads(registry, controller, identity)
  addCertificates(add, controller, identity)
  addOrphans(add, controller, identity)
  return registry
}

function addConfig(add: Add, controller: Controller, { labels, version, election, isLeading }: Identity): void {
  const { instruments, dataPlane } = controller
  const names = Object.keys(labels)
  add('config_hash', 'Running configuration hash actually running', names, (gauge) => {
    const hash = instruments.loads.lastSucceeded ? (dataPlane.status?.config_hash ?? '') : ''
    gauge.set(labels, Number.parseInt(hash.slice(0, EXACT_HASH_DIGITS), 16) || 0)
  })
  add('config_last_reload_successful', 'Whether the last configuration reload attempt was successful', names, (gauge) =>
    gauge.set(labels, Number(instruments.loads.lastSucceeded)),
  )
  const time = 'Timestamp of the last successful configuration reload.'
  add('config_last_reload_successful_timestamp_seconds', time, names, (gauge) =>
    gauge.set(labels, instruments.loads.lastSuccess),
  )
  const build = { release: version, build: '', repository: '' }
  add('build_info', "A metric with a constant '1' labeled with information about the build.", [...names, ...Object.keys(build)], (gauge) =>
    gauge.set({ ...labels, ...build }, 1),
  )
  const leader = 'Whether this replica leads, 1 or 0; name is that of the Lease'
  add('leader_election_status', leader, [...names, 'name'], (gauge) =>
    gauge.set({ ...labels, name: election }, Number(isLeading())),
  )
}

function addReloads(registry: Registry, { instruments }: Controller, { labels }: Identity): void {
  const counter = (name: string, help: string, read: () => number): void =>
    scrapedCounter(registry, { name: `${PREFIX}${name}`, help, labels }, read)
  counter('success', 'Cumulative number of Ingress controller reload operations', () => instruments.loads.succeeded)
  counter('errors', 'Cumulative number of Ingress controller errors during reload operations', () => instruments.loads.failed)
}

function addCertificates(add: Add, controller: Controller, { labels }: Identity): void {
  const names = ['namespace', 'class', 'host', 'secret_name', 'identifier']
  const of = ({ host, certificate }: Served): Readonly<Record<string, string>> => ({
    namespace: certificate.namespace,
    class: labels.controller_class ?? '',
    host,
    secret_name: certificate.name,
    identifier: detailsOf(certificate).identifier,
  })
  const expiry = 'Number of seconds since 1970 to the SSL Certificate expire.'
  add('ssl_expire_time_seconds', expiry, names, (gauge) => {
    for (const served of servedCertificates(controller)) gauge.set(of(served), served.certificate.notAfter)
  })
  const info = ['issuer_organization', 'issuer_common_name', 'serial_number', 'public_key_algorithm']
  add('ssl_certificate_info', 'Hold all labels associated to a certificate', [...names, ...info], (gauge) => {
    for (const served of servedCertificates(controller)) {
      gauge.set({ ...of(served), ...detailsOf(served.certificate).info }, 1)
    }
  })
}

interface Served {
  readonly host: string
  readonly certificate: Certificate
}

function* servedCertificates({ pipeline }: Controller): Generator<Served> {
  for (const virtualHost of pipeline.virtualHosts.all()) {
    for (const secret of certificatesOf(virtualHost)) {
      const result = pipeline.certificates.get(objectKey(secret))
      if (result !== undefined && 'certificate' in result) yield { host: virtualHost.host, certificate: result.certificate }
    }
  }
}

interface Details {
  readonly identifier: string
  readonly info: Readonly<Record<string, string>>
}

/** Parsing a certificate costs more than a scrape may, for thousands of hosts. */
const details = new WeakMap<Certificate, Details>()

function detailsOf(certificate: Certificate): Details {
  const known = details.get(certificate) ?? readDetails(new X509Certificate(certificate.chain))
  details.set(certificate, known)
  return known
}

/** Go's names of the algorithms. */
const ALGORITHMS: Readonly<Record<string, string>> = { rsa: 'RSA', 'rsa-pss': 'RSA', ec: 'ECDSA', ed25519: 'Ed25519', dsa: 'DSA' }

function readDetails({ issuer, serialNumber, publicKey }: X509Certificate): Details {
  const attribute = (name: string): string => new RegExp(`^${name}=(.*)$`, 'm').exec(issuer)?.[1] ?? ''
  const serial = BigInt(`0x${serialNumber}`).toString()
  return {
    identifier: `${attribute('serialNumber')}-${serial}`,
    info: {
      issuer_organization: attribute('O'),
      issuer_common_name: attribute('CN'),
      serial_number: serial,
      public_key_algorithm: ALGORITHMS[publicKey.asymmetricKeyType ?? ''] ?? '',
    },
  }
}

function addOrphans(add: Add, { pipeline }: Controller, { labels }: Identity): void {
  const help = 'Gauge reporting status of ingress orphanity, 1 indicates orphaned ingress.'
  add('orphan_ingress', help, [...Object.keys(labels), 'namespace', 'ingress', 'type'], (gauge) => {
    const orphans = new Set<string>()
    for (const { namespace, ingress, backend } of destinations(pipeline.virtualHosts.all())) {
      const lack = lackOf(pipeline.backends.get(`${backend.namespace}/${backend.service}/${backend.port}`))
      for (const type of ['no-service', 'no-endpoint']) {
        const key = `${namespace}/${ingress} ${type}`
        if (type === lack) orphans.add(key)
        gauge.set({ ...labels, namespace, ingress, type }, Number(orphans.has(key)))
      }
    }
  })
}

function lackOf(backend: Backend | undefined): 'no-service' | 'no-endpoint' | undefined {
  // A backend without a Service has no salt (source/service).
  if (backend?.salt === undefined) return 'no-service'
  return backend.endpoints.length === 0 ? 'no-endpoint' : undefined
}

interface Destination {
  readonly namespace: string
  readonly ingress: string
  readonly backend: BackendRef
}

function* destinations(hosts: Iterable<VirtualHost>): Generator<Destination> {
  for (const { origin, backends, canaries } of [...hosts].flatMap(({ routes }) => routes)) {
    for (const backend of backends) yield { namespace: origin.namespace, ingress: origin.name, backend }
    for (const { origin: of, backend } of canaries?.arms ?? []) {
      yield { namespace: of.namespace, ingress: of.name, backend }
    }
  }
}
