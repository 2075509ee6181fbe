/** The client: wrk, a closed loop over keep-alive connections. */
import { join } from 'node:path'
import { isInstalled, runCommand } from '../../lab/command.ts'
import { BenchError } from '../options.ts'

const SCRIPT = join(import.meta.dirname, 'wrk.lua')
const INSTALL = ['apt-get', 'install', '-y', '--no-remove', '--no-install-recommends', 'wrk']

export interface WrkResult {
  readonly requests: number
  readonly microseconds: number
  /** Requests that failed, and statuses above 399. */
  readonly errors: number
  /** Microseconds. */
  readonly p50: number
  readonly p99: number
}

export interface WrkOptions {
  readonly url: string
  readonly host: string
  readonly connections: number
  readonly seconds: number
  /** The core that it runs on. */
  readonly core: number
}

/** Installs it where we may; throws BenchError with the command where we may not. */
export async function requireWrk(): Promise<void> {
  if (await isInstalled('wrk')) return
  if (process.getuid?.() === 0 && await isInstalled('apt-get')) {
    await runCommand(['apt-get', 'update', '-q'])
    await runCommand(INSTALL)
    return
  }
  throw new BenchError(`wrk is missing; install it with: sudo ${INSTALL.join(' ')}`)
}

export async function runWrk({ url, host, connections, seconds, core }: WrkOptions): Promise<WrkResult> {
  const printed = await runCommand([
    'taskset', '-c', String(core), 'wrk', '-t1', `-c${connections}`, `-d${seconds}s`, '-s', SCRIPT, '-H', `Host: ${host}`, url,
  ])
  return JSON.parse(printed.trim().split('\n').at(-1) ?? '') as WrkResult
}
