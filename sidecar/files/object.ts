/** One parsed value -> an object of a kind that we read, as the API server would hand it out. */
import type { Kind, KubeObject, ObjectMeta } from '../collection/objects.ts'
import { isDnsLabel, isObjectName, quoted } from '../ir/names.ts'
import type { Severity } from '../ir/origin.ts'
import { fields, text, type Fields } from '../util/field.ts'
import { convertOldIngress, isOldIngress } from './old-ingress.ts'

interface KindType {
  readonly apiVersion: string
  readonly namespaced: boolean
}

const TYPES: Readonly<Record<Kind, KindType>> = {
  Ingress: { apiVersion: 'networking.k8s.io/v1', namespaced: true },
  IngressClass: { apiVersion: 'networking.k8s.io/v1', namespaced: false },
  Proxy: { apiVersion: 'resty-ingress.io/v1alpha1', namespaced: true },
  Namespace: { apiVersion: 'v1', namespaced: false },
  Service: { apiVersion: 'v1', namespaced: true },
  EndpointSlice: { apiVersion: 'discovery.k8s.io/v1', namespaced: true },
  Secret: { apiVersion: 'v1', namespaced: true },
  ConfigMap: { apiVersion: 'v1', namespaced: true },
}

/** The kinds that a folder of manifests can hold for us. */
export const KINDS = Object.keys(TYPES) as readonly Kind[]

/** Why a value is no object of ours. Never quotes a value of `data`. */
export interface Refusal {
  readonly severity: Severity
  readonly reason: string
  readonly message: string
}

/** `notice`: something to say about an object that is read. */
export type Reading = { readonly object: KubeObject; readonly notice?: Refusal } | Refusal

const DEFAULT_NAMESPACE = 'default'
const WHOLE_SECONDS_UTC = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/

/** kubectl's copy of the whole object: as large as the object, and in a Secret as secret. */
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration'

/** Name and kind of any value, as far as they can be read: for the origin of a finding. */
export function typeOf(value: unknown): { kind: string; namespace: string; name: string } {
  const { kind, metadata } = fields(value)
  return { kind: text(kind), namespace: text(fields(metadata).namespace), name: text(fields(metadata).name) }
}

/** An object of a file as the API server would give it, or why it is none that is read here. */
export function normalize(value: unknown): Reading {
  const object = fields(value)
  if (isOldIngress(object)) return normalizeOld(object)
  const kind = text(object.kind)
  if (!isKind(kind)) return warning('UnknownKind', `kind ${quoted(object.kind)} is none that is read here; ignored`)
  if (object.apiVersion !== TYPES[kind].apiVersion) {
    const message = `apiVersion of ${kind} must be ${TYPES[kind].apiVersion}, not ${quoted(object.apiVersion)}; ignored`
    return warning('UnknownVersion', message)
  }
  const problem = metadataProblem(fields(object.metadata), TYPES[kind]) ?? dataProblem(kind, object)
  if (problem !== undefined) return { severity: 'error', reason: 'ObjectInvalid', message: `${kind} ignored: ${problem}` }
  return { object: withDefaults(kind, object) }
}

function normalizeOld(old: Fields): Reading {
  const { object, changes } = convertOldIngress(old)
  const reading = normalize(object)
  if (!('object' in reading)) return reading
  const message = `apiVersion ${text(old.apiVersion)} is read from files only; today it is written: ${changes.join('; ')}`
  return { ...reading, notice: warning('OldVersion', message) }
}

function isKind(kind: string): kind is Kind {
  return Object.hasOwn(TYPES, kind)
}

function warning(reason: string, message: string): Refusal {
  return { severity: 'warning', reason, message }
}

function metadataProblem(meta: Fields, { namespaced }: KindType): string | undefined {
  const { name, namespace, creationTimestamp: created } = meta
  if (typeof name !== 'string' || !isObjectName(name)) return `metadata.name ${quoted(name)} is not a name of Kubernetes: labels of a-z, 0-9 and - joined by dots`
  if (namespaced && !isNothing(namespace) && !isDnsLabel(text(namespace))) {
    return `metadata.namespace ${quoted(namespace)} is not a DNS label`
  }
  if (!isNothing(created) && !WHOLE_SECONDS_UTC.test(text(created))) {
    return `metadata.creationTimestamp ${quoted(created)} is not a time like 2026-01-31T12:00:00Z`
  }
  return notTexts('metadata.labels', meta.labels) ?? notTexts('metadata.annotations', meta.annotations)
}

function dataProblem(kind: Kind, object: Fields): string | undefined {
  if (kind !== 'Secret' && kind !== 'ConfigMap') return undefined
  return notTexts('data', object.data) ?? (kind === 'Secret' ? notTexts('stringData', object.stringData) : undefined)
}

/** A number or a boolean in a map of texts is refused as the API server does: its spelling is lost in YAML. */
function notTexts(field: string, value: unknown): string | undefined {
  if (isNothing(value)) return undefined
  if (typeof value !== 'object' || Array.isArray(value)) return `${field} is not a map`
  const wrong = Object.entries(value as object).find(([, member]) => typeof member !== 'string')
  return wrong === undefined ? undefined : `${field}: the value of ${quoted(wrong[0])} is not text; put it in quotes`
}

function isNothing(value: unknown): value is null | undefined {
  return value === null || value === undefined
}

/**
 * What the API server fills in. The versions of an exported object (uid, resourceVersion, generation) are
 * left out: an edit of the file does not change them, so they would hide it.
 */
function withDefaults(kind: Kind, object: Fields): KubeObject {
  const { status: _status, stringData, data, ...rest } = object
  const meta = fields(object.metadata)
  const metadata: ObjectMeta = {
    name: text(meta.name),
    namespace: TYPES[kind].namespaced ? text(meta.namespace) || DEFAULT_NAMESPACE : '',
    creationTimestamp: text(meta.creationTimestamp),
    ...(isNothing(meta.labels) ? {} : { labels: meta.labels as Record<string, string> }),
    ...(isNothing(meta.annotations) ? {} : { annotations: keptAnnotations(meta.annotations) }),
  }
  const held = kind === 'Secret' ? { ...fields(data), ...encoded(fields(stringData)) } : data
  return { ...rest, apiVersion: TYPES[kind].apiVersion, kind, metadata, ...(isNothing(held) ? {} : { data: held }) }
}

function keptAnnotations(annotations: object): Record<string, string> {
  const { [LAST_APPLIED]: _, ...kept } = annotations as Record<string, string>
  return kept
}

/** `stringData` is `data` that is not base64 yet; it wins over `data`. */
function encoded(stringData: Fields): Record<string, string> {
  const entries = Object.entries(stringData).map(([key, value]) => [key, Buffer.from(text(value)).toString('base64')])
  return Object.fromEntries(entries) as Record<string, string>
}
