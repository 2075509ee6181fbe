/** The node that we run on, and its zone, with which the hints of EndpointSlices are compared. */
import type { ObjectName } from '../ir/object-name.ts'
import { ApiError, DecodeError } from './errors.ts'
import { TroubleLog, type Logger } from './logger.ts'
import { NODE, POD, asRawObject, objectPath, type RawObject } from './resource.ts'
import { retrying, type RetryTiming } from './retry.ts'
import type { ApiTransport } from './transport.ts'
import { realWait } from './wait.ts'

const ZONE_LABEL = 'topology.kubernetes.io/zone'
const DEFAULT_TIMING: RetryTiming = { backoffMin: 500, backoffMax: 30_000, wait: realWait }

export interface ZoneOptions {
  readonly transport: ApiTransport
  readonly log: Logger
  /** Our own pod. */
  readonly pod: ObjectName
  readonly signal: AbortSignal
  readonly timing?: Partial<RetryTiming>
}

/**
 * Tries until pod and node can be read; undefined: the node has no zone. A pod never changes its node, and a
 * node hardly its zone, so both are read once. Rejects when the signal aborts.
 */
export async function findZone(options: ZoneOptions): Promise<string | undefined> {
  const { transport, log, pod, signal } = options
  const timing = { ...DEFAULT_TIMING, ...options.timing }
  const troubles = new TroubleLog(log)
  const read = async (path: string): Promise<RawObject> => asRawObject(await transport.json({ path, signal }))
  const readNode = async (): Promise<RawObject> => {
    const ours = await read(objectPath(POD, pod.namespace, pod.name))
    return read(objectPath(NODE, '', nodeOfPod(ours)))
  }
  const failed = (error: Error): void => {
    troubles.report('zone', { err: error }, `${cannotRead(error)} the zone of our node; retrying`)
  }
  const node = await retrying(readNode, { timing, signal, failed })
  troubles.clear('zone', 'the zone of our node can be read')
  return node.metadata.labels?.[ZONE_LABEL]
}

/** Name of the node that a pod runs on. Throws DecodeError while it has none. */
function nodeOfPod(pod: RawObject): string {
  const { nodeName: name } = (pod['spec'] ?? {}) as { readonly nodeName?: unknown }
  if (typeof name !== 'string') throw new DecodeError(`pod ${pod.metadata.namespace}/${pod.metadata.name} has no node`)
  return name
}

function cannotRead(error: Error): string {
  return error instanceof ApiError && error.status === 403 ? 'RBAC does not allow to read' : 'cannot read'
}
