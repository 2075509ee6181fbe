/**
 * Everything of `npm start` that has to be ended again: watcher, demo backends, OpenResty, sidecar, run
 * folder. Started in this order, ended in the opposite one.
 */
import { join } from 'node:path'
import { readManifests } from '../files/folder.ts'
import { watchManifests, type ManifestWatcher } from '../files/watch.ts'
import { Admin } from './admin.ts'
import type { Arguments } from './arguments.ts'
import { Child, type ChildOptions } from './child.ts'
import { DemoBackends } from './demo-backends.ts'
import { codeOf, StandaloneError } from './errors.ts'
import { openrestyLine, sidecarLine } from './log.ts'
import { checkPorts, chooseHealthzPort } from './ports.ts'
import { makeWorkspace, withParent, type Workspace } from './workspace.ts'

const SIDECAR = join(import.meta.dirname, '../main.ts')

export type Print = (line: string) => void

export class Standalone {
  readonly #args: Arguments
  readonly #print: Print
  readonly #immediately = new AbortController()
  readonly #died = Promise.withResolvers<string>()
  readonly #children: Child[] = []
  #backends: DemoBackends | undefined
  #watcher: ManifestWatcher | undefined
  #workspace: Workspace | undefined
  #starting: Promise<void> | undefined
  #stopping: Promise<void> | undefined
  #healthzPort = 0

  constructor(args: Arguments, print: Print) {
    this.#args = args
    this.#print = print
  }

  /** Resolves, with a sentence, when one of our programs ends although nobody asked for it. */
  get died(): Promise<string> {
    return this.#died.promise
  }

  /** Rejects with StandaloneError when something is in the way; call `stop` then, too. */
  start(): Promise<void> {
    this.#starting = this.#start()
    return this.#starting
  }

  async #start(): Promise<void> {
    await checkManifests(this.#args.manifests)
    await checkPorts(this.#args)
    this.#healthzPort = await chooseHealthzPort(this.#args)
    await this.#startBackends()
    await this.#startOpenresty()
    this.#startSidecar()
  }

  /** The sidecar's; it may take a moment until it answers. */
  get admin(): Admin {
    return new Admin(this.#args.options['healthz-host'], this.#healthzPort)
  }

  get demoBackends(): number {
    return this.#backends?.count ?? 0
  }

  /** Resolves when nothing is left of us. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  /** Like `stop`, and leaves nobody time to end by himself. */
  async kill(): Promise<void> {
    this.#immediately.abort()
    await this.stop()
  }

  async #stop(): Promise<void> {
    // What is being started has to be known before it can be ended; why it fails is told elsewhere.
    await this.#starting?.catch(() => {})
    await this.#watcher?.close()
    await Promise.all(this.#children.map((child) => child.stop(this.#immediately.signal)))
    await this.#backends?.close()
    await this.#workspace?.remove()
  }

  /** At the start a backend that cannot listen is a reason not to start; later it is only said. */
  async #startBackends(): Promise<void> {
    const troubles: StandaloneError[] = []
    let report = (error: StandaloneError): void => {
      troubles.push(error)
    }
    const backends = new DemoBackends((error) => report(error))
    this.#backends = backends
    this.#watcher = await watchManifests({
      dir: this.#args.manifests,
      sink: backends,
      onFindings: () => {},
      onError: (error) => this.#died.resolve(`the folder is not followed any more: ${String(error)}`),
    })
    await backends.settled()
    if (troubles[0] !== undefined) throw troubles[0]
    report = ({ message }) => this.#print(`warning: ${message}`)
  }

  async #startOpenresty(): Promise<void> {
    const { nginx, runDir, options } = this.#args
    this.#workspace = await makeWorkspace({
      ...(nginx === undefined ? {} : { nginx }),
      ...(runDir === undefined ? {} : { runDir }),
      ports: [options['http-port'], options['https-port']],
    })
    const { command, env } = this.#workspace
    // Its standard output would be the access log.
    this.#run({ name: 'OpenResty', command, env, show: openrestyLine, output: 'ignore' })
  }

  #startSidecar(): void {
    const flags = [...this.#args.flags, `--run-dir=${this.#workspace?.runDir}`, `--healthz-port=${this.#healthzPort}`]
    const command = [...withParent([]), process.execPath, SIDECAR, 'run', ...flags]
    this.#run({ name: 'sidecar', command, env: process.env, show: sidecarLine, output: 'log' })
  }

  #run({ show, ...program }: Program): void {
    const onLine = (line: string): void => {
      const shown = show(line)
      if (shown !== undefined && this.#stopping === undefined) this.#print(`${program.name}: ${shown}`)
    }
    const child = new Child({ ...program, onLine })
    this.#children.push(child)
    void child.ended.then((how) => this.#died.resolve(`${program.name} ${how}; what it said last is above`))
  }
}

interface Program extends Omit<ChildOptions, 'onLine'> {
  /** What to show of a line of its log, if anything. */
  readonly show: (line: string) => string | undefined
}

/**
 * A file that is broken while we run keeps its last good content. At the start there is none, so this is
 * said before anything is served.
 */
async function checkManifests(dir: string): Promise<void> {
  const { findings } = await readManifests(dir).catch((error: unknown) => {
    throw new StandaloneError(`the folder of manifests ${dir} cannot be read: ${folderProblem(error)}`)
  })
  const broken = findings.filter(({ origin, severity }) => origin.kind === 'File' && severity === 'error')
  if (broken.length > 0) throw new StandaloneError(broken.map(({ message }) => join(dir, message)).join('\n'))
}

function folderProblem(error: unknown): string {
  switch (codeOf(error)) {
    case 'ENOENT':
      return 'it does not exist; --manifests takes a folder'
    case 'ENOTDIR':
      return 'it is not a folder'
    case 'EACCES':
      return 'permission denied'
    default:
      throw error
  }
}
