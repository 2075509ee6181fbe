/**
 * The slow half of the data plane: nginx.conf. It is loaded when another one is wanted than what runs, at a
 * pace, and never only because a class is not used any more.
 */
import { portKey } from '../ir/names.ts'
import { renderConfig, type RenderedConfig } from '../nginx/render.ts'
import type { LocationClass } from '../policy/set/effects.ts'
import { BusyPorts } from './busy-ports.ts'
import type { ClassUse } from './class-use.ts'
import type { ConfigResult, ControlClient, DataPlaneStatus } from './client.ts'
import type { DataPlaneEvents, Desired } from './desired.ts'
import { Pace } from './pace.ts'

/**
 * Hash of the configuration that only has the control API: nobody is served, so nothing waits for its class, and no
 * host that waited is a 404 when the first listeners open.
 */
const BOOTSTRAP = '0'

/** A refused configuration is tried again that much later: the reason may be outside of it, as a busy port. */
const REFUSED_AGAIN_MS = 10_000

/** Old workers live until their last request is over: an annotation that flaps must not pile them up. */
export const RELOADS_AT_ONCE = 30
export const RELOAD_INTERVAL_MS = 10_000

export interface ConfigurationOptions {
  readonly client: Pick<ControlClient, 'config' | 'putFile' | 'status'>
  readonly desired: Pick<Desired, 'classes' | 'config' | 'file'>
  readonly events: Pick<DataPlaneEvents, 'reloaded' | 'refused' | 'trouble'>
  /** Classes that the records in OpenResty need now. */
  readonly usedClasses: Pick<ClassUse, 'names'>
  /** Milliseconds of a monotonic clock. */
  readonly now?: () => number
}

type Refusal = Extract<ConfigResult, { readonly outcome: 'refused' }>

export class Configuration {
  readonly #options: ConfigurationOptions
  readonly #now: () => number
  readonly #pace = new Pace(RELOADS_AT_ONCE, RELOAD_INTERVAL_MS)
  readonly #busyPorts = new BusyPorts()
  readonly #knownClasses = new Map<string, LocationClass>()
  #running: RenderedConfig | undefined
  /** What `#running` was rendered from. */
  #input: readonly unknown[] = []
  #refused = { hash: '', at: 0 }
  #paused = false
  #loading = false
  /** On its way to the workers; or they may have it, and the answer was lost. */
  #incoming: RenderedConfig | undefined

  constructor(options: ConfigurationOptions) {
    this.#options = options
    this.#now = options.now ?? (() => performance.now())
  }

  /** Every worker of OpenResty runs this configuration, and we know what is in it. */
  runs(hash: string): boolean {
    return this.#running?.hash === hash
  }

  /** Something else runs than what we have loaded: somebody else was there. */
  isForeign(hash: string): boolean {
    return !this.#loading && this.#running !== undefined && this.#running.hash !== hash
  }

  /** A status that was asked for just now tells what runs: nothing has come of a load whose answer was lost. */
  confirm(hash: string): void {
    if (!this.#loading && this.runs(hash)) this.#incoming = undefined
  }

  /** The workers, which run the configuration with this hash, have it, and those of a load under way will. */
  hasClass(name: string, hash: string): boolean {
    const isThere = hash === BOOTSTRAP || this.#running?.classNames.includes(name) === true
    return isThere && this.#incoming?.classNames.includes(name) !== false
  }

  /** There is something to do even when the desired state does not change. */
  get isBehind(): boolean {
    return this.#running === undefined || this.#refused.hash !== '' || this.#paused || this.busyPorts.size > 0
  }

  /** By port of layer 4: why NGINX cannot listen there. */
  get busyPorts(): ReadonlyMap<number, string> {
    return this.#busyPorts.reasons
  }

  /** NGINX listens on this port of layer 4, such as `tcp/9000`. */
  listensOn(port: string): boolean {
    return this.#running?.input.layer4?.ports.some((it) => portKey(it) === port) === true
  }

  /** What runs is not known any more. */
  forget(): void {
    this.#running = undefined
  }

  /** First contact: what runs may be what is wanted. */
  recognise(status: DataPlaneStatus): void {
    const wanted = this.#render(status, this.#classesInUse())
    if (wanted.hash === status.config_hash) this.#running = wanted
  }

  /**
   * Loads what is wanted, where that is another one than what runs and it may be loaded now. Resolves to
   * the status of OpenResty when it has a configuration that will do and that we did not know of before.
   */
  async push(status: DataPlaneStatus): Promise<DataPlaneStatus | undefined> {
    const classes = this.#classesInUse()
    this.#busyPorts.expire(this.#now())
    const { settings, layer4 } = this.#options.desired.config()
    const input = [settings, layer4, [...this.busyPorts.keys()].join(), ...classes.map(({ name }) => name).sort()]
    // Endpoints and ordinary routes change none of them: nothing is rendered for them.
    if (this.runs(status.config_hash) && sameItems(input, this.#input)) return undefined
    const wanted = this.#render(status, classes)
    if (wanted.hash === status.config_hash) return this.#adopt(wanted, input, status)
    const running = this.#running
    if (running !== undefined && this.#onlyDropsClasses(status, running)) return this.#adopt(running, input, status)
    if (wanted.hash === this.#refused.hash && this.#now() - this.#refused.at < REFUSED_AGAIN_MS) return undefined
    return this.#mayLoad() ? await this.#load(wanted, input) : undefined
  }

  #mayLoad(): boolean {
    const isDue = this.#pace.take(this.#now())
    if (!isDue && !this.#paused) {
      this.#options.events.trouble('the configuration changes too often: the next reload waits', {})
    }
    this.#paused = !isDue
    return isDue
  }

  async #load(wanted: RenderedConfig, input: readonly unknown[]): Promise<DataPlaneStatus | undefined> {
    const { client, events } = this.#options
    // It may be forgotten meanwhile: a reload ends connections, and who asks for the status may see that.
    const before = this.#running
    this.#incoming = wanted
    this.#loading = true
    const result = await this.#send(wanted).finally(() => (this.#loading = false))
    if (result.outcome === 'loaded') {
      const status = await client.status()
      events.reloaded(result, wanted, before)
      return this.#adopt(wanted, input, status)
    }
    if (result.outcome !== 'refused') throw new Error(`the configuration was not loaded: ${result.message}`)
    this.#incoming = undefined
    if (!this.#blame(wanted, result)) return undefined
    // No workers were made, and without these ports it is another configuration.
    this.#pace.giveBack()
    return client.status().then((status) => this.push(status))
  }

  /** Tells of a configuration that NGINX refused; true: because of ports of layer 4, which are left out from now on. */
  #blame({ hash, input }: RenderedConfig, { outcome: _refused, others = [], ...refusal }: Refusal): boolean {
    const { events } = this.#options
    this.#refused = { hash, at: this.#now() }
    const isLayer4 = this.#busyPorts.blame([refusal.message, ...others], input.layer4, this.#now())
    events.refused()
    events.trouble('NGINX refused the configuration; the last good one runs on', refusal)
    return isLayer4
  }

  /** A file whose content nobody has any more is there: the configuration that runs names it, too. */
  async #send({ input, text }: RenderedConfig): Promise<ConfigResult> {
    const { client, desired } = this.#options
    for (const digest of new Set(input.classes.flatMap(({ authority }) => authority ?? []))) {
      const content = desired.file(digest)
      if (content !== undefined) await client.putFile(digest, content)
    }
    return await client.config(text)
  }

  #adopt(config: RenderedConfig, input: readonly unknown[], status: DataPlaneStatus): DataPlaneStatus {
    this.#running = config
    this.#incoming = undefined
    this.#input = input
    this.#refused = { hash: '', at: 0 }
    this.#paused = false
    for (const name of this.#knownClasses.keys()) {
      if (!config.classNames.includes(name)) this.#knownClasses.delete(name)
    }
    return status
  }

  /** A class that nobody uses any more is no reason to reload: it goes at the next reload that has one. */
  #onlyDropsClasses(status: DataPlaneStatus, running: RenderedConfig): boolean {
    const known = running.classNames.flatMap((name) => this.#knownClasses.get(name) ?? [])
    return this.#render(status, [...this.#options.desired.classes(), ...known]).hash === status.config_hash
  }

  /** The wanted classes, and those that records in OpenResty still need until they are replaced. */
  #classesInUse(): LocationClass[] {
    const wanted = this.#options.desired.classes()
    for (const it of wanted) this.#knownClasses.set(it.name, it)
    const stillUsed = [...this.#options.usedClasses.names()].flatMap((name) => this.#knownClasses.get(name) ?? [])
    return [...wanted, ...stillUsed]
  }

  #render(status: DataPlaneStatus, classes: readonly LocationClass[]): RenderedConfig {
    const unique = new Map(classes.map((it) => [it.name, it]))
    const { desired } = this.#options
    const { layer4: wanted, ...config } = desired.config()
    const layer4 = this.#busyPorts.without(wanted)
    const { capabilities } = status
    return renderConfig({ ...config, ...(layer4 && { layer4 }), classes: [...unique.values()], capabilities })
  }
}

function sameItems(left: readonly unknown[], right: readonly unknown[]): boolean {
  return left.length === right.length && left.every((item, i) => item === right[i])
}
