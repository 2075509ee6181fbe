/** setup.mjs in a clone of its own: what it does when all is there, and what it says when something is not. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'

const REPOSITORY = join(import.meta.dirname, '..')
const NODE_MODULES = join(REPOSITORY, 'node_modules')
const NOBODY = 65_534

interface Clone {
  readonly dir: string
  /** A folder with Node.js alone: the PATH of a machine with nothing else. */
  readonly bin: string
}

async function clone(t: TestContext): Promise<Clone> {
  const dir = await mkdtemp(join(tmpdir(), 'setup-'))
  t.after(() => rm(dir, { recursive: true, force: true }))
  const bin = join(dir, 'bin')
  await mkdir(bin)
  await mkdir(join(dir, 'sidecar'))
  for (const file of ['package.json', 'package-lock.json', 'sidecar/setup.mjs']) {
    await copyFile(join(REPOSITORY, file), join(dir, file))
  }
  await copyFile(process.execPath, join(bin, 'node'))
  return { dir, bin }
}

/** A clone whose dependencies are installed already. */
async function readyClone(t: TestContext): Promise<Clone> {
  const it = await clone(t)
  await symlink(NODE_MODULES, join(it.dir, 'node_modules'))
  return it
}

interface Said {
  readonly code: number | null
  readonly output: string
}

function setUp({ dir, bin }: Clone, args: readonly string[], env: NodeJS.ProcessEnv = {}): Said {
  return runIt([join(bin, 'node'), join(dir, 'sidecar/setup.mjs'), ...args], { PATH: bin, HOME: dir, ...env })
}

function runIt([program = '', ...args]: readonly string[], env: NodeJS.ProcessEnv): Said {
  const { status, stdout, stderr } = spawnSync(program, args, { env, encoding: 'utf8' })
  return { code: status, output: stdout + stderr }
}

function sentence({ code, output }: Said): string {
  assert.equal(code, 1, output)
  assert.doesNotMatch(output, /^ +at /m)
  return output
}

test('when all is there it says nothing, and needs neither npm nor a network', async (t) => {
  assert.deepEqual(setUp(await readyClone(t), []), { code: 0, output: '' })
})

test('the command gets its arguments, Node 24, and its exit code back', async (t) => {
  const it = await readyClone(t)
  const script = join(it.dir, 'a.mjs')
  await writeFile(script, 'console.log(process.version, process.argv.slice(2).join()); process.exitCode = 7')
  const { code, output } = setUp(it, [script, '--with', 'x'])
  assert.equal(code, 7)
  assert.match(output, /^v24\.\d+\.\d+ --with,x\n$/)
})

test('signals reach the command, and its end is ours', async (t) => {
  const { dir, bin } = await readyClone(t)
  const script = join(dir, 'a.mjs')
  await writeFile(script, "process.on('SIGTERM', () => process.exit(5)); setInterval(() => {}, 1e6); console.log('up')")
  const child = spawn(join(bin, 'node'), [join(dir, 'sidecar/setup.mjs'), script], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  child.kill('SIGTERM')
  assert.deepEqual(await once(child, 'exit'), [5, null])
})

test('dependencies are installed when they differ from package-lock.json', async (t) => {
  const it = await readyClone(t)
  const path = join(it.dir, 'package-lock.json')
  const lock = JSON.parse(await readFile(path, 'utf8'))
  lock.packages['node_modules/yaml'].version = '0.0.1'
  await writeFile(path, JSON.stringify(lock))
  assert.match(sentence(setUp(it, [])), /npm is not on PATH/)
})

test('an optional dependency of another platform is not missed', async (t) => {
  const it = await readyClone(t)
  const path = join(it.dir, 'package-lock.json')
  const lock = JSON.parse(await readFile(path, 'utf8'))
  lock.packages['node_modules/for-another-platform'] = { version: '1.0.0', optional: true }
  await writeFile(path, JSON.stringify(lock))
  assert.deepEqual(setUp(it, []), { code: 0, output: '' })
})

test('no network', async (t) => {
  const npm = { npm_config_registry: 'http://127.0.0.1:1/', npm_config_fetch_retries: '0' }
  const output = sentence(setUp(await clone(t), [], { PATH: process.env.PATH, ...npm }))
  assert.match(output, /setup: installing the npm packages/)
  assert.match(output, /setup: the npm registry cannot be reached \(ECONNREFUSED\)/)
})

test('an npm that is too old for the lock file', async (t) => {
  const it = await clone(t)
  await writeFile(join(it.bin, 'npm'), '#!/bin/sh\necho 6.14.18\n', { mode: 0o755 })
  assert.match(sentence(setUp(it, [])), /npm 6\.14\.18 is too old .* npm 7 or newer/)
})

test('a user who is not root is told the one command to run', async (t) => {
  const { dir, bin } = await readyClone(t)
  if (spawnSync('dpkg-query', ['--version']).error !== undefined) {
    t.skip('this is not Debian')
    return
  }
  // The packages that are installed according to an empty database.
  const database = join(dir, 'dpkg')
  await mkdir(database)
  await writeFile(join(database, 'status'), '')
  const env = { PATH: `${bin}:/usr/bin:/bin`, HOME: dir, DPKG_ADMINDIR: database }
  // Who may read all the same: the clone and its folder may be closed to others.
  const reader = ['--inh-caps=+dac_override', '--ambient-caps=+dac_override']
  const user = [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', ...reader, '--']
  const become = process.getuid?.() === 0 ? ['setpriv', ...user] : []
  const output = sentence(runIt([...become, join(bin, 'node'), join(dir, 'sidecar/setup.mjs'), '--with', 'lua'], env))
  assert.match(output, /setup: needed for luacheck and busted: lua-check, lua-busted/)
  assert.match(output, /^ {2}sudo apt-get update && sudo apt-get install --no-remove .* lua-check lua-busted/m)
})

test('a system that is not Debian, and a wrong command line', async (t) => {
  const it = await readyClone(t)
  assert.match(sentence(setUp(it, ['--with', 'lua'])), /This is not Debian or Ubuntu: install both .* luarocks/)
  assert.match(sentence(setUp(it, ['--with', 'coffee'])), /unknown group coffee; there are nginx, nginx-system, lua/)
  assert.match(sentence(setUp(it, ['--wtih', 'lua'])), /unknown option --wtih/)
})
