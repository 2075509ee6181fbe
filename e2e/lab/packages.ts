/** Debian packages that the lab installs where it may, and names where it may not. */
import { isInstalled, progress, runWithProgress } from './command.ts'

/** A mirror may fail for a moment, and somebody else (unattended upgrades, a second run) may be installing. */
const PATIENCE = ['-o', 'Acquire::Retries=3', '-o', 'DPkg::Lock::Timeout=300']

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
  // The lists that are there may do.
  await runWithProgress('apt-get update', ['apt-get', ...PATIENCE, 'update'], options)
    .catch((error: unknown) => { progress(String(error)) })
  await runWithProgress(`installing ${packages.join(' ')}`, [...install, ...PATIENCE], options)
}
