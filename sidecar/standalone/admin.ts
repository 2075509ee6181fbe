/** What `npm start` asks its sidecar. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { RouteView } from '../api/route-views.ts'

const READY_POLL_MS = 50

export class Admin {
  /** For people, too. */
  readonly url: string

  /** `host` is where the sidecar listens; empty: everywhere. */
  constructor(host: string, port: number) {
    this.url = `http://${reachable(host)}:${port}`
  }

  /** Resolves when the first complete revision is served by every worker, or at once when aborted. */
  async ready(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && !(await this.#isReady())) await sleep(READY_POLL_MS)
  }

  /** Empty when the sidecar has just ended; who waits for its end is told so. */
  async routes(): Promise<readonly RouteView[]> {
    try {
      const response = await fetch(`${this.url}/v1/routes`)
      return ((await response.json()) as { routes: readonly RouteView[] }).routes
    } catch {
      return []
    }
  }

  async #isReady(): Promise<boolean> {
    try {
      const response = await fetch(`${this.url}/readyz`)
      await response.body?.cancel()
      return response.status === 200
    } catch {
      // It does not listen yet.
      return false
    }
  }
}

/** An address to connect to, for one to listen on. */
export function reachable(host: string): string {
  if (host === '' || host === '0.0.0.0') return '127.0.0.1'
  if (host === '::') return '[::1]'
  return host.includes(':') ? `[${host}]` : host
}
