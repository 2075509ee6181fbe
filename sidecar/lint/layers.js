/**
 * The import table of docs/architecture.md as a lint rule: data moves one way through the folders of the
 * sidecar, some packages have one owner, and the pure core does no I/O.
 */
import { dirname, join, relative } from 'node:path/posix'

/** Folder -> what it may import beside itself: folders, or single files of one. */
export const TABLE = {
  util: [],
  ir: ['util'],
  compat: [],
  collection: ['ir', 'util'],
  dns: ['ir', 'util'],
  kube: ['collection', 'ir', 'util'],
  files: ['collection', 'ir', 'util'],
  syntax: ['ir'],
  policy: ['compat', 'ir', 'syntax', 'util'],
  source: ['collection', 'compat', 'ir', 'policy', 'util'],
  snapshot: ['ir', 'policy', 'util'],
  nginx: ['ir', 'policy', 'syntax', 'util'],
  dynamic: ['ir', 'policy', 'util'],
  explain: ['dynamic', 'ir', 'util'],
  dataplane: ['dynamic', 'ir', 'nginx', 'policy/set/effects.ts', 'util'],
  pipeline: ['collection', 'dynamic', 'ir', 'policy', 'snapshot', 'source', 'util'],
  options: ['compat', 'ir', 'nginx/input.ts', 'pipeline/pipeline.ts'],
  controller: [
    'collection', 'dataplane', 'dynamic', 'ir', 'nginx', 'options', 'pipeline', 'policy', 'snapshot', 'util',
  ],
  cluster: ['collection', 'controller', 'ir', 'kube', 'options', 'pipeline', 'source'],
  metrics: ['controller', 'ir', 'options', 'snapshot'],
  api: ['dataplane/generation.ts', 'dynamic', 'explain', 'ir', 'metrics/page.ts', 'util'],
  inspect: ['api', 'controller', 'dataplane/client.ts', 'dynamic', 'explain', 'ir', 'options', 'pipeline'],
  lint: [],
}

/** Outside of these folders are the commands that wire them (`main.ts`, `standalone/` ...): they may import all. */
const SHELLS = new Set(['', 'standalone'])

/** Folders without I/O, clock, chance, environment or logging. */
export const PURE = [
  'ir', 'compat', 'syntax', 'policy', 'source', 'snapshot', 'nginx', 'dynamic', 'collection', 'explain', 'pipeline',
]

/** Hashes and punycode depend on nothing but their input. */
const PURE_BUILTINS = new Set(['node:crypto', 'node:url'])

/** Package -> where it may be imported. */
export const OWNERS = {
  '@kubernetes/client-node': ['kube'],
  ajv: ['source/proxy'],
  mustache: ['nginx'],
  fastify: ['api'],
  pino: ['main.ts'],
  'prom-client': ['controller/instruments.ts', 'metrics'],
  yargs: ['options'],
  'node:dns/promises': ['dns'],
  // `process.env` is found by its name; this is the other way to it.
  'node:process': ['options/options.ts'],
}

const MESSAGES = {
  direction: '{{from}} may not import {{to}}: see the import table in sidecar/lint/layers.js',
  owner: '{{name}} is only for {{owners}}',
  pure: '{{from}} is part of the pure core: no {{name}}',
  outside: 'the sidecar may not import {{to}}',
}

/** Tests and their helpers may import whatever they test with. */
function isTest(file) {
  return /\.test\.ts$|(^|\/)testing\//.test(file)
}

function isWithin(file, place) {
  return file === place || file.startsWith(`${place}/`)
}

function folderOf(file) {
  return file.includes('/') ? file.slice(0, file.indexOf('/')) : ''
}

function packageOf(specifier) {
  return specifier.split('/').slice(0, specifier.startsWith('@') ? 2 : 1).join('/')
}

/** The problem of an import, as `{ messageId, data }`; undefined: it is fine. Paths are below sidecar/. */
export function problemOf(file, specifier, isTypeOnly) {
  if (isTest(file)) return undefined
  return specifier.startsWith('.')
    ? problemOfPath(file, join(dirname(file), specifier))
    : problemOfPackage(file, specifier, isTypeOnly)
}

function problemOfPath(file, target) {
  if (target.startsWith('..')) return { messageId: 'outside', data: { to: target } }
  const from = folderOf(file)
  if (SHELLS.has(from) || folderOf(target) === from) return undefined
  if ((TABLE[from] ?? []).some((place) => isWithin(target, place))) return undefined
  return { messageId: 'direction', data: { from, to: target } }
}

function problemOfPackage(file, specifier, isTypeOnly) {
  const name = packageOf(specifier)
  const owners = OWNERS[name]
  const isLoggerType = name === 'pino' && isTypeOnly
  if (owners !== undefined && !isLoggerType && !owners.some((place) => isWithin(file, place))) {
    return { messageId: 'owner', data: { name, owners: owners.join(', ') } }
  }
  const isBuiltin = specifier.startsWith('node:')
  if (isBuiltin && !PURE_BUILTINS.has(specifier) && PURE.includes(folderOf(file))) {
    return { messageId: 'pure', data: { from: folderOf(file), name: specifier } }
  }
  return undefined
}

/** ESLint rule; its one option is `{ root }`, the absolute path of the sidecar's folder. */
export const layers = {
  meta: {
    type: 'problem',
    docs: { description: 'keep to the import table' },
    messages: MESSAGES,
    schema: [{ type: 'object', properties: { root: { type: 'string' } }, additionalProperties: false }],
  },
  create(context) {
    const file = relative(context.options[0].root, context.filename.replaceAll('\\', '/'))
    const check = (node) => {
      if (typeof node.source?.value !== 'string') return
      const isTypeOnly = node.importKind === 'type' || node.exportKind === 'type'
      const problem = problemOf(file, node.source.value, isTypeOnly)
      if (problem !== undefined) context.report({ node: node.source, ...problem })
    }
    return {
      ImportDeclaration: check,
      ImportExpression: check,
      ExportNamedDeclaration: check,
      ExportAllDeclaration: check,
    }
  },
}
