/** Users of Secrets: what of a htpasswd file counts, and that no message holds any of it. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { KubeObject } from '../../collection/objects.ts'
import type { HtpasswdForm } from '../../ir/htpasswd.ts'
import { fc } from '../../testing/property.ts'
import { readHtpasswd, type HtpasswdReading } from './htpasswd.ts'
import { hashProblem } from './password-hash.ts'

const HASH = '$apr1$abcdefgh$h9FWgUz3n9YxylKLlR5SQ/'
const OTHER = '{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ='

function read(data: Readonly<Record<string, string | Buffer>>, form: HtpasswdForm = 'auth-file', allowPlain = false): HtpasswdReading {
  const encoded = Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')])
  const metadata = { namespace: 'prod', name: 'users' }
  return readHtpasswd({ apiVersion: 'v1', kind: 'Secret', metadata, data: Object.fromEntries(encoded) } as KubeObject, form, allowPlain)
}

function users({ users: found }: HtpasswdReading): unknown {
  return found === undefined ? undefined : JSON.parse(found.hashes.reveal())
}

test('a file has a name and a hash in each line', () => {
  const reading = read({ auth: `# all\r\n\nalice:${HASH}\r\n  \nélise d'Arc:${OTHER}:a comment: here` })
  assert.deepEqual([users(reading), reading.problems], [{ alice: HASH, "élise d'Arc": OTHER }, []])
})

test('a bad line costs itself; the first of one name counts', () => {
  const reading = read({ auth: `alice:${HASH}\nnobody\n:${HASH}\nbob:hidden\nalice:${OTHER}\ncarol:{PLAIN}hidden\n${'x'.repeat(300)}:${HASH}` })
  assert.deepEqual(users(reading), { alice: HASH })
  assert.deepEqual(reading.problems.map((problem) => /^line \d/.exec(problem)?.[0]), ['line 2', 'line 3', 'line 4', 'line 5', 'line 6', 'line 7'])
})

test('a map has a user in each key; one line feed at the end is none of the hash', () => {
  const reading = read({ alice: `${HASH}\n`, bob: OTHER, carol: `${OTHER}\n\n`, dave: Buffer.from([0xff]) }, 'auth-map')
  assert.deepEqual(users(reading), { alice: HASH, bob: OTHER })
  assert.equal(reading.problems.length, 2)
})

test('plain text where it is allowed', () => {
  assert.deepEqual(users(read({ auth: 'alice:{PLAIN}open: sesame' }, 'auth-file', true)), { alice: '{PLAIN}open' }, 'as NGINX')
  assert.deepEqual(users(read({ alice: '{PLAIN}open: sesame' }, 'auth-map', true)), { alice: '{PLAIN}open: sesame' })
  assert.equal(users(read({ alice: '{PLAIN}' }, 'auth-map', true)), undefined)
})

test('nobody to let in', () => {
  for (const data of [{}, { auth: '' }, { auth: '# nobody\n' }, { auth: 'hidden' }, { auth: Buffer.from([0xff]) }, { AUTH: `a:${HASH}` }]) {
    const reading = read(data)
    assert.equal(users(reading), undefined)
    assert.notDeepEqual(reading.problems, [])
  }
  assert.equal(users(read({}, 'auth-map')), undefined)
})

test('no message holds text of the Secret, and there are few', () => {
  const lines = Array.from({ length: 50 }, (_, i) => `hidden${i}:hidden${i}`).join('\n')
  for (const reading of [read({ auth: lines }), read({ hidden: 'hidden', 'hidden-too': '$2y$10$hidden' }, 'auth-map')]) {
    assert.doesNotMatch(JSON.stringify(reading), /hidden/)
    assert.ok(reading.problems.length <= 12)
  }
  assert.doesNotMatch(JSON.stringify(read({ auth: `hidden:${HASH}` })), /hidden|apr1/)
})

test('names that are members of every object are names', () => {
  const reading = read({ auth: `__proto__:${HASH}\nconstructor:${OTHER}` })
  assert.deepEqual(Object.entries(users(reading) as object), [['__proto__', HASH], ['constructor', OTHER]])
})

/** lua/spec/pure/password_hash_spec.lua has the same cases: both sides agree. */
const CASES = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../../lua/spec/pure/password-hash-cases.json'), 'utf8'),
) as readonly { readonly hash: string; readonly scheme?: string }[]

test('hashes that can be checked, at a cost that is bearable', () => {
  for (const { hash, scheme } of CASES) assert.equal(hashProblem(hash, false) === undefined, scheme !== undefined, hash)
})

test('whatever stands in a Secret: names and hashes that can be checked, and findings that hold nothing of it', () => {
  const line = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom(...CASES.map(({ hash }) => `marker:${hash}`)))
  fc.assert(fc.property(fc.array(line), fc.boolean(), (lines, allowPlain) => {
    const reading = read({ auth: lines.map((it) => `marker${it}`).join('\n') }, 'auth-file', allowPlain)
    const found = Object.entries((users(reading) ?? {}) as Record<string, string>)
    for (const [name, hash] of found) {
      assert.doesNotMatch(name, /[\p{Cc}:]/u)
      assert.equal(hashProblem(hash, allowPlain), undefined)
    }
    assert.doesNotMatch(JSON.stringify(reading), /marker/)
  }))
})
