/** One container of a pod: started, probed, started again with back-off, stopped. */

import type { V1Container, V1ContainerStatus, V1Lifecycle } from '@kubernetes/client-node'
import { mkdir, rm } from 'node:fs/promises'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { tryCommand, type CommandResult } from '../command.ts'
import { sleep } from '../wait.ts'
import { containerEnvironment, expand, type PodContext } from './environment.ts'
import type { Image, Mount } from './images.ts'
import { probeOnce, watchProbe, type ProbeTarget } from './probe.ts'
import { resolverMounts } from '../cluster-dns.ts'
import { insideCommand, startSandbox, type Sandbox } from './sandbox.ts'

export interface ContainerOptions {
  readonly spec: V1Container
  readonly image: Image
  readonly context: PodContext
  readonly networkNamespace: string
  /** Where its writable layers are. */
  readonly folder: string
  readonly logFolder: string
  readonly volumeMounts: readonly Mount[]
  readonly restart: 'Always' | 'OnFailure' | 'Never'
  /** Whether the node has no network. */
  readonly isCutOff: () => boolean
  /** Called at every change of `status()`. */
  readonly changed: () => void
}

const FIRST_BACK_OFF_MS = 200
const LONGEST_BACK_OFF_MS = 10_000
/** A container that ran this long begins with the shortest back-off again. */
const SETTLED_MS = 60_000

/** The reason of a container that has never run. */
export const CREATING = 'ContainerCreating'

type State = V1ContainerStatus['state']

export class Container {
  readonly #options: ContainerOptions
  #sandbox: Sandbox | undefined
  #state: State = { waiting: { reason: CREATING } }
  #lastState: State
  #attempt = 0
  #started = false
  #ready = false
  #stopping = false
  #probes = new AbortController()
  #loop: Promise<void> = Promise.resolve()

  constructor(options: ContainerOptions) {
    this.#options = options
  }

  get name(): string {
    return this.#options.spec.name
  }

  get ready(): boolean {
    return this.#ready
  }

  /** Its first process, as the lab sees it; undefined while it does not run. */
  get pid(): number | undefined {
    return this.#state?.running === undefined ? undefined : this.#sandbox?.pid
  }

  /** The exit status when it ended for good. */
  get finished(): number | undefined {
    const done = this.#state?.terminated
    return done === undefined ? undefined : done.exitCode
  }

  /** Runs it, again and again if its restart policy says so, until `stop`. */
  start(): void {
    this.#loop = this.#run()
  }

  /** Resolves when it has ended for good. */
  async ended(): Promise<void> {
    await this.#loop
  }

  /** The log of the present run, or of the one before. */
  logFile(previous = false): string {
    return join(this.#options.logFolder, `${Math.max(0, this.#attempt - (previous ? 2 : 1))}.log`)
  }

  /** Signals its first process; one that has just ended needs none. */
  signal(signal: NodeJS.Signals): void {
    const pid = this.pid
    if (pid === undefined) return
    try {
      process.kill(pid, signal)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }

  /** Runs a program inside the container, as its user. */
  async exec(argv: readonly string[]): Promise<CommandResult> {
    const pid = this.pid
    if (pid === undefined) throw new Error(`container ${this.name} does not run`)
    const { context, spec, image } = this.#options
    const options = {
      pod: context.pod, container: spec, user: image.user, folder: this.#layer(), workingFolder: image.workingFolder,
    }
    return await tryCommand(insideCommand(pid, options, argv), { env: { ...image.environment } })
  }

  /** preStop, the stop signal, and after `graceMs` in all SIGKILL. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping = true
    const killer = setTimeout(() => { this.signal('SIGKILL') }, graceMs)
    const preStop = this.#options.spec.lifecycle?.preStop
    if (preStop !== undefined && this.pid !== undefined) {
      await Promise.race([this.#runHook(preStop, AbortSignal.timeout(graceMs)).catch(() => {}), this.#loop])
    }
    this.signal(this.#options.image.stopSignal)
    await this.#loop
    clearTimeout(killer)
  }

  /** As it belongs in `status.containerStatuses`. */
  status(): V1ContainerStatus {
    const { spec } = this.#options
    return {
      name: spec.name,
      image: spec.image ?? '',
      imageID: `lab://${spec.image}`,
      containerID: this.#containerId(),
      ready: this.#ready,
      started: this.#started,
      restartCount: Math.max(0, this.#attempt - 1),
      state: this.#state ?? {},
      ...this.#lastState === undefined ? {} : { lastState: this.#lastState },
    }
  }

  #containerId(): string {
    return `lab://${this.#options.context.pod.metadata?.uid}/${this.name}/${this.#attempt}`
  }

  async #run(): Promise<void> {
    let backOffMs = FIRST_BACK_OFF_MS
    while (!this.#stopping) {
      const began = performance.now()
      const exitCode = await this.#runOnce()
      if (!this.#restarts(exitCode)) return
      if (performance.now() - began > SETTLED_MS) backOffMs = FIRST_BACK_OFF_MS
      this.#lastState = this.#state
      this.#set({ waiting: { reason: 'CrashLoopBackOff', message: `back-off ${backOffMs} ms` } })
      await this.#wait(backOffMs)
      backOffMs = Math.min(backOffMs * 2, LONGEST_BACK_OFF_MS)
    }
    if (this.#state?.waiting !== undefined && this.#lastState !== undefined) this.#set(this.#lastState)
  }

  #restarts(exitCode: number): boolean {
    if (this.#stopping) return false
    const { restart } = this.#options
    return restart === 'Always' || (restart === 'OnFailure' && exitCode !== 0)
  }

  /** Waits, and stops waiting when the container is to stop. */
  async #wait(milliseconds: number): Promise<void> {
    const until = performance.now() + milliseconds
    while (performance.now() < until && !this.#stopping) await sleep(20)
  }

  async #runOnce(): Promise<number> {
    const startedAt = new Date()
    let exitCode = 1
    let message: string | undefined
    try {
      const sandbox = await this.#startSandbox()
      const exit = once(sandbox.child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>
      const running = sandbox.child.exitCode === null && sandbox.child.signalCode === null
      if (running) {
        this.#set({ running: { startedAt } })
        this.#startProbes()
        if (this.#stopping) this.signal('SIGKILL')
        await exit
      }
      exitCode = exitStatus(sandbox)
    } catch (error) {
      message = String(error)
    }
    this.#probes.abort()
    this.#ready = false
    this.#started = false
    const reason = exitCode === 0 ? 'Completed' : 'Error'
    this.#set({
      terminated: {
        exitCode, reason, startedAt, finishedAt: new Date(), containerID: this.#containerId(),
        ...message === undefined ? {} : { message },
      },
    })
    return exitCode
  }

  async #startSandbox(): Promise<Sandbox> {
    const { spec, image, context, networkNamespace, volumeMounts, logFolder } = this.#options
    const environment = await containerEnvironment(spec, image.environment, context)
    const command = spec.command ?? image.entrypoint
    const argv = [...command, ...spec.args ?? []].map((text) => expand(text, environment))
    await mkdir(logFolder, { recursive: true })
    await rm(this.#layer(), { recursive: true, force: true })
    this.#attempt++
    this.#sandbox = await startSandbox({
      pod: context.pod, container: spec, folder: this.#layer(), root: image.root, networkNamespace, argv, environment,
      fileCapabilities: image.fileCapabilities,
      workingFolder: spec.workingDir ?? image.workingFolder,
      mounts: [...image.mounts, ...resolverMounts(context.pod.spec ?? { containers: [] }), ...volumeMounts],
      user: image.user, logFile: this.logFile(),
    })
    return this.#sandbox
  }

  /** The writable layer of the present run. */
  #layer(): string {
    return join(this.#options.folder, String(this.#attempt))
  }

  #startProbes(): void {
    this.#probes = new AbortController()
    const { signal } = this.#probes
    const { startupProbe } = this.#options.spec
    if (startupProbe === undefined) {
      this.#afterStartup(signal)
      return
    }
    this.#watch(startupProbe, signal, (healthy) => {
      if (!healthy) this.signal('SIGKILL')
      else if (!this.#started) this.#afterStartup(signal)
    })
  }

  #afterStartup(signal: AbortSignal): void {
    const { readinessProbe, livenessProbe } = this.#options.spec
    this.#started = true
    this.#ready = readinessProbe === undefined
    this.#options.changed()
    if (readinessProbe !== undefined) {
      this.#watch(readinessProbe, signal, (healthy) => {
        this.#ready = healthy
        this.#options.changed()
      })
    }
    if (livenessProbe !== undefined) {
      this.#watch(livenessProbe, signal, (healthy) => { if (!healthy) this.#restart() })
    }
  }

  /** After a failed liveness probe: as at a deletion, then the restart policy goes on. */
  #restart(): void {
    const grace = this.#options.context.pod.spec?.terminationGracePeriodSeconds ?? 30
    const sandbox = this.#sandbox
    this.signal(this.#options.image.stopSignal)
    setTimeout(() => { if (this.#sandbox === sandbox) this.signal('SIGKILL') }, grace * 1000).unref()
  }

  #watch(
    probe: NonNullable<V1Container['readinessProbe']>, signal: AbortSignal, report: (healthy: boolean) => void,
  ): void {
    watchProbe(probe, this.#target(), signal, report).catch((error: unknown) => {
      this.#set({ ...this.#state, waiting: { reason: 'ProbeError', message: String(error) } })
    })
  }

  #target(): ProbeTarget {
    const { context, spec, isCutOff } = this.#options
    const exec = async (argv: readonly string[]): Promise<number> => (await this.exec(argv)).code
    return { address: context.podAddress, container: spec, isCutOff, exec }
  }

  /** Ends at the latest when time is over; what is left of a sleep keeps no process alive. */
  async #runHook(hook: NonNullable<V1Lifecycle['preStop']>, over: AbortSignal): Promise<void> {
    if (hook.sleep !== undefined) await delay(hook.sleep.seconds * 1000, undefined, { signal: over, ref: false })
    else await Promise.race([probeOnce(hook, this.#target(), 600_000), once(over, 'abort')])
  }

  #set(state: State): void {
    this.#state = state
    this.#options.changed()
  }
}

/** 128 + the number of the signal, as container runtimes say it. */
function exitStatus({ child }: Sandbox): number {
  const numbers: Readonly<Record<string, number>> = { SIGKILL: 9, SIGTERM: 15, SIGQUIT: 3, SIGSEGV: 11, SIGABRT: 6 }
  return child.exitCode ?? 128 + (numbers[child.signalCode ?? ''] ?? 0)
}
