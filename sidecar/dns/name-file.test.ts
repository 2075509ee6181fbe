import assert from 'node:assert/strict'
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { NameFile, readNameFile } from './name-file.ts'

async function place(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'resty-ingress-'))
  t.after(() => rm(folder, { recursive: true }))
  return join(folder, 'names.json')
}

test('what is kept is read again; what is not needed any more is not', async (t) => {
  const path = await place(t)
  const before = new Map([['b.example', ['198.18.0.2', '2001:db8::2']], ['old.example', ['198.18.0.9']]])
  const file = new NameFile(path, before, (error) => assert.fail(String(error)))
  file.keep('a.example', ['198.18.0.1'])
  await file.settled()
  file.keep('a.example', ['198.18.0.3'])
  file.keep('c.example', [])
  file.retain(['a.example', 'b.example'])
  await file.settled()
  const kept = new Map([['b.example', ['198.18.0.2', '2001:db8::2']], ['a.example', ['198.18.0.3']]])
  assert.deepEqual(await readNameFile(path), kept)
  assert.equal((await stat(path)).mode & 0o777, 0o600)
})

test('no file, or one that cannot be understood, is an empty one', async (t) => {
  const path = await place(t)
  assert.equal((await readNameFile(path)).size, 0)
  for (const text of ['', '{', 'null', '[]', '7']) {
    await writeFile(path, text)
    assert.equal((await readNameFile(path)).size, 0, text)
  }
  await writeFile(path, '{"a.example": [1, "198.18.0.1", null], "b.example": {"x": 1}}')
  assert.deepEqual(await readNameFile(path), new Map([['a.example', ['198.18.0.1']], ['b.example', []]]))
})

test('a file that cannot be written is told, and tried again', async (t) => {
  const path = join(await place(t), 'missing', 'names.json')
  let failures = 0
  const file = new NameFile(path, new Map(), () => (failures += 1))
  for (let i = 1; i <= 2; i += 1) {
    file.keep('a.example', [`198.18.0.${i}`])
    await file.settled()
    assert.equal(failures, i)
  }
})
