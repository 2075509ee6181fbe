/** The suites of `npm test`, in their order: what fails fastest comes first. */
import { globSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { makeNextRoot } from '../lab/next-root.ts'
import { prepareTools, type Variant } from '../lab/tools.ts'
import { runNodeTests, type Limits } from './node-tests.ts'
import { failed, NOTHING, skipped, verdict, type Outcome } from './outcome.ts'
import { ensurePackages, isOnPath, REPOSITORY, show } from './programs.ts'

export interface Suite {
  /** For the command line; suites that differ by variant share one. */
  readonly name: string
  readonly title: string
  /** `only`: test files to run instead of all. */
  run(signal: AbortSignal, only: readonly string[]): Promise<Outcome>
}

const NODE = process.execPath
/**
 * Real processes on a machine that others use, too: there a test may fail that a user's machine never fails. Nobody
 * sits at the CI to run it again; a flaky test is named in its summary, and is a fault to be mended. What needs no
 * process, such as properties, must hold at once.
 */
const MOST_FLAKY = process.env.CI === 'true' ? 2 : 0
/** Far above what they take on a slow machine. */
const LIMITS: Limits = { testSeconds: 300, fileSeconds: 600 }
const ON_NGINX = { limits: LIMITS, mostFlaky: MOST_FLAKY }
const IN_LAB = { limits: { testSeconds: 600, fileSeconds: 900 }, mostFlaky: MOST_FLAKY }
/** Files at once: they wait more than they work, and every test has a folder and ports, or a lab, of its own. */
const NGINX_FILES = 3
const CLUSTER_FILES = 2
/** They wait for long, so they begin first: nothing is left to run beside them at the end. */
const LONGEST: readonly string[] = ['three-hosts', 'high-availability', 'faults', 'election']
/** What these are about is the API server: whichever NGINX stands there, it is asked the same. */
const ABOUT_THE_API_SERVER: readonly string[] = [
  'admission', 'election', 'multiple-controllers', 'node-status', 'proxy-schema', 'proxy-status',
]
const BUSTED = ['busted', '--lua=/usr/bin/lua5.1', '--lpath=lua/?.lua', 'lua/spec']
const BUSTED_SUMMARY = /^(\d+) success(?:es)? \/ (\d+) failures? \/ (\d+) errors? \/ (\d+) pending/m

async function lint(signal: AbortSignal): Promise<Outcome> {
  const { code } = await show([NODE, 'node_modules/eslint/bin/eslint.js', '.'], signal)
  return verdict(code === 0, 'eslint found something; see above')
}

async function types(signal: AbortSignal): Promise<Outcome> {
  const { code } = await show([NODE, 'node_modules/typescript/bin/tsc', '-p', '.'], signal)
  return verdict(code === 0, 'tsc found something; see above')
}

// --- Files of node:test ---------------------------------------------------------------------------------

const STANDALONE = /^sidecar\/standalone\//

function testFiles(pattern: string): string[] {
  const exclude = ['**/node_modules/**']
  const files = globSync(pattern, { cwd: REPOSITORY, exclude }).sort()
  const isLong = (file: string): boolean => LONGEST.some((name) => file.includes(name))
  return [...files.filter(isLong), ...files.filter((file) => !isLong(file))]
}

/** The lab's own tests, and those of everything else that runs in it; the rest of e2e/ runs anywhere. */
const LAB = /^e2e\/lab\//
const CLUSTER = /^e2e\/scenarios\//

function absolute(files: readonly string[]): string[] {
  return files.map((file) => join(REPOSITORY, file))
}

interface Selection {
  readonly files: readonly string[]
  readonly only: readonly string[]
}

/** Of the files of a suite those that were asked for, by any part of their path. */
function select({ files, only }: Selection): string[] {
  return only.length === 0 ? [...files] : files.filter((file) => only.some((part) => file.includes(part)))
}

async function unit(signal: AbortSignal, only: readonly string[]): Promise<Outcome> {
  const elsewhere = [STANDALONE, LAB, CLUSTER]
  const all = testFiles('{sidecar,e2e}/**/*.test.ts').filter((file) => !elsewhere.some((it) => it.test(file)))
  const files = absolute(select({ files: all, only }))
  return runNodeTests({ files, concurrency: availableParallelism(), limits: LIMITS, signal })
}

async function standalone(signal: AbortSignal, only: readonly string[]): Promise<Outcome> {
  const files = absolute(select({ files: testFiles('sidecar/standalone/**/*.test.ts'), only }))
  if (!(await ensurePackages('nginx', signal))) return failed('NGINX with Lua is missing; see above')
  return runNodeTests({ files, concurrency: 1, ...ON_NGINX, signal })
}

// --- Lua ------------------------------------------------------------------------------------------------

async function lua(signal: AbortSignal): Promise<Outcome> {
  if (!(await ensurePackages('lua', signal))) return failed('luacheck or busted is missing; see above')
  const check = await show(['luacheck', '--no-color', 'lua'], signal)
  const { output } = await show(BUSTED, signal)
  const [, successes, failures, errors, pending] = BUSTED_SUMMARY.exec(output) ?? []
  if (successes === undefined) return failed('busted ended without a summary; see above')
  const isClean = check.code === 0
  return {
    passed: Number(successes),
    failed: Number(failures) + Number(errors) + (isClean ? 0 : 1),
    skipped: Number(pending),
    ...(isClean ? {} : { note: 'luacheck found something; see above' }),
  }
}

// --- NGINX variants -------------------------------------------------------------------------------------

const VARIANT_TITLES: Readonly<Record<Variant, string>> = {
  system: "Debian's NGINX",
  next: "Debian's newest NGINX",
  openresty: 'OpenResty',
}
const VARIANTS = Object.keys(VARIANT_TITLES) as readonly Variant[]

/** What the tests of a variant need in their environment, or why they cannot run. */
type Prepared = { readonly env: Readonly<Record<string, string>> } | Outcome

async function prepareVariant(variant: Variant, signal: AbortSignal): Promise<Prepared> {
  const env = { RESTY_INGRESS_VARIANTS: variant }
  if (variant === 'openresty') {
    return isOnPath('openresty') ? { env } : skipped('there is no openresty on PATH')
  }
  if (variant === 'system') {
    const isThere = await ensurePackages('nginx-system', signal)
    return isThere ? { env } : failed("Debian's NGINX with Lua is missing; see above")
  }
  return { env: { ...env, RESTY_INGRESS_NEXT_ROOT: await makeNextRoot() } }
}

function nginxSuites(): Suite[] {
  return VARIANTS.map((variant) => ({
    name: 'nginx',
    title: `Lua in NGINX (${VARIANT_TITLES[variant]})`,
    run: async (signal, only) => {
      const prepared = await prepareVariant(variant, signal)
      if (!('env' in prepared)) return prepared
      const files = absolute(select({ files: testFiles('lua/spec/nginx/**/*.test.ts'), only }))
      return runNodeTests({ files, concurrency: NGINX_FILES, ...ON_NGINX, env: prepared.env, signal })
    },
  }))
}

// --- The cluster ----------------------------------------------------------------------------------------

/** Before the first test, because a test's output is only seen at its end, and a build takes minutes. */
async function prepareLab(variant?: Variant): Promise<Outcome> {
  if (process.getuid?.() !== 0) return failed('the lab makes network namespaces: run the tests as root (sudo npm test)')
  await prepareTools(variant)
  return NOTHING
}

async function lab(signal: AbortSignal, only: readonly string[]): Promise<Outcome> {
  const prepared = await prepareLab()
  if (prepared !== NOTHING) return prepared
  const files = absolute(select({ files: testFiles('e2e/lab/**/*.test.ts'), only }))
  return runNodeTests({ files, concurrency: 1, ...IN_LAB, signal })
}

/** Those that do not depend on NGINX run with one. */
function scenarioFiles(variant: Variant): string[] {
  const all = testFiles('e2e/scenarios/**/*.test.ts')
  if (variant === 'next') return all
  return all.filter((file) => !ABOUT_THE_API_SERVER.some((name) => file.endsWith(`/${name}.test.ts`)))
}

function clusterSuites(): Suite[] {
  return VARIANTS.map((variant) => ({
    name: 'e2e',
    title: `The cluster, end to end (${VARIANT_TITLES[variant]})`,
    run: async (signal, only) => {
      const prepared = await prepareVariant(variant, signal)
      if (!('env' in prepared)) return prepared
      const lab = await prepareLab(variant)
      if (lab !== NOTHING) return lab
      const files = absolute(select({ files: scenarioFiles(variant), only }))
      const { env } = prepared
      return runNodeTests({ files, concurrency: CLUSTER_FILES, ...IN_LAB, env, signal })
    },
  }))
}

export const SUITES: readonly Suite[] = [
  { name: 'lint', title: 'Lint', run: lint },
  { name: 'types', title: 'Types', run: types },
  { name: 'unit', title: 'Unit, golden and property tests', run: unit },
  { name: 'lua', title: 'Lua: luacheck and busted', run: lua },
  ...nginxSuites(),
  { name: 'standalone', title: 'npm start', run: standalone },
  { name: 'lab', title: 'The lab itself', run: lab },
  ...clusterSuites(),
]
