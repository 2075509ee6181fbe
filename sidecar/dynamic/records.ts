/**
 * The contract with Lua: the shape of every record (see docs/control-api.md).
 * Keys are structured: no part of a key can hold a `/`, so two objects never share one.
 */
import { backendName } from '../ir/backend-name.ts'
import { DEFAULT_LISTENER } from '../ir/names.ts'
import type { ObjectName } from '../ir/object-name.ts'
import type { TemplatePart } from '../ir/template.ts'
import type { BackendRef, CanaryHeader, Endpoint, HealthCheck, HostCiphers, Json, PathType, PolicySet, RouteMatch } from '../ir/types.ts'

export type RecordKey = string

export interface CanaryRecord {
  readonly backend: RecordKey
  readonly weight: number
  readonly header?: CanaryHeader
  readonly cookie?: string
  readonly policies: PolicySet
  readonly origin: RouteOrigin
}

export interface RouteOrigin {
  readonly kind: string
  readonly namespace: string
  readonly name: string
  readonly service: string
  readonly port: string
}

export interface RouteRecord {
  readonly path: string
  readonly pathType: PathType
  readonly match?: RouteMatch
  readonly class?: string
  readonly backends: readonly { readonly backend: RecordKey; readonly weight: number }[]
  readonly default_backend?: RecordKey
  readonly policies: PolicySet
  readonly closed?: string
  readonly canaries?: readonly CanaryRecord[]
  readonly canary?: { readonly total: number; readonly sticky: boolean; readonly key?: readonly TemplatePart[] }
  readonly origin: RouteOrigin
}

export interface HostRecord {
  readonly digest: string
  readonly certificate?: RecordKey
  readonly alternatives?: readonly RecordKey[]
  readonly ciphers?: HostCiphers
  /** The policy of this name, for handshakes and for requests that no route takes. */
  readonly client_certificate?: Json
  readonly closed?: string
  readonly routes: readonly RouteRecord[]
}

export type EndpointRecord =
  | readonly [address: string, port: number]
  | readonly [address: string, port: number, rest: Pick<Endpoint, 'draining' | 'priority'>]

export interface BackendRecord {
  readonly digest: string
  readonly endpoints: readonly EndpointRecord[]
  readonly salt?: string
  readonly health_check?: HealthCheck
}

export interface CertificateRecord {
  readonly digest: string
  readonly chain: string
  readonly key: string
}

/** Who signs the certificates of clients. */
export interface AuthorityRecord {
  readonly digest: string
  readonly certificates: string
}

/** Of a port of layer 4, or of a host whose TLS is passed on. */
export interface StreamRecord {
  readonly digest: string
  readonly backend: RecordKey
  readonly load_balance?: Json
}

/** Hash of the password of each user; a text in place of them where people see it. */
export interface HtpasswdRecord {
  readonly digest: string
  readonly users: { readonly [name: string]: string } | string
}

export interface SettingRecord {
  readonly digest: string
  /** Of requests that no route takes. */
  readonly unrouted?: { readonly class?: string; readonly policies: PolicySet }
  readonly [name: string]: Json | undefined
}

export type DataRecord =
  | HostRecord
  | BackendRecord
  | CertificateRecord
  | AuthorityRecord
  | HtpasswdRecord
  | SettingRecord
  | StreamRecord

export const DEFAULT_CERTIFICATE_KEY: RecordKey = 'certificate/default'
export const GLOBAL_SETTING_KEY: RecordKey = 'setting/global'

/** Key of the record of a virtual host. */
export function hostKey(host: string): RecordKey {
  return `host/${DEFAULT_LISTENER}/${host}`
}

/** Key of the record of a Service port. */
export function backendKey(ref: BackendRef): RecordKey {
  return `backend/${backendName(ref)}`
}

/** Key of the record of the certificate in a Secret. */
export function certificateKey(secret: ObjectName): RecordKey {
  return `certificate/${secret.namespace}/${secret.name}`
}

/** Key of the record of the authorities in a Secret. */
export function authorityKey(secret: ObjectName): RecordKey {
  return `authority/${secret.namespace}/${secret.name}`
}

/** The location classes that a record needs before it may be sent. */
export function requiredClasses(record: DataRecord): string[] {
  const { routes = [], unrouted } = record as Partial<HostRecord> & Pick<SettingRecord, 'unrouted'>
  return [...routes, ...(unrouted === undefined ? [] : [unrouted])].flatMap(({ class: name }) => name ?? [])
}
