import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fc } from '../testing/property.ts'
import { DecodeError } from './errors.ts'
import { jsonLines } from './json-lines.ts'

async function collect(chunks: Iterable<Uint8Array>, limit = 1000): Promise<unknown[]> {
  const stream = (async function* () {
    yield* chunks
  })()
  return Array.fromAsync(jsonLines(stream, limit))
}

function cut(bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const chunks: Uint8Array[] = []
  let rest = bytes
  for (const size of sizes) {
    chunks.push(rest.subarray(0, size))
    rest = rest.subarray(size)
  }
  return [...chunks, rest]
}

test('json lines: frames survive any cut, also inside a character', async () => {
  const values = fc.array(fc.jsonValue(), { maxLength: 8 })
  await fc.assert(
    fc.asyncProperty(values, fc.array(fc.nat(9), { maxLength: 60 }), async (frames, sizes) => {
      const text = frames.map((frame) => `${JSON.stringify(frame)}\n`).join('')
      const expected = text.split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as unknown)
      assert.deepEqual(await collect(cut(Buffer.from(text), sizes), 100_000), expected)
    }),
  )
})

test('json lines: a last line without its newline is ignored', async () => {
  assert.deepEqual(await collect([Buffer.from('{"a":1}\n{"b"')]), [{ a: 1 }])
})

test('json lines: empty lines and carriage returns are skipped', async () => {
  assert.deepEqual(await collect([Buffer.from('\n1\r\n\r\n2\n')]), [1, 2])
})

test('json lines: what is no JSON is a DecodeError that does not quote it', async () => {
  await assert.rejects(collect([Buffer.from('{"key": hunter2\n')]), (error) => {
    assert.ok(error instanceof DecodeError)
    assert.doesNotMatch(error.message, /hunter2/)
    return true
  })
})

test('json lines: a frame over the limit is refused before it is complete', async () => {
  const endless = (function* () {
    for (;;) yield Buffer.from('aaaaaaaaaa')
  })()
  await assert.rejects(collect(endless, 100), DecodeError)
  await assert.rejects(collect([Buffer.from(`"${'a'.repeat(200)}"\n`)], 100), DecodeError)
})
