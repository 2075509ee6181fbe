/**
 * Starts a real NGINX by openresty/start in a folder of its own, and speaks to its control API and
 * its listeners. Everything ends with the test.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, type TestContext } from 'node:test'
import { Client } from 'undici'
import type { DataPlaneStatus } from '../../../sidecar/dataplane/client.ts'
import type { Capabilities } from '../../../sidecar/nginx/input.ts'
import { forgetConnections } from './client.ts'
import { renderFixture, type FixtureOptions } from './fixture.ts'
import { freePort } from './ports.ts'

export { freePort }

export const LAUNCHER = join(import.meta.dirname, '../../../openresty/start')
/** Far more than anything takes on a machine that does much else: nobody waits for it but a test that fails. */
const WAIT_MS = 60_000

export type Variant = 'system' | 'next' | 'openresty'

/** Variants of RESTY_INGRESS_VARIANTS. */
export function variants(): readonly Variant[] {
  const names = (process.env['RESTY_INGRESS_VARIANTS'] ?? 'system').split(',')
  return names.map((name) => {
    if (name === 'system' || name === 'next' || name === 'openresty') return name
    throw new Error(`RESTY_INGRESS_VARIANTS: unknown variant ${name}`)
  })
}

/** The value of NGINX for the launcher. */
export function program(variant: Variant): string {
  if (variant === 'system') return '/usr/sbin/nginx'
  if (variant === 'openresty') return 'openresty'
  const root = process.env['RESTY_INGRESS_NEXT_ROOT']
  if (root === undefined) throw new Error('variant next needs RESTY_INGRESS_NEXT_ROOT')
  return join(root, 'usr/sbin/nginx')
}

type Probe<T> = () => Promise<T | undefined> | T | undefined

/** Polls a condition; the condition, not the time, decides the test. */
export async function until<T>(what: string, probe: Probe<T>): Promise<T> {
  const deadline = performance.now() + WAIT_MS
  for (;;) {
    const value = await probe()
    if (value !== undefined && value !== false) return value
    if (performance.now() > deadline) throw new Error(`never happened: ${what}`)
    await sleep(5)
  }
}

export interface WorkerStatus {
  readonly pid: number
  readonly generation: number
  readonly config_hash: string
  readonly revision: number
}

/** Every member that an answer of the control API may have; which ones it has depends on the call. */
export interface ControlBody {
  readonly message: string
  readonly revision: number
  readonly rejected: Readonly<Record<string, string>>
  readonly digests: Readonly<Record<string, string>>
  readonly needed: number
  readonly capacity: number
  readonly generation: number
  readonly duration_ms: number
  readonly serving_ms: number
  readonly reloaded: boolean
  readonly line: number
  readonly instance: string
  readonly config_hash: string
  readonly reloading: boolean
  readonly workers: readonly WorkerStatus[]
  readonly worker_count: number
  readonly loss_free_reload: boolean
  readonly capabilities: Capabilities
  readonly nginx: { readonly version: string }
  readonly dictionaries: DataPlaneStatus['dictionaries']
  readonly restored?: {
    readonly revision: number; readonly records: number; readonly refused_records: number
    readonly age_seconds: number; readonly refused: string
  }
  readonly record_file: { readonly size: number; readonly trouble?: string }
  readonly chain: string
  readonly key: string
}

export interface Answer {
  readonly status: number
  readonly body: ControlBody
  readonly text: string
}

export type Json = Record<string, unknown>

/** Everything that Lua needs of a record, with a digest made from it. */
export class DataPlane {
  readonly folder: string
  /** Process id of the master, once it has started. */
  master = 0
  readonly #child: ChildProcess
  #control: Client
  #log = ''

  constructor(folder: string, child: ChildProcess) {
    this.folder = folder
    this.#child = child
    child.stderr?.on('data', (chunk: Buffer) => { this.#log += chunk.toString() })
    this.#control = this.#connect()
  }

  #connect(): Client {
    return new Client('http://control', { socketPath: join(this.folder, 'control.sock') })
  }

  get log(): string {
    return this.#log
  }

  /** Lines of the log at level error or worse. */
  errors(): readonly string[] {
    return this.#log.split('\n').filter((line) => /\[(error|crit|alert|emerg)\]/.test(line))
  }

  async call(method: string, path: string, body?: string | Json): Promise<Answer> {
    const text = typeof body === 'object' ? JSON.stringify(body) : body
    const content = text === undefined ? {} : { body: text }
    const response = await this.#control.request({ method, path, ...content })
    const answer = await response.body.text()
    if (method === 'PUT' && path === '/v1/config') this.#leaveOldWorkers()
    const json = response.headers['content-type'] === 'application/json' ? answer : '{}'
    return { status: response.statusCode, body: JSON.parse(json) as ControlBody, text: answer }
  }

  /** Old workers end connections that idle: a request that meets that end would be lost. */
  #leaveOldWorkers(): void {
    void this.#control.close()
    this.#control = this.#connect()
    forgetConnections()
  }

  async status(): Promise<ControlBody> {
    return (await this.call('GET', '/v1/status')).body
  }

  /** The whole set of records; throws when one is refused. */
  async put(set: Json): Promise<void> {
    const answer = await this.call('PUT', '/v1/records', { set })
    if (answer.status !== 200 || Object.keys(answer.body.rejected).length > 0) {
      throw new Error(`records refused: ${JSON.stringify(answer)}`)
    }
  }

  async configure(options: FixtureOptions): Promise<Answer> {
    return this.call('PUT', '/v1/config', renderFixture(options).text)
  }

  /** Signals the master; resolves when the launcher and all workers have ended. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    await this.#control.destroy()
    if (this.#hasEnded) return
    const exit = once(this.#child, 'exit')
    const workers = childrenOf(this.master)
    process.kill(this.master, signal)
    await exit
    // Those of a master that was killed end a moment later.
    await until('the workers have ended', () => !workers.some((pid) => existsSync(`/proc/${pid}/exe`)))
  }

  /** Signals the launcher, as a container runtime does. */
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** The exit code of the launcher, or the signal that ended it. */
  async ended(): Promise<number | NodeJS.Signals | null> {
    if (!this.#hasEnded) await once(this.#child, 'exit')
    return this.#child.exitCode ?? this.#child.signalCode
  }

  get #hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null
  }
}

export interface StartOptions {
  readonly folder?: string
  readonly env?: Readonly<Record<string, string>>
}

function childrenOf(pid: number): readonly string[] {
  return textOf(`/proc/${pid}/task/${pid}/children`).split(' ').filter((child) => child !== '')
}

/** Empty: it is not there, or no longer; between a look and a reading somebody may have removed it. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

function parentOf(pid: number): number {
  // After the name of the program, which may hold spaces: state, parent.
  return Number(textOf(`/proc/${pid}/stat`).split(') ').at(-1)?.split(' ')[1])
}

export async function start(variant: Variant, options: StartOptions = {}): Promise<DataPlane> {
  const folder = options.folder ?? await mkdtemp(join(tmpdir(), 'resty-ingress-'))
  const child = spawn(LAUNCHER, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: {
      PATH: process.env['PATH'] ?? '',
      NGINX: program(variant),
      RESTY_INGRESS_RUN: folder,
      RESTY_INGRESS_ALLOW_LOOPBACK: '1',
      RESTY_INGRESS_RECORDS_SIZE: '32m',
      ...options.env,
    },
  })
  const plane = new DataPlane(folder, child)
  const pidFile = join(folder, 'nginx.pid')
  await until(`NGINX starts: ${plane.log}`, () => {
    if (child.exitCode !== null) throw new Error(`NGINX ended: ${plane.log}`)
    if (!existsSync(join(folder, 'control.sock'))) return false
    const master = Number(textOf(pidFile))
    if (parentOf(master) !== child.pid) return false
    plane.master = master
    return true
  })
  await until('the first worker reports', async () => (await plane.status()).workers.length > 0)
  return plane
}

export interface Setup {
  readonly variant: Variant
  readonly workers: number
  /** The configuration was loaded twice before the test. */
  readonly reloaded: boolean
}

export interface Served {
  readonly plane: DataPlane
  readonly fixture: FixtureOptions
  readonly http: string
}

/** A data plane with the fixture's configuration, stopped after the test. */
export async function serve(
  test: TestContext, setup: Setup, options: Partial<FixtureOptions> & StartOptions = {},
): Promise<Served> {
  const plane = await start(setup.variant, options)
  test.after(async () => {
    await plane.stop()
    await rm(plane.folder, { recursive: true, force: true })
  })
  const ports = { httpPort: await freePort(), httpsPort: await freePort() }
  const fixture = { ...ports, workers: setup.workers, ...options }
  if (setup.reloaded) await configured(plane, { ...fixture, salt: 'the one before' })
  await configured(plane, fixture)
  return { plane, fixture, http: `http://127.0.0.1:${fixture.httpPort}` }
}

async function configured(plane: DataPlane, fixture: FixtureOptions): Promise<void> {
  const answer = await plane.configure(fixture)
  if (answer.status !== 200) throw new Error(`configuration refused: ${JSON.stringify(answer.body)}`)
}

/** Tests for every variant that do not depend on the number of workers, nor on what was loaded before. */
export function everyVariant(name: string, suite: (setup: Setup) => void): void {
  for (const variant of variants()) describe(`${name}: ${variant}`, () => suite({ variant, workers: 2, reloaded: false }))
}

/** The same tests for every variant, with one and two workers, before and after a reload. */
export function everySetup(name: string, suite: (setup: Setup) => void): void {
  for (const variant of variants()) {
    for (const [workers, reloaded] of [[1, false], [2, false], [2, true]] as const) {
      const label = `${name}: ${variant}, ${workers} worker(s)${reloaded ? ', reloaded' : ''}`
      describe(label, () => suite({ variant, workers, reloaded }))
    }
  }
}
