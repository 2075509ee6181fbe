/** No file of the sidecar or of Lua needs itself, not even by its types: what cannot be read alone is one thing. */
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path/posix'
import { test } from 'node:test'

const REPOSITORY = join(import.meta.dirname, '../..')

/** File or module -> what it imports. */
type Imports = ReadonlyMap<string, readonly string[]>

type Targets = (file: string, text: string) => string[]

function importsOf(pattern: string, nameOf: (file: string) => string, targets: Targets): Imports {
  const files = globSync(pattern, { cwd: REPOSITORY })
  return new Map(files.map((file) => [nameOf(file), targets(file, readFileSync(join(REPOSITORY, file), 'utf8'))]))
}

function typeScript(): Imports {
  return importsOf('sidecar/**/*.ts', (file) => file, (file, text) =>
    [...text.matchAll(/ from '(\.[^']*)'/g)].map(([, path = '']) => join(dirname(file), path)))
}

function lua(): Imports {
  const moduleOf = (file: string): string => file.slice('lua/'.length, -'.lua'.length).replaceAll('/', '.')
  return importsOf('lua/ingress/**/*.lua', moduleOf, (_file, text) =>
    [...text.matchAll(/require[ (]*"(ingress[^"]*)"/g)].map(([, name = '']) => name))
}

/** Takes away what imports nothing that is left, again and again: a circle, and what leads to one, stays. */
function tied(imports: Imports): string[] {
  const left = new Map(imports)
  for (let size = -1; size !== left.size;) {
    size = left.size
    for (const [file, targets] of left) if (!targets.some((target) => left.has(target))) left.delete(file)
  }
  return [...left.keys()]
}

test('a circle is found', () => {
  const imports = new Map([['a', ['b']], ['b', ['c']], ['c', ['b', 'd']], ['d', []], ['e', ['d']]])
  assert.deepEqual(tied(imports), ['a', 'b', 'c'])
})

for (const [language, imports] of Object.entries({ TypeScript: typeScript(), Lua: lua() })) {
  test(`${language}: nothing runs in a circle`, () => {
    assert.ok([...imports.values()].flat().filter((target) => imports.has(target)).length > 100)
    assert.deepEqual(tied(imports), [])
  })
}
