/**
 * The images and what runs them outside of a cluster, as far as that can be checked without a Docker
 * engine: contents, base images, users, and that all files refer to things that are there.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { posix } from 'node:path'
import { test } from 'node:test'
import type { V1Deployment } from '@kubernetes/client-node'
import { parse } from 'yaml'
import { parseCommand } from '../sidecar/options/options.ts'
import { buildContext, copiedFiles, finalStage, instructionsOf } from './build-context.ts'
import type { Instruction } from './build-context.ts'
import { NGINX_CAPABILITY } from './lab/node/images.ts'

const ROOT = new URL('../', import.meta.url)

function read(path: string): string {
  return readFileSync(new URL(path, ROOT), 'utf8')
}

/** The files of the work tree that git does not ignore: what a build on a clean clone would find. */
function repositoryFiles(): string[] {
  // The clone may be another user's, as in containers: without this git refuses to read it.
  const args = ['-c', 'safe.directory=*', 'ls-files', '-z', '--cached', '--others', '--exclude-standard', '--deduplicate']
  const listed = execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' }).split('\0')
  return listed.filter((file) => file !== '' && existsSync(new URL(file, ROOT)))
}

const repository = repositoryFiles()
const context = buildContext(read('.dockerignore'), repository)
const manifest = JSON.parse(read('package.json')) as {
  version: string
  dependencies: Readonly<Record<string, string>>
  devDependencies: Readonly<Record<string, string>>
}
const deployment = parse(read('manifests/base/deployment.yaml')) as V1Deployment

interface Image {
  readonly container: string
  readonly home: string
  readonly base: RegExp
}

const IMAGES: Readonly<Record<string, Image>> = {
  'sidecar/Dockerfile': {
    container: 'sidecar',
    home: '/app',
    // The version that the tests run on.
    base: new RegExp(`^node:${manifest.devDependencies.node?.replaceAll('.', '\\.')}-\\w+-slim$`),
  },
  'openresty/Dockerfile': {
    container: 'openresty',
    home: '/opt/resty-ingress',
    base: /^openresty\/openresty:\d+\.\d+\.\d+\.\d+-\d+-\w+$/,
  },
  'openresty/Dockerfile.debian': {
    container: 'openresty',
    home: '/opt/resty-ingress',
    base: /^debian:bookworm-slim$/,
  },
}

/** Files of an image by their path below its home folder. */
function contents(dockerfile: string): string[] {
  const copied = copiedFiles(finalStage(instructionsOf(read(dockerfile))), context)
  const { home = '' } = IMAGES[dockerfile] ?? {}
  return [...copied].map(([target, source]) => {
    const path = posix.relative(home, target)
    assert.equal(path, source, `${dockerfile}: the image keeps the layout of the repository`)
    return path
  })
}

function valueOf(stage: readonly Instruction[], name: string): string {
  return stage.find((instruction) => instruction.name === name)?.value ?? assert.fail(`no ${name}`)
}

// Contents

const DEVELOPMENT = new RegExp(
  [
    '\\.test\\.ts$',
    '/(testdata|testing|spec)/',
    '^sidecar/(lint|standalone)/',
    '^sidecar/setup\\.mjs$',
    '/Dockerfile(\\.\\w+)?$',
  ].join('|'),
)

test('the sidecar image holds package.json, the licence and the sidecar without its tests', () => {
  const sources = repository.filter((file) => file.startsWith('sidecar/') && !DEVELOPMENT.test(file))
  const expected = [...sources, 'LICENSE', 'package.json']
  assert.deepEqual(contents('sidecar/Dockerfile').toSorted(), expected.toSorted())
})

for (const dockerfile of ['openresty/Dockerfile', 'openresty/Dockerfile.debian']) {
  test(`${dockerfile} holds the licence, the launcher and the Lua without its specs`, () => {
    const sources = repository.filter((file) => /^(lua|openresty)\//.test(file) && !DEVELOPMENT.test(file))
    assert.deepEqual(contents(dockerfile).toSorted(), [...sources, 'LICENSE'].toSorted())
  })

  test(`every Lua module that ${dockerfile} needs is in it`, () => {
    const files = contents(dockerfile)
    const needed = files.filter((file) => file.endsWith('.lua')).flatMap((file) => {
      const requires = read(file).matchAll(/require\s*\(?\s*["'](ingress\.[\w.]+)["']/g)
      return [...requires].map(([, name = '']) => name)
    })
    const missing = needed.filter((name) => !files.includes(`lua/${name.replaceAll('.', '/')}.lua`))
    assert.ok(needed.length > 0)
    assert.deepEqual(missing, [])
  })
}

test('the sidecar image holds every module that main.ts reaches, and no module that it does not', () => {
  const files = contents('sidecar/Dockerfile').filter((file) => file.endsWith('.ts'))
  assert.deepEqual([...reachable('sidecar/main.ts')].toSorted(), files.toSorted())
})

function reachable(entry: string, seen = new Set<string>()): Set<string> {
  if (seen.has(entry)) return seen
  seen.add(entry)
  for (const [, path = ''] of read(entry).matchAll(/(?:from|import|import\()\s*'(\.[^']+\.ts)'/g)) {
    reachable(posix.join(posix.dirname(entry), path), seen)
  }
  return seen
}

/** Imports of values; the last line of one over several lines counts too. `node:` has no place in it. */
const PACKAGE_IMPORT = /^(?:import|import (?!type )[^'\n]* from|\} from) '((?:@[\w.-]+\/)?[\w-]+)[/']/gm

test('the sidecar needs no package but the production dependencies', () => {
  const files = contents('sidecar/Dockerfile').filter((file) => file.endsWith('.ts'))
  const packages = files.flatMap((file) => {
    return [...read(file).matchAll(PACKAGE_IMPORT)].map(([, name = '']) => name)
  })
  assert.ok(packages.includes('yaml'))
  assert.deepEqual(packages.filter((name) => !(name in manifest.dependencies)), [])
})

test('whatever else lies in the folder never reaches a build', () => {
  const strangers = [
    '.git/config',
    '.env',
    '.npmrc',
    'kubeconfig',
    'node_modules/pino/pino.js',
    'e2e/lab/main.ts',
    'manifests/base/rbac.yaml',
    'sidecar/standalone/main.ts',
    'sidecar/setup.mjs',
    'sidecar/kube/reflector.test.ts',
    'sidecar/testdata/tls/input.yaml',
    'lua/spec/router_spec.lua',
  ]
  assert.deepEqual(buildContext(read('.dockerignore'), strangers), [])
})

test('the last matching rule decides, and a folder speaks for what is in it', () => {
  const files = ['a/x.ts', 'a/x.test.ts', 'a/b/y.test.ts', 'c/z', 'd']
  assert.deepEqual(buildContext('*\n!a\n!d\n**/*.test.ts\n', files), ['a/x.ts', 'd'])
  assert.deepEqual(buildContext('a/*/y*\nc/?\n', files), ['a/x.ts', 'a/x.test.ts', 'd'])
})

// Dockerfiles

for (const [dockerfile, image] of Object.entries(IMAGES)) {
  const instructions = instructionsOf(read(dockerfile))
  const stage = finalStage(instructions)

  test(`${dockerfile}: the base image is pinned`, () => {
    const defaults = new Map(instructions.filter(({ name }) => name === 'ARG').map(({ value }) => {
      const [name = '', text = ''] = value.split('=')
      return [`\${${name}}`, text]
    }))
    for (const { name, value } of instructions) {
      if (name !== 'FROM') continue
      const [base = ''] = value.split(/\s+/)
      assert.match(defaults.get(base) ?? base, image.base)
    }
  })

  test(`${dockerfile}: the entry point is a program of the image, started without a shell`, () => {
    const [program = '', script] = JSON.parse(valueOf(stage, 'ENTRYPOINT')) as string[]
    const path = posix.relative(image.home, posix.resolve(image.home, script ?? program))
    assert.ok(contents(dockerfile).includes(path), path)
    // For its owner: what others may do with a clone is the umask of whoever made it.
    const executable = (statSync(new URL(path, ROOT)).mode & 0o100) !== 0
    assert.ok(executable || script !== undefined, `${path} is executable`)
  })

  test(`${dockerfile}: the user is the one of the Deployment, by number`, () => {
    const container = deployment.spec?.template.spec?.containers.find(({ name }) => name === image.container)
    const { runAsUser, runAsGroup } = container?.securityContext ?? {}
    assert.equal(valueOf(stage, 'USER'), `${runAsUser}:${runAsGroup}`)
    assert.equal(container?.image, `resty-ingress/${image.container}:${manifest.version}`)
  })
}

test('both proxy images are stopped by the usual signal, whatever their base image says', () => {
  for (const dockerfile of ['openresty/Dockerfile', 'openresty/Dockerfile.debian']) {
    assert.equal(valueOf(finalStage(instructionsOf(read(dockerfile))), 'STOPSIGNAL'), 'SIGTERM')
  }
})

test('both proxy images let NGINX open low ports, as the lab\'s image does', () => {
  const programs = { 'openresty/Dockerfile': '/usr/local/openresty/nginx/sbin/nginx', 'openresty/Dockerfile.debian': '/usr/sbin/nginx' }
  for (const [dockerfile, program] of Object.entries(programs)) {
    const granted = finalStage(instructionsOf(read(dockerfile))).filter(({ name, value }) =>
      name === 'RUN' && value.includes(`setcap ${NGINX_CAPABILITY} ${program}`))
    assert.equal(granted.length, 1, dockerfile)
  }
})

// Compose and kind

interface Service {
  readonly image: string
  readonly build: { readonly context: string; readonly dockerfile: string }
  readonly network_mode: string
  readonly command: readonly string[]
  readonly volumes: readonly (string | { readonly source: string; readonly target: string })[]
  readonly cap_drop: readonly string[]
  readonly read_only: boolean
}

const compose = parse(read('docker-compose.yml')) as {
  readonly services: { readonly openresty: Service; readonly sidecar: Service }
  readonly volumes: { readonly run: { readonly driver_opts: { readonly o: string } } }
}

for (const [name, service] of Object.entries(compose.services)) {
  test(`compose: ${name} is built from a Dockerfile of ours and closed like the pod`, () => {
    const dockerfile = service.build.dockerfile.replace(/^\$\{\w+:-(.*)\}$/, '$1')
    assert.equal(service.build.context, '.')
    assert.equal(IMAGES[dockerfile]?.container, name)
    assert.equal(service.image, `resty-ingress/${name}:${manifest.version}`)
    assert.equal(service.network_mode, 'container:${KIND_CLUSTER:-kind}-control-plane')
    assert.deepEqual(service.cap_drop, ['ALL'])
    assert.equal(service.read_only, true)
    assert.ok(service.volumes.includes('run:/run/resty-ingress'))
  })
}

test('compose: the run folder belongs to the user of OpenResty', () => {
  const [user, group] = valueOf(finalStage(instructionsOf(read('openresty/Dockerfile'))), 'USER').split(':')
  const options = compose.volumes.run.driver_opts.o.split(',')
  assert.deepEqual(options.filter((option) => /^[ug]id=/.test(option)), [`uid=${user}`, `gid=${group}`])
})

test('compose: the sidecar, and only the sidecar, has the kubeconfig', async () => {
  const { openresty, sidecar } = compose.services
  assert.deepEqual(openresty.volumes, ['run:/run/resty-ingress'])
  const mounted = sidecar.volumes.find((volume) => typeof volume === 'object')
  const command = await parseCommand(sidecar.command, '', {})
  assert.ok(command?.name === 'run')
  assert.equal(command.options.kubeconfig, mounted?.target)
  assert.deepEqual(command.options.ignored, [])
})

test('kind: the node answers on the ports of OpenResty', () => {
  const kind = parse(read('e2e/kind.yaml')) as {
    nodes: { role: string; extraPortMappings: { containerPort: number }[] }[]
  }
  const [node] = kind.nodes
  assert.equal(node?.role, 'control-plane')
  assert.deepEqual(node.extraPortMappings.map((mapping) => mapping.containerPort), [80, 443])
})
