/** What a translation may read besides its own object. Every read is recorded by the Reader. */
import type { Collection, Index, Reader } from '../collection/graph.ts'
import type { KubeObject } from '../collection/objects.ts'
import type { LabelSelector } from '../ir/label-selector.ts'
import type { ObjectSettings } from '../ir/object-settings.ts'
import type { Settings } from '../ir/settings.ts'
import type { Resolution } from '../ir/types.ts'
import type { AuthorityResult } from './secret/authority.ts'
import type { CertificateResult } from './secret/translate.ts'

export interface ClassOptions {
  readonly controllerClass: string
  /** Value of the old annotation `kubernetes.io/ingress.class`, and name of a class with `ingressClassByName`. */
  readonly ingressClass: string
  readonly ingressClassByName: boolean
  readonly watchIngressWithoutClass: boolean
}

export interface SourceOptions extends ClassOptions {
  /** Of the namespaces whose objects count; empty: all. */
  readonly namespaceSelector: LabelSelector
  readonly annotationsPrefix: string
  readonly disableCatchAll: boolean
  /** Loopback endpoints are refused in a cluster and fine in the standalone mode. */
  readonly allowLoopback: boolean
  /** Own addresses: never a destination; their families are the ones that endpoints may have. */
  readonly podAddresses: readonly string[]
  /** At which of their ports we are; empty: at all. In the network of a node the others are not ours. */
  readonly podPorts: readonly number[]
  readonly disableExternalNames: boolean
  /** `namespace/name` of the ConfigMaps with ports of layer 4; '' = none. */
  readonly tcpServices: string
  readonly udpServices: string
  /** Whether the annotation configuration-snippet is read, as typed directives. */
  readonly snippets: 'off' | 'typed'
  /** `--enable-ssl-passthrough`. */
  readonly sslPassthrough: boolean
  /** `namespace/name` of the Service in front of this controller; '' = unknown. */
  readonly publishService: string
}

/** What settings say of references. Apart from the others: those change more often than these matter. */
export type ReferenceSettings = Pick<Settings, 'allowCrossNamespaceResources' | 'externalNameDenied' | 'globalAllowedResponseHeaders' | 'serviceUpstream'>

/** Cuts them out of all settings. */
export function referenceSettings(settings: Settings): ReferenceSettings {
  const { allowCrossNamespaceResources, externalNameDenied, globalAllowedResponseHeaders, serviceUpstream } = settings
  return { allowCrossNamespaceResources, externalNameDenied, globalAllowedResponseHeaders, serviceUpstream }
}

/** What settings say of Ingresses as a whole. Apart, too. */
export function objectSettings(settings: Settings): ObjectSettings {
  const { strictValidatePathType, annotationsRiskLevel, annotationValueWordBlocklist } = settings
  return { strictValidatePathType, annotationsRiskLevel, annotationValueWordBlocklist }
}

export interface Context {
  readonly options: SourceOptions
  readonly ingressClasses: Collection<KubeObject>
  readonly namespaces: Collection<KubeObject>
  readonly services: Collection<KubeObject>
  readonly slicesByService: Index<KubeObject>
  /** Under '': the zone of our node, once known and wanted. */
  readonly zone: Collection<string>
  /** Those that objects and settings name. */
  readonly configMaps: Collection<KubeObject>
  readonly certificates: Collection<CertificateResult>
  /** Those that objects and settings name. */
  readonly secrets: Collection<KubeObject>
  /** By `namespace/name`: what is in the Secrets that have authorities. */
  readonly authorities: Collection<AuthorityResult>
  /** By DNS name; absent: nobody has asked yet. */
  readonly resolutions: Collection<Resolution>
  /** Under ''. */
  readonly referenceSettings: Collection<ReferenceSettings>
  /** Under ''. */
  readonly objectSettings: Collection<ObjectSettings>
  /** What has been listed (see ObjectStore): a Secret that is neither here nor listed is not missing yet. */
  readonly listed: Collection<true>
}

/** Whether objects may name Secrets and ConfigMaps of other namespaces. */
export function allowsCrossNamespace(read: Reader, context: Context): boolean {
  return read.get(context.referenceSettings, '')?.allowCrossNamespaceResources === true
}
