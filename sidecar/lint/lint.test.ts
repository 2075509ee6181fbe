/** Every rule of eslint.config.js bites: a small project with one wrong file for each, linted for real. */
import assert from 'node:assert/strict'
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { ESLint } from 'eslint'

const REPOSITORY = join(import.meta.dirname, '../..')

let project = ''

before(async () => {
  project = await mkdtemp(join(tmpdir(), 'lint-'))
  for (const file of ['eslint.config.js', 'tsconfig.json', 'package.json', 'sidecar/lint/layers.js']) {
    await mkdir(dirname(join(project, file)), { recursive: true })
    await cp(join(REPOSITORY, file), join(project, file))
  }
  await symlink(join(REPOSITORY, 'node_modules'), join(project, 'node_modules'))
})

after(() => rm(project, { recursive: true }))

/** `RULE: message` of each problem of the files. */
async function lint(files: Readonly<Record<string, string>>): Promise<string[]> {
  for (const [file, text] of Object.entries(files)) {
    await mkdir(dirname(join(project, file)), { recursive: true })
    await writeFile(join(project, file), text)
  }
  const results = await new ESLint({ cwd: project }).lintFiles(Object.keys(files))
  for (const file of Object.keys(files)) await rm(join(project, file))
  return results.flatMap(({ messages }) => messages.map(({ ruleId, message }) => `${ruleId}: ${message}`))
}

const WRONG: readonly (readonly [name: string, file: string, text: string, problem: RegExp])[] = [
  ['upstream import', 'sidecar/ir/a.ts', "import '../source/b.ts'\n", /^ours\/layers: ir may not import source\/b/],
  ['sideways import', 'sidecar/kube/a.ts', "export * from '../dataplane/b.ts'\n", /^ours\/layers: kube may not/],
  ['wiring imported', 'sidecar/api/a.ts', "export { b } from '../run.ts'\n", /^ours\/layers: api may not import run/],
  ['one file only', 'sidecar/policy/a.ts', "import '../nginx/render.ts'\n", /^ours\/layers: policy may not/],
  ['dynamic import', 'sidecar/util/a.ts', "export const b = import('../ir/b.ts')\n", /^ours\/layers: util may not/],
  ['type import', 'sidecar/util/a.ts', "import type { B } from '../ir/b.ts'\nexport type A = B\n", /^ours\/layers: util/],
  ['tests imported', 'sidecar/main.ts', "import '../e2e/b.ts'\n", /^ours\/layers: the sidecar may not import/],
  ['client', 'sidecar/api/a.ts', "import '@kubernetes/client-node'\n", /^ours\/layers: .* only for kube/],
  ['mustache', 'sidecar/run.ts', "import 'mustache'\n", /^ours\/layers: mustache is only for nginx/],
  ['fastify', 'sidecar/run.ts', "import 'fastify'\n", /^ours\/layers: fastify is only for api/],
  ['pino', 'sidecar/kube/a.ts', "import 'pino'\n", /^ours\/layers: pino is only for main.ts/],
  ['process', 'sidecar/kube/a.ts', "import 'node:process'\n", /^ours\/layers: node:process is only for options.ts/],
  ['I/O in the core', 'sidecar/snapshot/a.ts', "import 'node:fs/promises'\n", /^ours\/layers: snapshot .* pure core/],
  ['I/O in the pipeline', 'sidecar/pipeline.ts', "import 'node:net'\n", /^ours\/layers: pipeline.ts .* pure core/],
  ['clock', 'sidecar/ir/a.ts', 'export const a = Date.now()\n', /^no-restricted-globals: /],
  ['process in the core', 'sidecar/policy/a.ts', 'export const a = process.pid\n', /^no-restricted-globals: /],
  ['chance', 'sidecar/dynamic/a.ts', 'export const a = Math.random()\n', /^no-restricted-properties: /],
  ['environment', 'sidecar/kube/a.ts', 'export const a = process.env\n', /^no-restricted-properties: /],
  ['floating promise', 'e2e/a.ts', 'void 0\nPromise.resolve()\n', /no-floating-promises/],
  ['misused promise', 'e2e/a.ts', 'export const a: () => void = async () => {}\n', /no-misused-promises/],
  ['return type', 'e2e/a.ts', 'export function a() { return 1 }\n', /explicit-module-boundary-types/],
  ['type import', 'e2e/a.ts', "import { Socket } from 'node:net'\nexport type A = Socket\n", /consistent-type-imports/],
  ['any', 'e2e/a.ts', 'export const a: any = 1\n', /no-explicit-any/],
  ['enum', 'e2e/a.ts', 'export enum A { B }\n', /^no-restricted-syntax: an enum/],
  ['default export', 'e2e/a.ts', 'export default 1\n', /^no-restricted-syntax: .* no default exports/],
  ['parameters', 'e2e/a.js', 'export const a = (b, c, d, e, f) => [b, c, d, e, f]\n', /^max-params/],
  ['depth', 'e2e/a.js', 'if (1) { if (2) { if (3) { if (4) { run() } } } }\n', /^max-depth/],
  ['statements', 'e2e/a.js', `export function a() {${'run();'.repeat(26)}}\n`, /^max-statements/],
  ['complexity', 'e2e/a.js', `export const a = (b) => ${'b || '.repeat(10)} c\n`, /^complexity/],
  ['a long file', 'e2e/a.js', 'run()\n'.repeat(301), /^max-lines/],
  ['a file over the limit', 'e2e/a.js', 'run()\n'.repeat(401), /^ours\/too-long/],
]

for (const [name, file, text, problem] of WRONG) {
  test(`bites: ${name} (${file})`, async () => {
    const problems = await lint({ [file]: text })
    assert.ok(problems.some((it) => problem.test(it)), `expected ${problem}, found ${problems.join('; ') || 'nothing'}`)
  })
}

test('the shells may wire everything, the owners use their packages, tests import what they test', async () => {
  const imports = "import '../ir/a.ts'\nimport '../api/a.ts'\nimport '../main.ts'\n"
  assert.deepEqual(
    await lint({
      'sidecar/main.ts': "import 'pino'\nimport './kube/a.ts'\nimport './api/a.ts'\n",
      'sidecar/options.ts': 'export const a = process.env\n',
      'sidecar/standalone/main.ts': imports,
      'sidecar/ir/a.test.ts': `import 'node:fs'\n${imports}`,
      'sidecar/kube/testing/a.ts': imports,
      'sidecar/kube/a.ts': "import '@kubernetes/client-node'\nimport type { Logger } from 'pino'\nexport type A = Logger\n",
      'sidecar/policy/a.ts': "import '../nginx/directive.ts'\nimport './b.ts'\nimport 'node:crypto'\n",
      'sidecar/nginx/a.ts': "import 'mustache'\nimport '../snapshot/b.ts'\n",
      'sidecar/api/a.ts': "import 'fastify'\n",
    }),
    [],
  )
})
