/**
 * What the controller reads from the cluster: a reflector for each kind, one for each named ConfigMap, and
 * one for each Secret or ConfigMap that is referenced. No other Secret or ConfigMap is ever asked for.
 */
import type { Kind, KubeObject, ObjectSink } from '../collection/objects.ts'
import { objectKey, objectName } from '../ir/object-name.ts'
import type { ObjectName } from '../ir/object-name.ts'
import { ApiError } from './errors.ts'
import { TroubleLog } from './logger.ts'
import type { Logger } from './logger.ts'
import { Reflector, newCounters } from './reflector.ts'
import type { ReflectorCounters, ReflectorObserver, ReflectorSink, ReflectorTiming } from './reflector.ts'
import {
  CONFIG_MAP,
  ENDPOINT_SLICE,
  INGRESS,
  INGRESS_CLASS,
  NAMESPACE,
  PROXY,
  SECRET,
  SERVICE,
  collectionPath,
  trim,
} from './resource.ts'
import type { RawObject, WatchedResource } from './resource.ts'
import type { ApiTransport } from './transport.ts'

export interface SourceOptions {
  readonly transport: ApiTransport
  readonly sink: ObjectSink
  readonly log: Logger
  /** Only this namespace; '' or absent: all. Kinds without a namespace are not affected. */
  readonly watchNamespace?: string
  /** A label selector: the namespaces with these labels are told, too. */
  readonly namespaceSelector?: string
  readonly configMaps?: readonly ObjectName[]
  /** By kind: told about every object with its status, which the sink never sees; a StatusWriter's eyes. */
  readonly statuses?: Readonly<Partial<Record<Kind, ReflectorSink<RawObject>>>>
  readonly timing?: Partial<ReflectorTiming>
}

const KINDS: readonly WatchedResource[] = [INGRESS, INGRESS_CLASS, PROXY, SERVICE, ENDPOINT_SLICE]

/** Kinds of which only what somebody refers to is watched. */
export type ReferencedKind = 'Secret' | 'ConfigMap'

const REFERENCED: Readonly<Record<ReferencedKind, WatchedResource>> = { Secret: SECRET, ConfigMap: CONFIG_MAP }

interface Part {
  readonly resource: WatchedResource
  readonly namespace: string
  /** Only this object of the namespace. */
  readonly name?: string
  /** Only objects with these labels. */
  readonly labels?: string
}

export class ClusterSource {
  readonly counters: ReflectorCounters = newCounters()
  readonly #options: SourceOptions
  readonly #troubles: TroubleLog
  readonly #kinds: readonly Reflector<KubeObject>[]
  /** By kind and then `namespace/name`. */
  readonly #referenced: Readonly<Record<ReferencedKind, Map<string, Reflector<KubeObject>>>> = {
    Secret: new Map(),
    ConfigMap: new Map(),
  }
  readonly #unlisted = new Set<string>()
  readonly #synced = Promise.withResolvers<void>()

  constructor(options: SourceOptions) {
    this.#options = options
    this.#troubles = new TroubleLog(options.log)
    const { watchNamespace = '', namespaceSelector = '', configMaps = [] } = options
    const parts: readonly Part[] = [
      ...KINDS.map((resource) => ({ resource, namespace: resource.namespaced ? watchNamespace : '' })),
      ...(namespaceSelector === '' ? [] : [{ resource: NAMESPACE, namespace: '', labels: namespaceSelector }]),
      ...configMaps.map((map) => ({ resource: CONFIG_MAP, ...map })),
    ]
    for (const part of parts) this.#unlisted.add(partName(part))
    this.#kinds = parts.map((part) => this.#reflector(part))
  }

  start(): void {
    for (const reflector of this.#kinds) reflector.start()
  }

  /** Resolves when nothing more will reach the sink. */
  async stop(): Promise<void> {
    const maps = Object.values(this.#referenced)
    const referenced = maps.flatMap((map) => [...map.values()])
    for (const map of maps) map.clear()
    await Promise.all([...this.#kinds, ...referenced].map((reflector) => reflector.stop()))
  }

  /** Every kind and every named ConfigMap was listed once. What is referenced does not count: it comes and goes. */
  get isSynced(): boolean {
    return this.#unlisted.size === 0
  }

  /** Resolves when `isSynced` becomes true. */
  synced(): Promise<void> {
    return this.#synced.promise
  }

  /**
   * The objects of a kind to watch from now on, beside the named ConfigMaps, which are not to be among them. The
   * first answer for a new one is a `replace` of its part, empty when it does not exist; one that is no longer
   * referenced is deleted from the sink.
   */
  setReferenced(kind: ReferencedKind, names: Iterable<ObjectName>): void {
    const watched = this.#referenced[kind]
    const wanted = new Map([...names].map((it) => [objectKey(it), it]))
    for (const [key, reflector] of watched) {
      if (wanted.has(key)) continue
      watched.delete(key)
      this.#drop(kind, key, reflector)
    }
    for (const [key, name] of wanted) {
      if (watched.has(key)) continue
      const reflector = this.#reflector({ resource: REFERENCED[kind], ...name })
      watched.set(key, reflector)
      reflector.start()
    }
  }

  #drop(kind: ReferencedKind, key: string, reflector: Reflector<KubeObject>): void {
    void reflector.stop()
    const { namespace, name } = objectName(key)
    this.#options.sink.delete(kind, namespace, name)
  }

  #reflector(part: Part): Reflector<KubeObject> {
    const { transport, timing } = this.#options
    const { resource, namespace, name, labels } = part
    return new Reflector<KubeObject>({
      transport,
      path: collectionPath(resource, namespace),
      ...(name === undefined ? {} : { fieldSelector: `metadata.name=${name}` }),
      ...(labels === undefined ? {} : { labelSelector: labels }),
      ...(resource.optional === undefined ? {} : { optional: resource.optional }),
      keep: (raw) => trim(resource, raw),
      sink: this.#sink(part),
      observer: this.#observer(part),
      counters: this.counters,
      ...(timing === undefined ? {} : { timing }),
    })
  }

  #sink(part: Part): ReflectorSink<KubeObject> {
    const { sink, statuses } = this.#options
    const { resource, namespace, name } = part
    const scope = name === undefined ? undefined : `${namespace}/${name}`
    const status = statuses?.[resource.kind]
    return {
      replace: (objects) => {
        status?.replace(objects)
        sink.replace(resource.kind, objects.map(withoutStatus), scope)
        this.#listed(part)
      },
      set: (object) => {
        status?.set(object)
        sink.set(withoutStatus(object))
      },
      delete: (object) => {
        status?.delete(object)
        sink.delete(resource.kind, object.metadata.namespace, object.metadata.name)
      },
    }
  }

  #listed(part: Part): void {
    if (this.#unlisted.delete(partName(part)) && this.isSynced) this.#synced.resolve()
  }

  #observer(part: Part): ReflectorObserver {
    const { log } = this.#options
    const { plural } = part.resource
    const forbidden = `forbidden ${plural} ${part.namespace}`
    return {
      trouble: (error, verb) => {
        const fields = { verb, resource: plural, namespace: part.namespace, err: error }
        if (error instanceof ApiError && error.status === 403) {
          this.#troubles.report(forbidden, fields, `RBAC does not allow to ${verb} ${plural} ${where(part)}`)
        } else if (error instanceof ApiError && error.unreachable) {
          this.#troubles.report('unreachable', fields, 'the API server cannot be reached; retrying')
        } else {
          this.#troubles.report(partName(part), fields, `cannot ${verb} ${plural} ${where(part)}; retrying`)
        }
      },
      healthy: () => {
        this.#troubles.clear('unreachable', 'the API server answers again')
        this.#troubles.clear(forbidden, `RBAC allows to read ${plural} ${where(part)} now`)
        this.#troubles.clear(partName(part), `${plural} ${where(part)} are read again`)
      },
      sinkFailed: (error) => log.error({ err: error, resource: plural }, 'a change could not be taken in'),
    }
  }
}

function withoutStatus({ status: _, ...object }: KubeObject): KubeObject {
  return object
}

function partName({ resource, namespace, name = '' }: Part): string {
  return `${resource.plural}/${namespace}/${name}`
}

function where({ resource, namespace }: Part): string {
  if (!resource.namespaced) return '(cluster-wide)'
  return namespace === '' ? 'in all namespaces' : `in namespace ${namespace}`
}
