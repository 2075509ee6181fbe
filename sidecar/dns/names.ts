/** Names of Services of type ExternalName: asked for, and remembered in the run folder. */
import type { Logger } from 'pino'
import type { Resolution } from '../ir/types.ts'
import { dnsLookup, type Family } from './lookup.ts'
import { NameFile, readNameFile } from './name-file.ts'
import { NameWatcher } from './name-watcher.ts'

export interface NamesOptions {
  /** JSON file of what is known of each name. */
  readonly file: string
  readonly servers: readonly string[]
  readonly intervalSeconds: number
  /** Our own: only addresses of their families could be reached. */
  readonly podAddresses: readonly string[]
}

export interface Names {
  /** All that are needed from now on. */
  follow(names: readonly string[]): void
  close(): Promise<void>
}

/** `resolved` is called with each change of what DNS says of a name that is followed. */
export async function watchNames(
  options: NamesOptions,
  log: Logger,
  resolved: (name: string, resolution: Resolution) => void,
): Promise<Names> {
  const known = await readNameFile(options.file)
  const file = new NameFile(options.file, known, (error) => log.warn({ err: error }, 'answers of DNS cannot be kept for a next start'))
  const { lookup, cancel } = dnsLookup({ servers: options.servers, families: families(options.podAddresses) })
  const watcher = new NameWatcher({
    lookup,
    intervalSeconds: options.intervalSeconds,
    known,
    resolved: (name, resolution) => {
      if (resolution.failure === undefined) file.keep(name, resolution.addresses)
      resolved(name, resolution)
    },
  })
  return {
    follow: (names) => {
      file.retain(names)
      watcher.follow(names)
    },
    close: () => {
      watcher.close()
      cancel()
      return file.settled()
    },
  }
}

/** Those that our addresses have: others could not be reached. */
function families(podAddresses: readonly string[]): Family[] {
  const has = (family: Family): boolean => podAddresses.some((address) => address.includes(':') === (family === 'IPv6'))
  const both: Family[] = ['IPv4', 'IPv6']
  return podAddresses.length === 0 ? both : both.filter(has)
}
