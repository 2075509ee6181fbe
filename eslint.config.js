/** Lint as a wall: size, types that hold promises to their word, and the import table. */
import { join } from 'node:path'
import tseslint from 'typescript-eslint'
import { layers, PURE } from './sidecar/lint/layers.js'

const ROOT = import.meta.dirname
const TESTS = ['**/*.test.ts', '**/testing/**/*.ts']

/** The pure core depends on its input alone. */
const IMPURE_GLOBALS = ['Date', 'process', 'console', 'performance', 'fetch', 'setTimeout', 'setInterval', 'setImmediate']

const MESSAGES = {
  pure: 'the pure core has no clock, chance, environment, timers or output',
  seed: 'testing/property.ts has it with a seed: the same cases at each run',
  environment: 'only options.ts reads the environment',
  enumeration: 'an enum is code that type stripping cannot strip: use a union of literals',
  defaultExport: 'a name for everything: no default exports',
}

/** An underscore says that a name only fills its place. */
const UNUSED = ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrors: 'none' }]

/** Their promises are awaited by the test runner. */
const NODE_TEST = [{ from: 'package', package: 'node:test', name: ['test', 'it', 'describe', 'suite'] }]

const restrictedSyntax = [
  'error',
  { selector: 'TSEnumDeclaration', message: MESSAGES.enumeration },
  { selector: 'ExportDefaultDeclaration', message: MESSAGES.defaultExport },
]

const purePaths = PURE.map((folder) => `sidecar/${folder}/**/*.ts`)
const environment = { object: 'process', property: 'env', message: MESSAGES.environment }
const chance = { object: 'Math', property: 'random', message: MESSAGES.pure }

/** The file size is a warning that can be lived with for a while, and an error that cannot. */
const tooLong = {
  meta: { type: 'problem', schema: [], messages: { long: 'file has {{lines}} lines; 400 are the limit' } },
  create: (context) => ({
    'Program:exit': (node) => {
      const lines = context.sourceCode.lines.length
      if (lines > 401) context.report({ node, messageId: 'long', data: { lines } })
    },
  }),
}

// ESLint asks for a default export.
// eslint-disable-next-line no-restricted-syntax
export default tseslint.config(
  { ignores: ['**/node_modules/', '**/.*/'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommended],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: ROOT } },
    rules: {
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': ['error', { allowForKnownSafeCalls: NODE_TEST }],
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/no-unused-vars': UNUSED,
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
    },
  },
  {
    files: ['**/*.ts', '**/*.js', '**/*.mjs'],
    plugins: { ours: { rules: { layers, 'too-long': tooLong } } },
    rules: {
      complexity: ['error', 10],
      eqeqeq: 'error',
      'max-depth': ['error', 3],
      'max-len': ['error', { code: 120, ignoreUrls: true, ignoreStrings: true, ignoreTemplateLiterals: true }],
      'max-lines': ['warn', 300],
      'max-params': ['error', 4],
      'max-statements': ['error', 25],
      'no-control-regex': 'error',
      'no-restricted-syntax': restrictedSyntax,
      'ours/too-long': 'error',
      'prefer-const': 'error',
    },
  },
  {
    files: ['sidecar/**/*.ts'],
    ignores: ['sidecar/options/options.ts', 'sidecar/standalone/**', ...TESTS],
    rules: { 'no-restricted-properties': ['error', environment] },
  },
  {
    files: ['sidecar/**/*.ts'],
    rules: { 'ours/layers': ['error', { root: join(ROOT, 'sidecar') }] },
  },
  {
    files: purePaths,
    ignores: TESTS,
    rules: {
      'no-restricted-globals': ['error', ...IMPURE_GLOBALS.map((name) => ({ name, message: MESSAGES.pure }))],
      'no-restricted-properties': ['error', environment, chance],
    },
  },
  {
    files: TESTS,
    rules: { 'max-statements': 'off' },
  },
  {
    files: TESTS,
    ignores: ['sidecar/testing/property.ts'],
    rules: { 'no-restricted-imports': ['error', { name: 'fast-check', message: MESSAGES.seed }] },
  },
)
