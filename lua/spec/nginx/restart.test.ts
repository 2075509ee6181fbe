/** OpenResty alone, started again: it serves what it served, or says why not. */
import assert from 'node:assert/strict'
import {
  appendFileSync, existsSync, lstatSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, symlinkSync,
  truncateSync, writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { backend, endpoints, host, route } from './backends.ts'
import { ask } from './client.ts'
import { everySetup, everyVariant, serve, start, until, type DataPlane, type Json, type Setup, type StartOptions } from './harness.ts'

const HOST = 'host/default/a.example'
const BACKEND = 'backend/test/web/80'

function fileOf(plane: DataPlane): string {
  return join(plane.folder, 'records.log')
}

async function again(
  test: TestContext, setup: Setup, plane: DataPlane, options: StartOptions = {},
): Promise<DataPlane> {
  await plane.stop('SIGKILL')
  const next = await start(setup.variant, { ...options, folder: plane.folder })
  test.after(() => next.stop())
  return next
}

async function patch(plane: DataPlane, set: Json, remove: readonly string[] = []): Promise<number> {
  const { revision } = await plane.status()
  const answer = await plane.call('PATCH', '/v1/records', { base: revision, set, delete: remove })
  assert.equal(answer.status, 200, answer.text)
  return answer.body.revision
}

async function digests(plane: DataPlane): Promise<unknown> {
  return (await plane.call('GET', '/v1/records')).body
}

function hosts(count: number, path = '/'): Json {
  return Object.fromEntries(Array.from({ length: count }, (_, i) =>
    [`host/default/h${i}.example`, host([route({ path })])]))
}

/** Nothing of ours but these. */
function leftovers(plane: DataPlane): readonly string[] {
  return readdirSync(plane.folder).filter((name) => /\.(new|refused|previous)$/.test(name))
}

everySetup('restart', (setup) => {
  test('killed and started alone it serves the last records with the last configuration', async (t) => {
    const { plane, http } = await serve(t, setup)
    const web = await backend(t, 'web')
    await plane.put({ [HOST]: host([route()]), [BACKEND]: endpoints(), ...hosts(3) })
    await patch(plane, { [BACKEND]: endpoints(web) })
    await patch(plane, {}, ['host/default/h1.example'])
    const before = await digests(plane)
    const { config_hash: hash, instance } = await plane.status()

    const next = await again(t, setup, plane)
    assert.equal((await ask(http)).status, 200)
    assert.equal((await ask(http, { host: 'h0.example' })).status, 200)
    assert.equal((await ask(http, { host: 'h1.example' })).status, 404)
    assert.deepEqual(await digests(next), before)
    const status = await next.status()
    assert.equal(status.config_hash, hash)
    assert.equal(status.revision, 3)
    assert.notEqual(status.instance, instance)
    const { age_seconds: age, ...restored } = status.restored ?? {}
    assert.deepEqual(restored, { revision: 3, records: 4, refused_records: 0 })
    assert.ok(age !== undefined && age >= 0)
    assert.equal(statSync(fileOf(next)).mode & 0o777, 0o600)
    assert.deepEqual(leftovers(next), [])
    assert.deepEqual(next.errors().filter((line) => !/Address already in use/.test(line)), [])
  })

  test('what is pushed after a restart is there after the next one', async (t) => {
    const { plane } = await serve(t, setup)
    await plane.put(hosts(3))
    const second = await again(t, setup, plane)
    assert.equal(await patch(second, { [BACKEND]: endpoints() }, ['host/default/h0.example']), 2)
    const before = await digests(second)
    const third = await again(t, setup, second)
    assert.deepEqual(await digests(third), before)
  })

  test('a reload, and `nginx -t` beside it, read nothing again', async (t) => {
    const served = await serve(t, setup)
    const { plane } = served
    await plane.put(hosts(2))
    await patch(plane, {}, ['host/default/h0.example'])
    const before = await digests(plane)
    const size = statSync(fileOf(plane)).size
    assert.equal((await plane.configure({ ...served.fixture, salt: 'again' })).status, 200)
    assert.deepEqual(await digests(plane), before)
    assert.equal(statSync(fileOf(plane)).size, size)
    assert.equal((await plane.status()).restored, undefined)
  })

  test('a push of which only a part was written is left out; later ones go on behind it', async (t) => {
    const { plane } = await serve(t, setup)
    await plane.put(hosts(2))
    const before = await digests(plane)
    const { size } = statSync(fileOf(plane))
    await patch(plane, { [BACKEND]: endpoints() })
    await plane.stop('SIGKILL')
    truncateSync(fileOf(plane), statSync(fileOf(plane)).size - 3)
    const second = await again(t, setup, plane)
    assert.deepEqual(await digests(second), before)
    assert.equal(statSync(fileOf(second)).size, size)
    await patch(second, { [BACKEND]: endpoints() })
    const third = await again(t, setup, second)
    assert.equal((await third.status()).restored?.revision, 2)
    assert.deepEqual(leftovers(third), [])
  })

  const damages: readonly [string, RegExp, (path: string) => void][] = [
    ['a byte is another one', /damaged/, (path) => {
      const bytes = readFileSync(path)
      bytes[Math.floor(bytes.length / 2)]! ^= 1
      writeFileSync(path, bytes)
    }],
    ['a piece is missing', /damaged/, (path) => {
      const bytes = readFileSync(path)
      writeFileSync(path, Buffer.concat([bytes.subarray(0, 200), bytes.subarray(300)]))
    }],
    ['it is empty', /no file of records/, (path) => truncateSync(path, 0)],
    ['it is another file', /no file of records/, (path) => writeFileSync(path, 'hello\n')],
    ['it is of a newer version', /another version/, (path) => writeFileSync(path, 'resty-ingress records 2\n')],
    ['something stands behind it', /damaged/, (path) => appendFileSync(path, 'x\n')],
  ]
  for (const [what, reason, damage] of damages) {
    test(`a file that cannot be trusted is set aside and said: ${what}`, async (t) => {
      const { plane, http } = await serve(t, setup)
      await plane.put(hosts(20))
      await patch(plane, hosts(5, '/changed'))
      await plane.stop('SIGKILL')
      damage(fileOf(plane))
      const next = await again(t, setup, plane)
      const status = await next.status()
      assert.match(status.restored?.refused ?? '', reason)
      assert.equal(status.revision, 0)
      assert.deepEqual((await digests(next) as { digests: object }).digests, {})
      assert.equal((await ask(http, { host: 'h0.example' })).status, 503)
      assert.deepEqual(leftovers(next), ['records.log.refused'])
      assert.match(next.errors().join('\n'), /the records of the last time are not used/)
      await next.put(hosts(2))
      const third = await again(t, setup, next)
      assert.equal((await third.status()).restored?.records, 2)
    })
  }

  test('the file is no way around the rules: what a push could not bring is left out', async (t) => {
    const { plane, http } = await serve(t, setup)
    const web = await backend(t, 'web')
    await plane.put({ [HOST]: host([route()]), [BACKEND]: endpoints(web), 'backend/test/far/80': endpoints(['198.18.0.8', 80]) })
    const next = await again(t, setup, plane, { env: { RESTY_INGRESS_ALLOW_LOOPBACK: '0' } })
    const status = await next.status()
    assert.equal(status.restored?.records, 2)
    assert.equal(status.restored?.refused_records, 1)
    assert.equal((await ask(http)).status, 503)
    assert.match(next.log, /is left out: backend\/test\/web\/80: .*loopback/)
  })

  test('records that have no room any more are not half there', async (t) => {
    const { plane } = await serve(t, setup)
    await plane.put(hosts(2000, `/${'x'.repeat(500)}`))
    const next = await again(t, setup, plane, { env: { RESTY_INGRESS_RECORDS_SIZE: '1m' } })
    const status = await next.status()
    assert.match(status.restored?.refused ?? '', /too small/)
    assert.deepEqual((await digests(next) as { digests: object }).digests, {})
    assert.equal((await next.call('PUT', '/v1/records', { set: hosts(10) })).status, 200)
  })

  test('what was appended is merged into a new snapshot when it outgrows the last', async (t) => {
    const { plane } = await serve(t, setup)
    const path = `/${'x'.repeat(2000)}`
    await plane.put(hosts(500, path))
    // Together more than 5 MB.
    for (let round = 0; round < 4; round += 1) await patch(plane, hosts(500, `${path}${round}`))
    await until('a snapshot', () => statSync(fileOf(plane)).size < 2_500_000 && leftovers(plane).length === 0)
    await patch(plane, {}, ['host/default/h0.example'])
    const before = await digests(plane)
    const next = await again(t, setup, plane)
    assert.deepEqual(await digests(next), before)
    assert.equal((await next.status()).restored?.revision, 6)
    assert.deepEqual(plane.errors(), [])
  })

  test('a full disk: the push that could not be appended is in the file that is written instead', async (t) => {
    const { plane } = await serve(t, setup)
    await plane.put(hosts(3))
    rmSync(fileOf(plane))
    symlinkSync('/dev/full', fileOf(plane))
    await patch(plane, hosts(4))
    await until('it is written', async () => {
      const isThere = existsSync(fileOf(plane)) && !lstatSync(fileOf(plane)).isSymbolicLink()
      return isThere && (await plane.status()).record_file.trouble === undefined
    })
    assert.match(plane.log, /No space left on device/)
    const before = await digests(plane)
    const next = await again(t, setup, plane)
    assert.deepEqual(await digests(next), before)
  })

  test('a file that lacks a push goes: what it would bring back may have been closed since', async (t) => {
    const { plane } = await serve(t, setup)
    await plane.put(hosts(3))
    // Nor can a new one be written.
    mkdirSync(`${fileOf(plane)}.new/in-the-way`, { recursive: true })
    rmSync(fileOf(plane))
    symlinkSync('/dev/full', fileOf(plane))
    await patch(plane, hosts(4))
    assert.equal(existsSync(fileOf(plane)), false)
    const next = await again(t, setup, plane)
    assert.equal((await next.status()).restored, undefined)
  })

  test('pushes that come while a snapshot is written are in it', async (t) => {
    const { plane } = await serve(t, setup)
    const path = `/${'x'.repeat(1000)}`
    await plane.put(hosts(4000, path))
    for (let round = 0; round < 60; round += 1) {
      await patch(plane, { [`host/default/h${round}.example`]: host([route({ path: `/${round}` })]) }, [`host/default/h${round + 100}.example`])
    }
    await until('the snapshot is done', () => !existsSync(`${fileOf(plane)}.new`))
    const before = await digests(plane)
    const next = await again(t, setup, plane)
    assert.deepEqual(await digests(next), before)
    assert.deepEqual(plane.errors(), [])
  })
})

// It waits for the next attempt to write.
everyVariant('the file of the records', (setup) => {
  test('a file that cannot be written is said, and stops nothing; when it can, it is whole', async (t) => {
    const { plane, http } = await serve(t, setup)
    const web = await backend(t, 'web')
    await plane.put({ [HOST]: host([route()]), [BACKEND]: endpoints() })
    rmSync(fileOf(plane))
    mkdirSync(join(fileOf(plane), 'in-the-way'), { recursive: true })
    await patch(plane, { [BACKEND]: endpoints(web) })
    await until('it is said', async () => /directory/.test((await plane.status()).record_file.trouble ?? ''))
    assert.equal((await ask(http)).status, 200)
    await patch(plane, hosts(3))
    // An attempt may be under way.
    await until('nothing is left', () => leftovers(plane).length === 0)
    rmSync(fileOf(plane), { recursive: true })
    await until('it is written', async () => (await plane.status()).record_file.trouble === undefined)
    const before = await digests(plane)
    const next = await again(t, setup, plane)
    assert.deepEqual(await digests(next), before)
  })
})
