/** Follows what DNS says of the names that are needed, and tells what changes. */
import type { Resolution } from '../ir/types.ts'
import { compareText } from '../util/canonical.ts'
import { isEqual } from '../util/equal.ts'
import { Slots } from '../util/slots.ts'
import type { Family, FamilyReply, Lookup, Reply } from './lookup.ts'
import type { KnownNames } from './name-file.ts'

/**
 * Names that are asked for at a time, whatever their number; and as many of those that nobody answered for: each of
 * these takes seconds, and thousands of them must not keep the others waiting.
 */
const MAX_IN_FLIGHT = 32
/** A record may say that it holds for years; its owner would then wait as long for a change. */
const MAX_TTL_SECONDS = 3600
/** A name that nobody has answered for by then has failed: whoever waits for it goes on. */
const FIRST_ANSWER_MS = 3000
const NO_ANSWER_YET = 'no answer yet'

export interface NameWatcherOptions {
  readonly lookup: Lookup
  /** From an answer to the next question, unless the answer holds for longer. */
  readonly intervalSeconds: number
  /** Addresses from before, for names that nobody answers for from the beginning. */
  readonly known?: KnownNames
  /** Called with each change, and once for each name. */
  resolved(name: string, resolution: Resolution): void
}

/** What is known of one name. */
interface Followed {
  timer: NodeJS.Timeout
  readonly addresses: Map<Family, readonly string[]>
  resolution?: Resolution
}

export class NameWatcher {
  readonly #options: NameWatcherOptions
  readonly #slots = new Slots(MAX_IN_FLIGHT)
  readonly #slotsOfFailed = new Slots(MAX_IN_FLIGHT)
  readonly #names = new Map<string, Followed>()

  constructor(options: NameWatcherOptions) {
    this.#options = options
  }

  /** All names that are needed from now on; the others are forgotten. */
  follow(names: Iterable<string>): void {
    const needed = new Set(names)
    for (const [name, { timer }] of this.#names) {
      if (needed.has(name)) continue
      clearTimeout(timer)
      this.#names.delete(name)
    }
    for (const name of needed) if (!this.#names.has(name)) this.#begin(name)
  }

  close(): void {
    this.follow([])
  }

  #begin(name: string): void {
    const late = (): void => this.#failed(name, followed, NO_ANSWER_YET)
    const followed: Followed = { timer: setTimeout(late, FIRST_ANSWER_MS), addresses: new Map() }
    this.#names.set(name, followed)
    void this.#look(name, followed)
  }

  /** A name that was forgotten while its turn came, or its answer, is nobody's business any more. */
  async #look(name: string, followed: Followed): Promise<void> {
    const isNeeded = (): boolean => this.#names.get(name) === followed
    const slots = followed.resolution?.failure === undefined ? this.#slots : this.#slotsOfFailed
    const reply = await slots.run(async () => (isNeeded() ? this.#options.lookup(name) : undefined))
    if (reply === undefined || !isNeeded()) return
    clearTimeout(followed.timer)
    const failure = failureOf(reply)
    if (failure === undefined) this.#succeeded(name, followed, reply)
    else this.#failed(name, followed, failure)
    const seconds = Math.max(this.#options.intervalSeconds, Math.min(ttlOf(reply), MAX_TTL_SECONDS))
    followed.timer = setTimeout(() => void this.#look(name, followed), seconds * 1000)
  }

  #succeeded(name: string, { addresses }: Followed, reply: Reply): void {
    for (const [family, it] of reply) {
      if ('addresses' in it) addresses.set(family, it.addresses)
      else if (it.isAnswer) addresses.delete(family)
    }
    this.#tell(name, { addresses: [...addresses.values()].flat().sort(compareText) })
  }

  /** What was known stays, and so does the reason: one that changes with each try would be news each time. */
  #failed(name: string, { resolution }: Followed, reason: string): void {
    const { since, reason: first = NO_ANSWER_YET } = resolution?.failure ?? { since: new Date().toISOString() }
    const failure = { since, reason: first === NO_ANSWER_YET ? reason : first }
    this.#tell(name, { addresses: resolution?.addresses ?? this.#options.known?.get(name) ?? [], failure })
  }

  #tell(name: string, resolution: Resolution): void {
    const followed = this.#names.get(name)
    if (followed === undefined || isEqual(followed.resolution, resolution)) return
    followed.resolution = resolution
    this.#options.resolved(name, resolution)
  }
}

/** Undefined: there is an address in one family at least. */
function failureOf(reply: Reply): string | undefined {
  const replies = [...reply.values()]
  if (replies.some((it) => 'addresses' in it)) return undefined
  const failures = replies.flatMap((it) => ('failure' in it ? [it] : []))
  return (failures.find((it) => !it.isAnswer) ?? failures[0])?.failure ?? 'no family of addresses can be reached'
}

function ttlOf(reply: Reply): number {
  const known = [...reply.values()].flatMap((it: FamilyReply) => ('addresses' in it ? [it.ttl] : []))
  return known.length === 0 ? 0 : Math.min(...known)
}
