/** The probes of a container, from the node, as a kubelet makes them. */

import type { V1Container, V1Probe } from '@kubernetes/client-node'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { withPatience } from '../wait.ts'

/** Runs a command in the container and returns its exit status. */
export type Exec = (argv: readonly string[]) => Promise<number>

export interface ProbeTarget {
  readonly address: string
  readonly container: V1Container
  readonly exec: Exec
  /** Whether the node has no network: a kubelet would reach the pod all the same, which the lab cannot. */
  readonly isCutOff: () => boolean
}

export type ProbeAction = Pick<V1Probe, 'httpGet' | 'tcpSocket' | 'exec'>

/** Until a probe first succeeds it is tried this often: nobody needs to wait for the next period. */
const EAGER_INTERVAL_MS = 100

/** True when the probe succeeds within the time-out. */
export async function probeOnce(probe: ProbeAction, target: ProbeTarget, timeoutMs: number): Promise<boolean> {
  const { httpGet, tcpSocket, exec } = probe
  if (httpGet !== undefined) return await probeHttp(httpGet, target, timeoutMs)
  if (tcpSocket !== undefined) return await probeTcp(portNumber(tcpSocket.port, target), target.address, timeoutMs)
  if (exec !== undefined) {
    return await Promise.race([
      target.exec(exec.command ?? []).then((code) => code === 0, () => false),
      // Nobody waits for what is left of it.
      delay(timeoutMs, false, { ref: false }),
    ])
  }
  throw new Error('the lab has httpGet, tcpSocket and exec probes only')
}

async function probeFromNode(probe: ProbeAction, target: ProbeTarget, timeoutMs: number): Promise<boolean> {
  return await probeOnce(probe, target, timeoutMs) || target.isCutOff()
}

/**
 * Probes until `signal` aborts and calls `report` with each change of the verdict: the first success
 * or failure that reaches its threshold, then every turn.
 */
export async function watchProbe(
  probe: V1Probe, target: ProbeTarget, signal: AbortSignal, report: (healthy: boolean) => void,
): Promise<void> {
  const { periodSeconds = 10, initialDelaySeconds = 0, timeoutSeconds = 1 } = probe
  const periodMs = periodSeconds * 1000
  await pause(initialDelaySeconds * 1000, signal)
  const verdict = new Verdict(probe)
  let lastCounted = -Infinity
  while (!signal.aborted) {
    const success = await probeFromNode(probe, target, timeoutSeconds * 1000)
    if (signal.aborted) return
    // Eager tries do not use up the failure threshold: one failure counts in each period.
    if (success || performance.now() - lastCounted >= periodMs) {
      lastCounted = performance.now()
      const turned = verdict.add(success)
      if (turned !== undefined) report(turned)
    }
    await pause(verdict.succeeded ? periodMs : Math.min(EAGER_INTERVAL_MS, periodMs), signal)
  }
}

/** Counts successes and failures in a row against their thresholds. */
class Verdict {
  succeeded = false
  readonly #successThreshold: number
  readonly #failureThreshold: number
  #current: boolean | undefined
  #candidate: boolean | undefined
  #inRow = 0

  constructor({ successThreshold = 1, failureThreshold = 3 }: V1Probe) {
    this.#successThreshold = successThreshold
    this.#failureThreshold = failureThreshold
  }

  /** The new verdict when it turned. */
  add(success: boolean): boolean | undefined {
    this.succeeded ||= success
    this.#inRow = success === this.#candidate ? this.#inRow + 1 : 1
    this.#candidate = success
    const threshold = success ? this.#successThreshold : this.#failureThreshold
    if (this.#inRow < threshold || success === this.#current) return undefined
    this.#current = success
    return success
  }
}

async function probeHttp(
  action: NonNullable<V1Probe['httpGet']>, target: ProbeTarget, timeoutMs: number,
): Promise<boolean> {
  const send = action.scheme === 'HTTPS' ? httpsRequest : httpRequest
  const headers = Object.fromEntries((action.httpHeaders ?? []).map((header) => [header.name, header.value]))
  return await withPatience(timeoutMs, (signal) => new Promise((resolve) => {
    const request = send({
      host: action.host ?? target.address,
      port: portNumber(action.port, target),
      path: action.path ?? '/',
      headers: { 'user-agent': 'kube-probe/lab', connection: 'close', ...headers },
      rejectUnauthorized: false,
      agent: false,
      signal,
    }, (response) => {
      const status = response.statusCode ?? 0
      response.resume()
      resolve(status >= 200 && status < 400)
    })
    request.once('error', () => { resolve(false) })
    request.end()
  }))
}

async function probeTcp(port: number, host: string, timeoutMs: number): Promise<boolean> {
  return await withPatience(timeoutMs, (signal) => new Promise((resolve) => {
    const socket = connect({ host, port, signal })
    const end = (success: boolean) => (): void => { socket.destroy(); resolve(success) }
    socket.once('connect', end(true)).once('error', end(false))
  }))
}

/** A named port is one of the container's own. */
function portNumber(port: number | string, { container }: ProbeTarget): number {
  if (typeof port === 'number') return port
  const named = container.ports?.find((candidate) => candidate.name === port)
  return named?.containerPort ?? Number(port)
}

async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted || milliseconds === 0) return
  await new Promise<void>((resolve) => {
    const end = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, milliseconds)
    signal.addEventListener('abort', end)
  })
}
