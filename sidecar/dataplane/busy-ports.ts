/** Ports of layer 4 that NGINX could not listen on: they are left out, so that one costs itself alone. */
import type { Layer4 } from '../ir/types.ts'

/**
 * Whoever has the port may give it up. Each try may keep NGINX busy for some seconds, and holds up what else is to
 * be loaded: so it is one port at a time, however many there are.
 */
const AGAIN_MS = 60_000

/** What NGINX says of an address that it cannot have, such as `bind() to [::]:53 failed (13: Permission denied)`. */
const REFUSAL = /^(?:bind|listen)\(\) to \S{1,50}:([0-9]{1,5})(?:, backlog [0-9]{1,10})? failed \(([^)]{1,80})\)/

export class BusyPorts {
  /** By port: why. The one that waits longest for another try comes first. */
  readonly #reasons = new Map<number, string>()
  #triedAt = 0

  get reasons(): ReadonlyMap<number, string> {
    return this.#reasons
  }

  /** Remembers the ports that messages of NGINX are about; false: they are about something else. */
  blame(messages: readonly string[], layer4: Layer4 | undefined, now: number): boolean {
    const wanted = new Set(layer4?.ports.map(({ port }) => String(port)))
    const before = this.#reasons.size
    for (const message of messages) {
      const [, port = '', reason = ''] = REFUSAL.exec(message) ?? []
      if (wanted.has(port)) this.#reasons.set(Number(port), reason)
    }
    if (this.#reasons.size === before) return false
    this.#triedAt = now
    return true
  }

  /** One more port is to be tried, when it is time. */
  expire(now: number): void {
    const [next] = this.#reasons.keys()
    if (next === undefined || now - this.#triedAt < AGAIN_MS) return
    this.#reasons.delete(next)
    this.#triedAt = now
  }

  /** The rest; the same object where nothing is left out. */
  without(layer4: Layer4 | undefined): Layer4 | undefined {
    if (layer4 === undefined || this.#reasons.size === 0) return layer4
    return { ...layer4, ports: layer4.ports.filter(({ port }) => !this.#reasons.has(port)) }
  }
}
