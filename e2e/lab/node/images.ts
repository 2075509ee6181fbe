/** What an image name means in the lab: a root folder, what is mounted into it, and what it runs. */

import { existsSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { REPOSITORY, type Tools, type Variant } from '../tools.ts'

export interface Mount {
  readonly source: string
  readonly target: string
  readonly readOnly: boolean
}

export interface Image {
  /** The read-only lower layer of the container's root. */
  readonly root: string
  readonly mounts: readonly Mount[]
  readonly entrypoint: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  readonly user: number
  readonly workingFolder: string
  readonly stopSignal: NodeJS.Signals
  /** Programs in the root folder with capabilities of their own, in the words of setcap. */
  readonly fileCapabilities: Readonly<Record<string, string>>
}

/** The image of a name, or undefined when the lab has none such. */
export type ImageTable = (name: string) => Image | undefined

/** Where the Dockerfiles put things. */
const OPENRESTY_HOME = '/opt/resty-ingress'
const SIDECAR_HOME = '/app'
const NODE = `${SIDECAR_HOME}/node_modules/node/bin/node`
/** In the words of setcap, as the Dockerfiles have it. */
export const NGINX_CAPABILITY = 'cap_net_bind_service=+ep'
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** The table of the lab; OpenResty's entry depends on the variant. */
export function createImageTable(tools: Tools, variant: Variant | undefined): ImageTable {
  const echo = image({
    mounts: [mounted(tools.echoBasic, '/echo-basic')], entrypoint: ['/echo-basic'], user: 65532,
  })
  const images: Readonly<Record<string, Image | undefined>> = {
    'echo-basic': echo,
    'resty-ingress/sidecar': image({
      mounts: repository(SIDECAR_HOME, ['sidecar', 'node_modules', 'package.json']),
      entrypoint: [NODE, 'sidecar/main.ts'],
      environment: { NODE_ENV: 'production', NODE_OPTIONS: '--max-semi-space-size=4', MALLOC_ARENA_MAX: '2' },
      user: 65532,
      workingFolder: SIDECAR_HOME,
    }),
    'resty-ingress/backend': image({
      mounts: repository(SIDECAR_HOME, ['e2e/lab/backend', 'node_modules', 'package.json']),
      entrypoint: [NODE, 'e2e/lab/backend/main.ts'],
      user: 65532,
      workingFolder: SIDECAR_HOME,
    }),
    'resty-ingress/openresty': variant === undefined ? undefined : image({
      root: variant === 'next' ? tools.nextRoot ?? '/' : '/',
      mounts: repository(OPENRESTY_HOME, ['openresty', 'lua']),
      entrypoint: [`${OPENRESTY_HOME}/openresty/start`],
      user: 101,
      environment: { NGINX: tools.openresty ?? '/usr/sbin/nginx' },
      fileCapabilities: { [realpathSync(tools.openresty ?? '/usr/sbin/nginx')]: NGINX_CAPABILITY },
    }),
  }
  return (name) => images[shortName(name)]
}

/** Without tag, digest and registry; any `…/echo-basic` is the echo backend. */
function shortName(name: string): string {
  const untagged = name.replace(/@.*$/, '').replace(/:[^/:]*$/, '')
  const parts = untagged.split('/')
  return parts.at(-1) === 'echo-basic' ? 'echo-basic' : parts.slice(-2).join('/')
}

function image(parts: Partial<Image> & Pick<Image, 'mounts' | 'entrypoint' | 'user'>): Image {
  return {
    root: '/', stopSignal: 'SIGTERM', workingFolder: '/', fileCapabilities: {}, ...parts,
    environment: { PATH, ...parts.environment },
  }
}

function mounted(source: string, target: string): Mount {
  return { source, target, readOnly: true }
}

/** Parts of this repository under `home`, as a Dockerfile copies them. */
function repository(home: string, paths: readonly string[]): Mount[] {
  return paths.filter((path) => existsSync(join(REPOSITORY, path)))
    .map((path) => mounted(join(REPOSITORY, path), join(home, path)))
}
