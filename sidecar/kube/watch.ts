/** One watch request from its opening to its end, whatever ends it. */
import { ApiError, DecodeError, StallError, asError, errorFromStatus } from './errors.ts'
import { jsonLines } from './json-lines.ts'
import { asRawObject } from './resource.ts'
import type { RawObject } from './resource.ts'
import type { ApiTransport } from './transport.ts'
import type { Wait } from './wait.ts'

/** Why a watch is over. `ended`: by the server at its time limit, the healthy case. */
export type WatchEndReason =
  | 'ended'
  | 'dropped'
  | 'stalled'
  | 'expired'
  | 'undecodable'
  | 'refused'
  | 'unreachable'

export interface WatchEnd {
  readonly reason: WatchEndReason
  readonly error?: Error
  /** It brought at least one event or bookmark. */
  readonly brought: boolean
  /** Milliseconds from the server's 200 to the end; undefined when it never opened. */
  readonly lived: number | undefined
}

export type WatchEvent =
  | { readonly type: 'set' | 'delete'; readonly object: RawObject; readonly resourceVersion: string }
  | { readonly type: 'bookmark'; readonly resourceVersion: string }

export interface WatchOptions {
  readonly transport: ApiTransport
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  /** The server ends the watch after that many seconds. */
  readonly timeoutSeconds: number
  /** Milliseconds after which a watch that is still open must be dead. */
  readonly limit: number
  readonly wait: Wait
  readonly signal: AbortSignal
  readonly opened: () => void
  readonly apply: (event: WatchEvent) => void
}

/** An object is at most 1.5 MB in etcd; as JSON with escapes it can be several times that. */
const MAX_FRAME = 16 * 1024 * 1024

interface Progress {
  brought: boolean
  openedAt: number | undefined
}

/** Never throws: each way to end is a WatchEnd. */
export async function followWatch(options: WatchOptions): Promise<WatchEnd> {
  const progress: Progress = { brought: false, openedAt: undefined }
  const guard = new AbortController()
  const abort = (): void => guard.abort(new Error('stopped'))
  options.signal.addEventListener('abort', abort, { once: true })
  void options.wait(options.limit, guard.signal).then(
    () => guard.abort(new StallError(`open for longer than the ${options.timeoutSeconds} s it asked for`)),
    () => undefined,
  )
  let error: Error | undefined
  try {
    await readEvents(options, guard.signal, progress)
  } catch (thrown) {
    error = guard.signal.reason instanceof StallError ? guard.signal.reason : asError(thrown)
  } finally {
    options.signal.removeEventListener('abort', abort)
    guard.abort(new Error('over'))
  }
  const lived = progress.openedAt === undefined ? undefined : performance.now() - progress.openedAt
  const end = { reason: endReason(error), brought: progress.brought, lived }
  return error === undefined ? end : { ...end, error }
}

async function readEvents(
  options: WatchOptions,
  signal: AbortSignal,
  progress: Progress,
): Promise<void> {
  const query = {
    ...options.query,
    watch: 'true',
    allowWatchBookmarks: 'true',
    timeoutSeconds: String(options.timeoutSeconds),
  }
  const body = await options.transport.stream({ path: options.path, query, signal })
  progress.openedAt = performance.now()
  options.opened()
  for await (const frame of jsonLines(body, MAX_FRAME)) {
    if (signal.aborted) return
    options.apply(readFrame(frame))
    progress.brought = true
  }
}

interface RawFrame {
  readonly type?: unknown
  readonly object?: unknown
}

const EVENT_TYPES = new Map<unknown, WatchEvent['type']>([
  ['ADDED', 'set'],
  ['MODIFIED', 'set'],
  ['DELETED', 'delete'],
  ['BOOKMARK', 'bookmark'],
])

function readFrame(value: unknown): WatchEvent {
  const frame = (typeof value === 'object' && value !== null ? value : {}) as RawFrame
  if (frame.type === 'ERROR') throw errorFromStatus(frame.object, 500)
  const type = EVENT_TYPES.get(frame.type)
  if (type === undefined) throw new DecodeError('a watch frame of unknown type')
  const resourceVersion = resourceVersionOf(frame.object)
  if (type === 'bookmark') return { type, resourceVersion }
  return { type, object: asRawObject(frame.object), resourceVersion }
}

/** A bookmark has nothing else: no name, no uid. */
function resourceVersionOf(object: unknown): string {
  const { metadata } = (object ?? {}) as { readonly metadata?: { readonly resourceVersion?: unknown } }
  const version = metadata?.resourceVersion
  if (typeof version !== 'string') throw new DecodeError('a watch frame without a resourceVersion')
  return version
}

function endReason(error: Error | undefined): WatchEndReason {
  if (error === undefined) return 'ended'
  if (error instanceof StallError) return 'stalled'
  if (error instanceof DecodeError) return 'undecodable'
  if (!(error instanceof ApiError)) return 'dropped'
  if (error.expired) return 'expired'
  return error.unreachable ? 'unreachable' : 'refused'
}
