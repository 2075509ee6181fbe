/**
 * The whole translation, wired on one screen: objects -> IR -> records, classes, findings. Pure: what
 * comes out depends only on the objects that are in (and, while the ConfigMap is refused, on the last
 * one that was not).
 */
import { Graph, type Collection, type Index, type Reader, type Source } from '../collection/graph.ts'
import { ObjectStore } from '../collection/object-store.ts'
import type { KubeObject } from '../collection/objects.ts'
import {
  backendKey,
  certificateKey,
  DEFAULT_CERTIFICATE_KEY,
  GLOBAL_SETTING_KEY,
  hostKey,
  type DataRecord,
} from '../dynamic/records.ts'
import { backendRecord, certificateRecord, globalSetting, hostRecord, type RecordOptions } from '../dynamic/translate.ts'
import { backendName, parseBackendName } from '../ir/backend-name.ts'
import type { Certificate } from '../ir/certificate.ts'
import { objectKey, objectName, type ObjectName } from '../ir/object-name.ts'
import type { Finding, Origin } from '../ir/origin.ts'
import { DEFAULT_SETTINGS, type Settings } from '../ir/settings.ts'
import type { Backend, Fragment, Layer4, Resolution, VirtualHost } from '../ir/types.ts'
import { backendIdentity } from '../policy/backend-tls.ts'
import { policyBackends } from '../policy/set/backends.ts'
import type { LocationClass } from '../policy/set/effects.ts'
import type { FragmentsOf } from '../snapshot/alias.ts'
import { namedHosts } from '../snapshot/by-host.ts'
import { certificatesOf } from '../snapshot/certificates.ts'
import { streamBackends } from '../snapshot/streams.ts'
import type { PortRules } from '../snapshot/streams.ts'
import { buildVirtualHost } from '../snapshot/virtual-host.ts'
import { classFindings } from '../source/class.ts'
import { headerConfigMaps } from '../source/configmap/headers.ts'
import { settingKey } from '../source/configmap/keys.ts'
import type { SettingsReading } from '../source/configmap/translate.ts'
import { objectSettings, referenceSettings, type Context, type SourceOptions } from '../source/context.ts'
import { defaultBackendPart, globalDefaultBackend, type DefaultBackendReading } from '../source/default-backend.ts'
import { globalAuthPart } from '../source/external-auth.ts'
import { sourceParts } from '../source/fragments.ts'
import { translateAuthority } from '../source/secret/authority.ts'
import { covers, translateSecret, type CertificateResult } from '../source/secret/translate.ts'
import { translateBackend } from '../source/service/translate.ts'
import { texts } from '../util/field.ts'
import { ClassPipeline } from './classes.ts'
import type { Expiring } from './expiry.ts'
import { PipelineFindings } from './findings.ts'
import { SecretPipelines } from './secrets.ts'
import { inForce, settingsOf } from './settings.ts'
import { StreamPipeline, streamSettings } from './streams.ts'

export interface PipelineOptions extends SourceOptions, RecordOptions, PortRules {
  /** `namespace/name` of the controller's ConfigMap; '' = none. */
  readonly configMap: string
  /** `namespace/name` of the Service for requests without a route; '' = they get 404. */
  readonly defaultBackendService: string
  /** `namespace/name` of the Secret to serve where no other fits; '' = the self-signed one. */
  readonly defaultCertificate: string
}

const SERVICE_NAME_LABEL = 'kubernetes.io/service-name'
/** Key of the only member of a collection that has one. */
const ONLY = ''

export class Pipeline {
  readonly graph: Graph = new Graph()
  readonly objects: ObjectStore = new ObjectStore(this.graph)
  /** By `<kind>/<namespace>/<name>`. */
  readonly fragments: Collection<Fragment>
  readonly virtualHosts: Collection<VirtualHost>
  readonly backends: Collection<Backend>
  readonly certificates: Collection<CertificateResult>
  /** By `namespace/name`: the Secrets that our objects refer to. */
  readonly secretRefs: Index<Fragment>
  /** The same of ConfigMaps. */
  readonly configMapRefs: Index<Fragment>
  /** Under '': those that the settings name. */
  readonly settingConfigMaps: Collection<readonly string[]>
  /** The self-signed certificate, under the key ''; the shell makes it. */
  readonly fallbackCertificate: Source<Certificate>
  /** Under '': the time, in seconds since 1970; the shell tells it now and then. */
  readonly now: Source<number>
  /** By DNS name: what the shell found out about it. */
  readonly resolutions: Source<Resolution>
  /** By DNS name: the backends that need to know its addresses. */
  readonly externalNames: Index<Backend>
  /** Under '': the zone of our node, when hints of Kubernetes are to be followed; the shell finds it. */
  readonly zone: Source<string>
  /** Everything that OpenResty is to keep, by record key. */
  readonly records: Map<string, DataRecord> = new Map()
  /** Record keys that changed since the data plane last took them. */
  readonly changed: Set<string> = new Set()

  readonly #configMap: string
  readonly #settings: Collection<SettingsReading>
  /** By `namespace/name`, when there is one. */
  readonly #defaultBackend: Collection<DefaultBackendReading>
  readonly #classes: ClassPipeline
  readonly #streams: StreamPipeline
  readonly #secrets: SecretPipelines
  readonly #findings = new PipelineFindings()

  constructor(options: PipelineOptions) {
    const { graph, objects } = this
    this.#configMap = options.configMap
    this.fallbackCertificate = graph.source<Certificate>()
    this.zone = graph.source<string>()
    this.resolutions = graph.source<Resolution>()
    this.#settings = settingsOf(graph, objects, options.configMap)
    this.certificates = graph.map(objects.of('Secret'), translateSecret)
    const context = this.#context(options)
    this.#defaultBackend = globalDefaultBackend(graph, options.defaultBackendService, context)
    this.fragments = graph.mapAll([
      ...sourceParts((kind) => objects.of(kind), context),
      defaultBackendPart(graph, this.#defaultBackend, context),
      globalAuthPart(graph, this.#settings, options.configMap, context),
    ])
    this.secretRefs = this.fragments.index(({ secrets }) => secrets.map(objectKey))
    this.settingConfigMaps = graph.map(this.#settings, ({ settings }) => headerConfigMaps(settings))
    this.configMapRefs = this.fragments.index(({ configMaps = [] }) => configMaps.map(objectKey))
    const byHost = this.fragments.index(namedHosts)
    this.virtualHosts = graph.group(byHost, (host, claimants, read) => {
      const fragmentsOf: FragmentsOf = (name) => (name === host ? claimants() : read.lookup(byHost, name))
      return buildVirtualHost(host, fragmentsOf, (secret, name) => this.#usableKey(secret, name, read))
    })
    this.backends = graph.group(this.fragments.index(backendsOf), (key, users, read) =>
      translateBackend(parseBackendName(key), users, read, context),
    )
    this.externalNames = this.backends.index(({ externalName }) => (externalName === undefined ? [] : [externalName]))
    this.#secrets = this.#secretPipelines(context, options.defaultCertificate)
    this.now = this.#secrets.now
    this.#streams = this.#streamPipeline(options)
    this.#classes = new ClassPipeline(graph, {
      settings: this.#settings, virtualHosts: this.virtualHosts, authorities: context.authorities,
    })
    this.#emitRecords(options)
    this.#collectFindings(options)
  }

  /** The settings in force, and why the present ConfigMap is not, if so. */
  get settings(): SettingsReading {
    return this.#settings.get(ONLY) ?? { settings: DEFAULT_SETTINGS, findings: [] }
  }

  /** What NGINX needs of layer 4; the same object as long as nothing of it changes. */
  get layer4(): Layer4 {
    return this.#streams.layer4
  }

  /** The location classes that routes use now. */
  classes(): LocationClass[] {
    return this.#classes.all(this.settings.settings)
  }

  /** The content of a file that a class names (`LocationClass.authority`); undefined: no Secret has it any more. */
  authorityFile(digest: string): string | undefined {
    return this.#classes.file(digest)
  }

  /** The objects that want a location class, with the fields that call for it; at most `limit`. */
  classUsers(name: string, limit: number): Origin[] {
    return this.#classes.users(name, this.settings.settings, limit)
  }

  /** Where a setting is written: a key of the ConfigMap. */
  settingOrigin(name: keyof Settings): Origin {
    const { namespace, name: configMap } = objectName(this.#configMap)
    return { kind: 'ConfigMap', apiVersion: 'v1', namespace, name: configMap, field: `data[${settingKey(name)}]` }
  }

  /** Certificates in use, of hosts, clients and backends. */
  expiring(): Iterable<Expiring> {
    return this.#secrets.expiring()
  }

  /** Everything that is wrong now, in a stable order; the same array as long as nothing changes. */
  findings(): readonly Finding[] {
    return this.#findings.all()
  }

  /** What sources may read. */
  #context(options: PipelineOptions): Context {
    const { graph, objects } = this
    return {
      options,
      ingressClasses: objects.of('IngressClass'),
      namespaces: objects.of('Namespace'),
      services: objects.of('Service'),
      slicesByService: objects.of('EndpointSlice').index(serviceOf),
      zone: this.zone,
      configMaps: objects.of('ConfigMap'),
      certificates: this.certificates,
      secrets: objects.of('Secret'),
      authorities: graph.map(objects.of('Secret'), translateAuthority),
      resolutions: this.resolutions,
      objectSettings: graph.map(this.#settings, ({ settings }) => objectSettings(settings)),
      referenceSettings: graph.map(this.#settings, ({ settings }) => referenceSettings(settings)),
      listed: objects.listed,
    }
  }

  #secretPipelines(context: Context, defaultCertificate: string): SecretPipelines {
    const { graph, fragments, virtualHosts } = this
    const allowPlain = graph.map(this.#settings, ({ settings }) => settings.allowPlainTextPasswords)
    const warningDays = graph.map(this.#settings, ({ settings }) => settings.sslExpiryWarningDays)
    const inputs = { ...context, fragments, virtualHosts, allowPlain, warningDays, defaultCertificate }
    return new SecretPipelines(graph, inputs)
  }

  #streamPipeline(options: PipelineOptions): StreamPipeline {
    const { graph, fragments, backends, virtualHosts } = this
    const settings = graph.map(this.#settings, (reading) => streamSettings(reading.settings))
    return new StreamPipeline(graph, { fragments, backends, virtualHosts, settings }, options)
  }

  #emitRecords(options: PipelineOptions): void {
    const { graph } = this
    this.#emit(
      graph.map(this.#settings, ({ settings }, read) =>
        globalSetting(settings, read.get(this.#defaultBackend, options.defaultBackendService)?.ref, options),
      ),
      () => GLOBAL_SETTING_KEY,
    )
    this.#emit(
      graph.map(this.virtualHosts, (host, read) => hostRecord(host, inForce(this.#settings, read), options)),
      hostKey,
    )
    this.#emit(graph.map(this.backends, backendRecord), (key) => backendKey(parseBackendName(key)))
    const served = this.virtualHosts.index(shownCertificates)
    this.#emit(graph.group(served, (key, _hosts, read) => servable(read.get(this.certificates, key))), (key) =>
      certificateKey(objectName(key)),
    )
    this.#emit(
      graph.map(this.fallbackCertificate, (fallback, read) =>
        servable(read.get(this.certificates, options.defaultCertificate)) ?? certificateRecord(fallback),
      ),
      () => DEFAULT_CERTIFICATE_KEY,
    )
    this.#secrets.emit((records, recordKey) => this.#emit(records, recordKey))
    this.#streams.emit((records, recordKey) => this.#emit(records, recordKey))
  }

  #collectFindings(options: PipelineOptions): void {
    const { graph, objects } = this
    const found = this.#findings
    found.collect('settings', this.#settings)
    found.collect('class', graph.map(objects.of('IngressClass'), (it) => classFindings(it, options)))
    found.collect('default backend', this.#defaultBackend)
    found.collect('fragment', this.fragments)
    found.collect('host', this.virtualHosts)
    found.collect('backend', this.backends)
    this.#secrets.collect((stage, collection) => found.collect(stage, collection))
    this.#streams.collect((stage, collection) => found.collect(stage, collection))
  }

  #usableKey(secret: ObjectName, host: string, read: Reader): string | undefined {
    const result = read.get(this.certificates, objectKey(secret))
    if (result === undefined || 'problem' in result) return undefined
    return covers(result.certificate.dnsNames, host) ? result.certificate.keyType : undefined
  }

  #emit<R extends DataRecord>(collection: Collection<R>, recordKey: (key: string) => string): void {
    collection.subscribe((key, record) => {
      if (record === undefined) this.records.delete(recordKey(key))
      else this.records.set(recordKey(key), record)
      this.changed.add(recordKey(key))
    })
  }
}

function serviceOf(slice: KubeObject): string[] {
  const service = texts(slice.metadata.labels)[SERVICE_NAME_LABEL]
  return service === undefined ? [] : [`${slice.metadata.namespace}/${service}`]
}

function backendsOf(fragment: Fragment): string[] {
  const routed = [...fragment.routes, ...fragment.arms].flatMap((route) => route.backends.map(backendName))
  const others = [...fragment.routes, fragment].flatMap(({ defaultBackend }) => defaultBackend ?? [])
  const named = [...policyBackends(fragment.routes), ...(fragment.destinations ?? [])].map(backendName)
  const isRouted = fragment.streams === undefined && fragment.passthrough === undefined
  return [...routed, ...others.map(backendName), ...named, ...(isRouted ? [] : streamBackends(fragment))]
}

/** The certificates that clients of a host are shown, and its backends. */
function shownCertificates(host: VirtualHost): string[] {
  const identities = host.routes.flatMap(({ policies }) => backendIdentity(policies) ?? [])
  return [...certificatesOf(host).map(objectKey), ...identities]
}

function servable(result: CertificateResult | undefined): DataRecord | undefined {
  return result !== undefined && 'certificate' in result ? certificateRecord(result.certificate) : undefined
}
