/** The `next` variant: Debian's newest NGINX with Lua, in a root folder made by debootstrap, once. */

import { chmod, mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { cached, cacheKey } from './cache.ts'
import { runWithProgress, withRetries } from './command.ts'
import { requirePrograms } from './packages.ts'

const SUITE = 'forky'
const PACKAGES = [
  'nginx', 'libnginx-mod-http-lua', 'libnginx-mod-http-headers-more-filter', 'libnginx-mod-stream',
  'lua-resty-core', 'lua-cjson',
]
/** Raised when what `makeNextRoot` does to the folder changes. */
const RECIPE = '1'

/** The root folder; makes it in about a minute when it is not in the cache. */
export async function makeNextRoot(): Promise<string> {
  return await cached(`next-${cacheKey(RECIPE, SUITE, ...PACKAGES)}`, async (folder) => {
    if (process.getuid?.() !== 0) {
      throw new Error('the next variant needs root once, for debootstrap; or choose the variant system')
    }
    await requirePrograms([['debootstrap', 'debootstrap']])
    const mirror = await debianMirror()
    await withRetries(async () => {
      // What a failed try left behind would be taken for finished.
      await rm(folder, { recursive: true })
      await mkdir(folder)
      await runWithProgress(`debootstrap of ${SUITE} with NGINX`, [
        'debootstrap', '--force-check-gpg', '--variant=minbase', `--include=${PACKAGES.join(',')}`,
        SUITE, folder, mirror, '/usr/share/debootstrap/scripts/sid',
      ])
    })
    // The root of containers that run as somebody else, whatever our umask is.
    await chmod(folder, 0o755)
    await rm(join(folder, 'var', 'cache', 'apt'), { recursive: true, force: true })
  })
}

/**
 * The mirror of the main Debian archive, from DEBIAN_MIRROR or from this machine's apt sources.
 * Throws when there is none: another distribution's archive does not have this suite.
 */
async function debianMirror(): Promise<string> {
  const chosen = process.env['DEBIAN_MIRROR']
  if (chosen !== undefined && chosen !== '') return chosen
  const mirror = findDebianMirror(await aptSources())
  if (mirror === undefined) {
    throw new Error('no Debian archive in the apt sources of this machine: set DEBIAN_MIRROR, ' +
      'or choose the variant system')
  }
  return mirror
}

/** All files of apt's sources, one-line and deb822 format. */
async function aptSources(): Promise<readonly string[]> {
  const folder = '/etc/apt/sources.list.d'
  const names = await readdir(folder).catch(() => [])
  const files = ['/etc/apt/sources.list', ...names.filter(isSourcesName).map((name) => join(folder, name))]
  return await Promise.all(files.map((file) => readFile(file, 'utf8').catch(() => '')))
}

function isSourcesName(name: string): boolean {
  return name.endsWith('.list') || name.endsWith('.sources')
}

/** The first URI that serves a Debian suite itself, not its security updates or another project. */
export function findDebianMirror(sources: readonly string[]): string | undefined {
  return sources.flatMap((text) => [...oneLineUris(text), ...deb822Uris(text)])
    .find((uri) => /^https?:\/\/.*\/debian\/?$/.test(uri))
}

function oneLineUris(text: string): string[] {
  const matches = text.matchAll(/^\s*deb\s+(?:\[[^\]]*\]\s*)?(\S+)\s/gm)
  return [...matches].map((match) => match[1] ?? '')
}

function deb822Uris(text: string): string[] {
  const matches = text.matchAll(/^URIs:\s*(.+)$/gim)
  return [...matches].flatMap((match) => (match[1] ?? '').trim().split(/\s+/))
}
