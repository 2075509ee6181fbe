/** Every rule of eslint.config.js bites: a small project with one wrong file for each, linted for real. */
import assert from 'node:assert/strict'
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { after, before, test } from 'node:test'
import { ESLint } from 'eslint'

const REPOSITORY = join(import.meta.dirname, '../..')

type Table = Readonly<Record<string, readonly string[]>>
/** Imported by a computed name, because the rule is plain JavaScript and has no types. */
const { TABLE } = (await import(join(import.meta.dirname, 'layers.js'))) as { readonly TABLE: Table }

/** `RULE: message` of each problem, by file. */
const problems = new Map<string, string[]>()
let project = ''

before(async () => {
  project = await mkdtemp(join(tmpdir(), 'lint-'))
  for (const file of ['eslint.config.js', 'tsconfig.json', 'package.json', 'sidecar/lint/layers.js']) {
    await mkdir(dirname(join(project, file)), { recursive: true })
    await cp(join(REPOSITORY, file), join(project, file))
  }
  await symlink(join(REPOSITORY, 'node_modules'), join(project, 'node_modules'))
  const files = { ...RIGHT, ...Object.fromEntries(WRONG.map(([file, text]) => [file, text])) }
  for (const [file, text] of Object.entries(files)) {
    await mkdir(dirname(join(project, file)), { recursive: true })
    await writeFile(join(project, file), text)
  }
  for (const { filePath, messages } of await new ESLint({ cwd: project }).lintFiles(Object.keys(files))) {
    problems.set(relative(project, filePath), messages.map(({ ruleId, message }) => `${ruleId}: ${message}`))
  }
})

after(() => rm(project, { recursive: true }))

type Row = readonly [file: string, text: string, problem: RegExp]

const WRONG: readonly Row[] = [
  ['sidecar/ir/upstream-import.ts', "import '../source/b.ts'\n", /^ours\/layers: ir may not import source\/b/],
  ['sidecar/kube/sideways-import.ts', "export * from '../dataplane/b.ts'\n", /^ours\/layers: kube may not/],
  ['sidecar/api/wiring-imported.ts', "export { b } from '../run.ts'\n", /^ours\/layers: api may not import run/],
  ['sidecar/options/one-file-only.ts', "import '../nginx/render.ts'\n", /^ours\/layers: options may not/],
  ['sidecar/util/dynamic-import.ts', "export const b = import('../ir/b.ts')\n", /^ours\/layers: util may not/],
  ['sidecar/util/type-import.ts', "import type { B } from '../ir/b.ts'\nexport type A = B\n", /^ours\/layers: util/],
  ['sidecar/tests-imported.ts', "import '../e2e/b.ts'\n", /^ours\/layers: the sidecar may not import/],
  ['sidecar/api/client.ts', "import '@kubernetes/client-node'\n", /^ours\/layers: .* only for kube/],
  ['sidecar/mustache.ts', "import 'mustache'\n", /^ours\/layers: mustache is only for nginx/],
  ['sidecar/fastify.ts', "import 'fastify'\n", /^ours\/layers: fastify is only for api/],
  ['sidecar/kube/pino.ts', "import 'pino'\n", /^ours\/layers: pino is only for main.ts/],
  ['sidecar/kube/process.ts', "import 'node:process'\n", /^ours\/layers: node:process is only for options\/options.ts/],
  ['sidecar/snapshot/i-o-in-the-core.ts', "import 'node:fs/promises'\n", /^ours\/layers: snapshot .* pure core/],
  ['sidecar/pipeline/i-o.ts', "import 'node:net'\n", /^ours\/layers: pipeline .* pure core/],
  ['sidecar/ir/clock.ts', 'export const a = Date.now()\n', /^no-restricted-globals: /],
  ['sidecar/policy/process-in-the-core.ts', 'export const a = process.pid\n', /^no-restricted-globals: /],
  ['sidecar/dynamic/chance.ts', 'export const a = Math.random()\n', /^no-restricted-properties: /],
  ['sidecar/kube/environment.ts', 'export const a = process.env\n', /^no-restricted-properties: /],
  ['e2e/floating-promise.ts', 'void 0\nPromise.resolve()\n', /no-floating-promises/],
  ['e2e/misused-promise.ts', 'export const a: () => void = async () => {}\n', /no-misused-promises/],
  ['e2e/return-type.ts', 'export function a() { return 1 }\n', /explicit-module-boundary-types/],
  ['e2e/type-import.ts', "import { Socket } from 'node:net'\nexport type A = Socket\n", /consistent-type-imports/],
  ['e2e/any.ts', 'export const a: any = 1\n', /no-explicit-any/],
  ['e2e/enum.ts', 'export enum A { B }\n', /^no-restricted-syntax: an enum/],
  ['e2e/default-export.ts', 'export default 1\n', /^no-restricted-syntax: .* no default exports/],
  ['e2e/parameters.js', 'export const a = (b, c, d, e, f) => [b, c, d, e, f]\n', /^max-params/],
  ['e2e/depth.js', 'if (1) { if (2) { if (3) { if (4) { run() } } } }\n', /^max-depth/],
  ['e2e/statements.js', `export function a() {${'run();'.repeat(26)}}\n`, /^max-statements/],
  ['e2e/complexity.js', `export const a = (b) => ${'b || '.repeat(10)} c\n`, /^complexity/],
  ['e2e/a-long-file.js', 'run()\n'.repeat(301), /^max-lines/],
  ['e2e/a-file-over-the-limit.js', 'run()\n'.repeat(401), /^ours\/too-long/],
]

const IMPORTS = "import '../ir/a.ts'\nimport '../api/a.ts'\nimport '../main.ts'\n"

/** The shells wire everything, the owners use their packages, tests import what they test. */
const RIGHT: Readonly<Record<string, string>> = {
  'sidecar/main.ts': "import 'pino'\nimport './kube/a.ts'\nimport './api/a.ts'\n",
  'sidecar/options/options.ts': 'export const a = process.env\n',
  'sidecar/standalone/main.ts': IMPORTS,
  'sidecar/ir/a.test.ts': `import 'node:fs'\n${IMPORTS}`,
  'sidecar/kube/testing/a.ts': IMPORTS,
  'sidecar/kube/a.ts': "import '@kubernetes/client-node'\nimport type { Logger } from 'pino'\nexport type A = Logger\n",
  'sidecar/policy/a.ts': "import '../syntax/directive.ts'\nimport './b.ts'\nimport 'node:crypto'\n",
  'sidecar/nginx/a.ts': "import 'mustache'\nimport '../policy/b.ts'\n",
  'sidecar/api/a.ts': "import 'fastify'\n",
}

test('docs/architecture.md shows the import table', async () => {
  const text = await readFile(join(REPOSITORY, 'docs/architecture.md'), 'utf8')
  const rows = [...text.matchAll(/^\| `(\w+)\/` \|.*\| (.+) \|$/gm)].map(([, folder, places]) => [folder, places])
  const table = Object.entries(TABLE).filter(([folder]) => folder !== 'lint')
  const expected = table.map(([folder, places]) => {
    return [folder, places.join(', ').replaceAll('.ts', '') || 'nothing']
  })
  assert.deepEqual(Object.fromEntries(rows), Object.fromEntries(expected))
})

for (const [file, , problem] of WRONG) {
  test(`bites: ${file}`, () => {
    const found = problems.get(file) ?? []
    assert.ok(found.some((it) => problem.test(it)), `expected ${problem}, found ${found.join('; ') || 'nothing'}`)
  })
}

for (const file of Object.keys(RIGHT)) {
  test(`lets pass: ${file}`, () => assert.deepEqual(problems.get(file), []))
}
