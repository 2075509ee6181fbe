/** The NGINX of a variant without any configuration of ours: for backends, and to compare with. */
import { globSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Daemon, isInstalled, tryCommand } from '../lab/command.ts'
import { makeNextRoot } from '../lab/next-root.ts'
import type { Variant } from '../lab/tools.ts'
import { BenchError } from './options.ts'

export interface Nginx {
  /** The program, as openresty/start takes it in the environment. */
  readonly program: string
  /** What starts it: a program in a root folder of its own needs that folder's loader and libraries. */
  readonly command: readonly string[]
  readonly version: string
}

export async function findNginx(variant: Variant): Promise<Nginx> {
  const { program, command } = variant === 'next' ? insideRoot(await makeNextRoot()) : await onPath(variant)
  const { stderr } = await tryCommand([...command, '-v'])
  const version = /\/([\d.]+)/.exec(stderr)?.[1]
  if (version === undefined) throw new BenchError(`${program} does not run: ${stderr.trim()}`)
  return { program, command, version }
}

async function onPath(variant: Variant): Promise<Omit<Nginx, 'version'>> {
  const program = variant === 'openresty' ? 'openresty' : 'nginx'
  if (await isInstalled(program)) return { program, command: [program] }
  throw new BenchError(`the variant ${variant} needs ${program} on PATH; choose another one with --variant`)
}

function insideRoot(root: string): Omit<Nginx, 'version'> {
  const program = join(root, 'usr/sbin/nginx')
  const [loader] = ['lib64', 'lib'].flatMap((folder) => globSync(join(root, folder, 'ld-linux-*.so.*')))
  const libraries = globSync(join(root, 'usr/lib/*-linux-gnu'))
  if (loader === undefined) throw new BenchError(`there is no loader in ${root}`)
  return { program, command: [loader, '--library-path', libraries.join(':'), program] }
}

/** For the `http` block: the compiled-in folders may not be ours to write to. */
export const TEMPORARY_PATHS = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  .map((name) => `    ${name}_temp_path ${name};\n`).join('')

/**
 * Starts it with a configuration, in `folder`/NAME. It ends with us, however we end. Without an access
 * log of its own: what is written to standard output is thrown away, what to standard error is kept.
 */
export async function startNginx(nginx: Nginx, name: string, folder: string, config: string): Promise<Daemon> {
  const file = join(folder, `${name}.conf`)
  await writeFile(file, config)
  const options = ['-p', `${folder}/`, '-e', 'stderr', '-c', file, '-g', `daemon off; pid ${folder}/${name}.pid;`]
  return startDaemon({ name, command: [...nginx.command, ...options], folder })
}

interface DaemonOptions {
  readonly name: string
  readonly command: readonly string[]
  readonly folder: string
  /** In addition to ours. */
  readonly env?: Readonly<Record<string, string>>
}

/** A program that ends with us; its standard output goes to /dev/null, the rest to `folder`/NAME.log. */
export function startDaemon({ name, command, folder, env = {} }: DaemonOptions): Daemon {
  const variables = Object.entries(env).map(([key, value]) => `${key}=${value}`)
  const prefix = ['setpriv', '--pdeathsig', 'TERM', '--', 'env', ...variables, 'sh', '-c', 'exec "$@" > /dev/null', 'sh']
  const daemon = new Daemon(name, [...prefix, ...command], join(folder, `${name}.log`))
  daemon.start()
  return daemon
}
