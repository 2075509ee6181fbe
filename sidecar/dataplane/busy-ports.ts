/** Ports of layer 4 that NGINX could not listen on: they are left out, so that one costs itself alone. */
import type { Layer4 } from '../ir/types.ts'

/** Whoever has the port may give it up; each try keeps NGINX busy for some seconds. */
const AGAIN_MS = 60_000

/** What NGINX says of an address that it cannot have, such as `bind() to [::]:53 failed (13: Permission denied)`. */
const REFUSAL = /^(?:bind|listen)\(\) to \S{1,50}:([0-9]{1,5})(?:, backlog [0-9]{1,10})? failed \(([^)]{1,80})\)/

interface Refusal {
  readonly reason: string
  readonly at: number
}

export class BusyPorts {
  readonly #refusals = new Map<number, Refusal>()

  /** By port: why. */
  get reasons(): ReadonlyMap<number, string> {
    return new Map([...this.#refusals].map(([port, { reason }]) => [port, reason]))
  }

  /** Remembers the port that a message of NGINX is about; false: it is about something else. */
  blame(message: string, layer4: Layer4 | undefined, now: number): boolean {
    const [, port = '', reason = ''] = REFUSAL.exec(message) ?? []
    if (layer4?.ports.some((it) => String(it.port) === port) !== true) return false
    this.#refusals.set(Number(port), { reason, at: now })
    return true
  }

  /** Forgets what is to be tried again. */
  expire(now: number): void {
    for (const [port, { at }] of this.#refusals) if (now - at >= AGAIN_MS) this.#refusals.delete(port)
  }

  /** The rest; the same object where nothing is left out. */
  without(layer4: Layer4 | undefined): Layer4 | undefined {
    if (layer4 === undefined || this.#refusals.size === 0) return layer4
    return { ...layer4, ports: layer4.ports.filter(({ port }) => !this.#refusals.has(port)) }
  }
}
