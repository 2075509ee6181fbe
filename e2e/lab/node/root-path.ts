/** Paths inside of a container's root, seen from outside. */

import { readlink } from 'node:fs/promises'
import { join, resolve } from 'node:path'

const MOST_LINKS = 40

/**
 * The path without symbolic links, where a link is followed as the container would: an absolute one
 * starts at `root` again. (`/var/run` is a link to `/run`, which must not lead to the lab's own.)
 * The answer is relative to `root` and begins with `/`.
 */
export async function resolveInRoot(root: string, path: string): Promise<string> {
  let links = 0
  let done = '/'
  const left = path.split('/').filter((part) => part !== '')
  for (let part = left.shift(); part !== undefined; part = left.shift()) {
    const next = join(done, part)
    const link = await readlink(join(root, next)).catch(() => undefined)
    if (link === undefined) {
      done = next
      continue
    }
    if (++links > MOST_LINKS) throw new Error(`too many symbolic links in ${path}`)
    done = link.startsWith('/') ? '/' : done
    left.unshift(...link.split('/').filter((piece) => piece !== ''))
  }
  return resolve(done)
}
