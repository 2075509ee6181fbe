/** Debian packages that the lab installs where it may, and names where it may not. */
import { isInstalled, runWithProgress } from './command.ts'

/** Installs the Debian packages of programs that are missing; throws the command to run where it may not. */
export async function requirePrograms(
  programs: readonly (readonly [program: string, debianPackage: string])[],
): Promise<void> {
  const missing = new Set<string>()
  for (const [program, debianPackage] of programs) {
    if (!await isInstalled(program)) missing.add(debianPackage)
  }
  if (missing.size > 0) await installPackages([...missing])
}

async function installPackages(packages: readonly string[]): Promise<void> {
  const install = ['apt-get', 'install', '-y', '--no-remove', '--no-install-recommends', ...packages]
  if (process.getuid?.() !== 0 || !await isInstalled('apt-get')) {
    throw new Error(`the lab needs ${packages.join(', ')}; install with: sudo ${install.join(' ')}`)
  }
  const options = { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } }
  await runWithProgress('apt-get update', ['apt-get', 'update'], options)
  await runWithProgress(`installing ${packages.join(' ')}`, install, options)
}
