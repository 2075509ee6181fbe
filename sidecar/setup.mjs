#!/usr/bin/env node
/**
 * Makes a fresh clone ready, then becomes a command of it:
 *
 *   node sidecar/setup.mjs [--with GROUP[,GROUP]] [FILE args...]
 *
 * 1. npm dependencies: `npm ci`, only where node_modules differs from package-lock.json.
 * 2. Node 24, which the npm package `node` brings along.
 * 3. The Debian packages of each GROUP, when something of it is missing and we are root; otherwise the
 *    one command to run is printed.
 * 4. FILE args... run by Node 24; signals and exit code are passed on.
 *
 * This is the only file that has to run on whatever Node the machine has (18 or newer), so it is plain
 * JavaScript without dependencies. Exit code 1 and one sentence for each thing that is in the way.
 */
import { spawn, spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { constants as osConstants } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..')
const OLDEST_NODE = 18
const OLDEST_NPM = 7
/** Bytes of another program's output to keep; above it Node.js would kill the program. */
const MAX_OUTPUT = 64 * 1024 * 1024

const NGINX_PACKAGES = [
  'nginx',
  'libnginx-mod-http-lua',
  'libnginx-mod-http-headers-more-filter',
  'libnginx-mod-stream',
  'lua-cjson',
  'lua-resty-core',
]

/**
 * What a group needs: every program of `programs`, or one of `instead`. On Debian the packages are looked
 * up too, because a program alone does not tell whether its modules are there.
 */
const GROUPS = {
  nginx: {
    what: 'NGINX with Lua',
    programs: ['nginx'],
    instead: ['openresty'],
    packages: NGINX_PACKAGES,
    elsewhere: 'install OpenResty (https://openresty.org/en/linux-packages.html) and put it on PATH',
  },
  'nginx-system': {
    what: "Debian's NGINX with Lua",
    programs: ['nginx'],
    instead: [],
    packages: NGINX_PACKAGES,
    elsewhere: 'run the tests that need it on Debian or Ubuntu',
  },
  lua: {
    what: 'luacheck and busted',
    programs: ['luacheck', 'busted', 'lua5.1'],
    instead: [],
    packages: ['lua-check', 'lua-busted', 'lua-cjson', 'lua5.1'],
    elsewhere: 'install both for Lua 5.1 with luarocks',
  },
}

/** Something that a person has to put right; its message is the sentence they read. */
class SetupError extends Error {}

function say(text) {
  process.stderr.write(`setup: ${text}\n`)
}

// --- npm dependencies -------------------------------------------------------------------------------

function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return undefined
  }
}

/**
 * npm writes node_modules/.package-lock.json as the last step of an installation, so it is the marker: it
 * also knows of an `npm install` by hand. Optional packages may be missing (other platforms).
 */
function dependenciesMatch() {
  const wanted = readJson(join(ROOT, 'package-lock.json'))?.packages ?? {}
  const found = readJson(join(ROOT, 'node_modules', '.package-lock.json'))?.packages
  if (found === undefined) return false
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === '') return true
    const installed = found[path]
    return installed === undefined ? entry.optional === true : installed.version === entry.version
  })
}

/** Command and first arguments of npm: the one that started us, else the one on PATH. */
function findNpm() {
  const started = process.env.npm_execpath
  if (started?.endsWith('npm-cli.js') && existsSync(started)) return [process.execPath, started]
  const found = findProgram('npm')
  if (found === undefined) throw new SetupError('npm is not on PATH; it comes with Node.js (https://nodejs.org).')
  return [found]
}

function checkNpm([command, ...first]) {
  const { stdout } = spawnSync(command, [...first, '--version'], { encoding: 'utf8', cwd: ROOT })
  const version = (stdout ?? '').trim()
  if (Number.parseInt(version, 10) >= OLDEST_NPM) return
  throw new SetupError(`npm ${version} is too old for our package-lock.json; npm ${OLDEST_NPM} or newer is needed.`)
}

const UNREACHABLE = /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH)\b/

function explainNpm(output, status) {
  const unreachable = UNREACHABLE.exec(output)
  if (unreachable) {
    return `the npm registry cannot be reached (${unreachable[1]}); check the network and npm's proxy settings.`
  }
  if (/\b(EACCES|EROFS)\b/.test(output)) return `node_modules cannot be written in ${ROOT}.`
  if (/\bENOSPC\b/.test(output)) return 'the disk is full.'
  return `npm ci failed with exit code ${status}; its own words are above.`
}

/** Flags on the command line win over the user's settings: development dependencies are needed here. */
const NPM_CI = ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error']

function installDependencies() {
  if (dependenciesMatch()) return
  const npm = findNpm()
  checkNpm(npm)
  say('installing the npm packages (npm ci), about a minute on a new machine ...')
  const [command, ...first] = npm
  const { status, stderr, error } = spawnSync(command, [...first, ...NPM_CI], {
    cwd: ROOT,
    encoding: 'utf8',
    maxBuffer: MAX_OUTPUT,
    stdio: ['ignore', 2, 'pipe'],
  })
  if (error) throw new SetupError(`npm cannot be started: ${error.message}.`)
  if (status === 0) return
  process.stderr.write(stderr)
  throw new SetupError(explainNpm(stderr, status))
}

// --- Node 24 ----------------------------------------------------------------------------------------

function isNew(version) {
  const [, major, minor] = /(\d+)\.(\d+)/.exec(version ?? '') ?? []
  const [, wantMajor, wantMinor] = /(\d+)\.(\d+)/.exec(readJson(join(ROOT, 'package.json')).engines.node)
  return Number(major) > Number(wantMajor) || (major === wantMajor && Number(minor) >= Number(wantMinor))
}

/** The Node.js of the npm package `node`; where its install script may not run, our own if it is new. */
function findNode() {
  const own = join(ROOT, 'node_modules', 'node', 'bin', 'node')
  const { stdout } = spawnSync(own, ['--version'], { encoding: 'utf8' })
  if (isNew(stdout)) return own
  if (isNew(process.version)) return process.execPath
  throw new SetupError(
    'the npm package `node` has not brought Node.js 24: npm may not run its install script, or this system ' +
      'is not one that Node.js is built for. Try `npm rebuild node --ignore-scripts=false`, or install Node.js 24.'
  )
}

// --- Debian packages --------------------------------------------------------------------------------

/** Debian keeps some programs in sbin, which is not on the PATH of an ordinary user. */
function findProgram(name) {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin']
  return folders.map((folder) => join(folder || '.', name)).find((path) => {
    try {
      accessSync(path, constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

function missingPackages(packages) {
  const { stdout } = spawnSync('dpkg-query', ['-W', '-f', '${Package} ${db:Status-Status}\\n', ...packages], {
    encoding: 'utf8',
  })
  const installed = new Set((stdout ?? '').split('\n').filter((line) => line.endsWith(' installed')))
  return packages.filter((name) => !installed.has(`${name} installed`))
}

function missingOf(group) {
  if (group.instead.some((name) => findProgram(name) !== undefined)) return []
  if (findProgram('dpkg-query') !== undefined) return missingPackages(group.packages)
  return group.programs.filter((name) => findProgram(name) === undefined)
}

/** Without --no-remove, apt may solve a conflict by removing what the user has. */
const APT_INSTALL = ['install', '--no-remove', '--no-install-recommends', '-y']

/** A mirror may fail for a moment, and somebody else (unattended upgrades, a second run) may be installing. */
const APT_PATIENCE = ['-o', 'Acquire::Retries=3', '-o', 'DPkg::Lock::Timeout=300']

/** What apt-get says is only worth reading when it fails. */
function apt(args) {
  const { status, stdout, stderr } = spawnSync('apt-get', ['-q', ...APT_PATIENCE, ...args], {
    encoding: 'utf8',
    maxBuffer: MAX_OUTPUT,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  })
  if (status !== 0) process.stderr.write(`${stdout}${stderr}`)
  return status === 0
}

/**
 * Debian starts a service as soon as its package is installed; its NGINX would take port 80. A
 * policy-rc.d that says no (exit code 101) is Debian's own way to prevent that.
 */
function withoutServices(action) {
  const policy = '/usr/sbin/policy-rc.d'
  if (existsSync(policy)) return action()
  writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  try {
    return action()
  } finally {
    rmSync(policy, { force: true })
  }
}

function installGroup(name) {
  const group = GROUPS[name]
  if (group === undefined) throw new SetupError(`unknown group ${name}; there are ${Object.keys(GROUPS).join(', ')}.`)
  const missing = missingOf(group)
  if (missing.length === 0) return
  const lacking = `needed for ${group.what}: ${missing.join(', ')}`
  if (findProgram('apt-get') === undefined) {
    throw new SetupError(`${lacking}. This is not Debian or Ubuntu: ${group.elsewhere}.`)
  }
  const command = `apt-get ${APT_INSTALL.join(' ')} ${missing.join(' ')}`
  if (process.getuid?.() !== 0) {
    throw new SetupError(`${lacking}. Run this once, then try again:\n  sudo apt-get update && sudo ${command}`)
  }
  say(`installing ${group.what} (apt-get), about a minute: ${missing.join(' ')} ...`)
  if (!apt(['update'])) say('apt-get update failed; trying with the package lists that are there.')
  if (!withoutServices(() => apt([...APT_INSTALL, ...missing]))) {
    throw new SetupError(`${lacking}. \`${command}\` failed; its own words are above (no network?).`)
  }
}

// --- The command ------------------------------------------------------------------------------------

/** Runs `node` with `args` until it ends; never ends before it, so that nobody is left behind. */
function become(node, args) {
  const child = spawn(node, args, { stdio: 'inherit' })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('error', (error) => fail(new SetupError(`Node.js 24 cannot be started: ${error.message}.`)))
  child.on('exit', (code, signal) => process.exit(code ?? 128 + osConstants.signals[signal]))
}

function parse(args) {
  const groups = []
  let rest = args
  while (rest[0] === '--with' && rest[1] !== undefined) {
    groups.push(...rest[1].split(','))
    rest = rest.slice(2)
  }
  if (rest[0]?.startsWith('-')) {
    throw new SetupError(`unknown option ${rest[0]}. Usage: setup.mjs [--with GROUP[,GROUP]] [FILE args...]`)
  }
  return { groups, command: rest }
}

function fail(error) {
  if (!(error instanceof SetupError)) throw error
  say(error.message)
  process.exit(1)
}

try {
  if (Number.parseInt(process.versions.node, 10) < OLDEST_NODE) {
    throw new SetupError(`Node.js ${process.version} is too old; version ${OLDEST_NODE} or newer is needed to set up.`)
  }
  const { groups, command } = parse(process.argv.slice(2))
  installDependencies()
  const node = findNode()
  groups.forEach(installGroup)
  if (command.length > 0) become(node, command)
} catch (error) {
  fail(error)
}
