/** Names of Services of type ExternalName: asked for, and remembered in the run folder. */
import { join } from 'node:path'
import type { Logger } from 'pino'
import { dnsLookup, type Family } from './dns/lookup.ts'
import { NameFile, readNameFile } from './dns/name-file.ts'
import { NameWatcher } from './dns/name-watcher.ts'
import type { Resolution } from './ir/types.ts'
import type { Options } from './options.ts'

export interface Names {
  /** All that are needed from now on. */
  follow(names: readonly string[]): void
  close(): Promise<void>
}

/** `resolved` is called with each change of what DNS says of a name that is followed. */
export async function watchNames(
  options: Options,
  log: Logger,
  resolved: (name: string, resolution: Resolution) => void,
): Promise<Names> {
  const path = join(options['run-dir'], 'names.json')
  const known = await readNameFile(path)
  const file = new NameFile(path, known, (error) => log.warn({ err: error }, 'answers of DNS cannot be kept for a next start'))
  const { lookup, cancel } = dnsLookup({ servers: options['dns-server'], families: families(options) })
  const watcher = new NameWatcher({
    lookup,
    intervalSeconds: options['dns-interval'],
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
function families({ podAddresses }: Options): Family[] {
  const has = (family: Family): boolean => podAddresses.some((address) => address.includes(':') === (family === 'IPv6'))
  const both: Family[] = ['IPv4', 'IPv6']
  return podAddresses.length === 0 ? both : both.filter(has)
}
