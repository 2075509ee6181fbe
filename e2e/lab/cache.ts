/**
 * The folder of things that are made once: control-plane binaries and root folders. An entry is
 * complete or absent: it is made under another name and renamed, and one process at a time makes it.
 */

import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { once } from 'node:events'
import { progress } from './command.ts'

/** `$XDG_CACHE_HOME/resty-ingress`, by default `~/.cache/resty-ingress`. */
function cacheFolder(): string {
  const base = process.env['XDG_CACHE_HOME']
  return join(base !== undefined && base !== '' ? base : join(homedir(), '.cache'), 'resty-ingress')
}

/** The first 16 hex digits of the SHA-256 of all parts. */
export function cacheKey(...parts: readonly string[]): string {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(`${part.length}:${part}`)
  return hash.digest('hex').slice(0, 16)
}

/**
 * The path of the cache entry `name`. When it is missing, `make` fills a new folder, which then becomes
 * the entry by a rename: an aborted run leaves nothing half made.
 */
export async function cached(name: string, make: (folder: string) => Promise<void>): Promise<string> {
  const entry = join(cacheFolder(), name)
  if (existsSync(entry)) return entry
  await mkdir(cacheFolder(), { recursive: true })
  const unlock = await lock(`${entry}.lock`)
  try {
    if (existsSync(entry)) return entry
    const unfinished = `${entry}.unfinished`
    await rm(unfinished, { recursive: true, force: true })
    await mkdir(unfinished)
    await make(unfinished)
    await rename(unfinished, entry)
    return entry
  } finally {
    unlock()
  }
}

/** Holds `flock` on a file: the kernel drops the lock with the process, so none can be left behind. */
async function lock(file: string): Promise<() => void> {
  const holder = spawn('flock', [file, 'sh', '-c', 'echo locked; exec cat'], { stdio: ['pipe', 'pipe', 'inherit'] })
  const waiting = setInterval(() => { progress(`waiting for another process that holds ${file}`) }, 10_000)
  await once(holder.stdout, 'data').finally(() => { clearInterval(waiting) })
  return () => { holder.stdin.end() }
}
