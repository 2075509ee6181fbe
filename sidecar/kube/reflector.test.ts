import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { FakeApiServer } from './testing/fake-apiserver.ts'
import type { FakeRequest } from './testing/fake-apiserver.ts'
import { converged, put, startReflector, until, watching } from './testing/harness.ts'
import type { Harness } from './testing/harness.ts'

const SERVICES = '/api/v1/services'
const isWatch = ({ query }: FakeRequest): boolean => query.get('watch') === 'true'
const isList = (request: FakeRequest): boolean => !isWatch(request) && request.path === SERVICES

interface Case {
  readonly name: string
  readonly objects?: number
  readonly before?: (server: FakeApiServer) => void
  readonly fault?: (server: FakeApiServer, harness: Harness) => void | Promise<void>
  readonly lists: number
  readonly check?: (harness: Harness) => void
}

const CASES: readonly Case[] = [
  { name: 'follows changes', lists: 1 },
  {
    name: 'pages a long list',
    objects: 1201,
    lists: 1,
    check: ({ server }) => {
      assert.deepEqual(server.requests.filter(isList).map(({ query }) => query.get('limit')), ['500', '500', '500'])
    },
  },
  {
    name: 'an expired continue token starts the list over, whole',
    objects: 1201,
    before: (server) => server.failNext({ status: 410, reason: 'Expired' }, ({ query }) => query.has('continue')),
    lists: 2,
    check: ({ server }) => {
      assert.equal(server.requests.filter(isList).at(-1)?.query.has('limit'), false)
    },
  },
  {
    name: 'a failed page is asked for again, not the whole list',
    objects: 1201,
    before: (server) => server.failNext({ status: 500 }, ({ query }) => query.has('continue')),
    lists: 1,
  },
  { name: 'resumes a watch that the server ended', fault: ({ watches }) => watches.end(), lists: 1 },
  {
    name: 'resumes a dropped watch',
    fault: ({ watches }) => watches.drop(),
    lists: 1,
    check: ({ counters }) => assert.equal(counters.restarts.dropped, 1),
  },
  {
    name: 'replaces a stalled watch',
    fault: ({ watches }, { time }) => {
      watches.stall()
      time.passStallLimit()
    },
    lists: 1,
    check: ({ counters }) => assert.equal(counters.restarts.stalled, 1),
  },
  {
    name: 'a frame that is no JSON ends the watch, which is resumed',
    fault: ({ watches }) => watches.sendText('{"type": }\n'),
    lists: 1,
    check: ({ counters }) => assert.equal(counters.restarts.undecodable, 1),
  },
  {
    name: 'a frame of a wrong shape ends the watch, which is resumed',
    fault: ({ watches }) => watches.sendText('{"type":"ADDED","object":{"metadata":{"resourceVersion":"9"}}}\n[]\n'),
    lists: 1,
  },
  {
    name: 'a history that cannot be decoded twice is skipped by a list',
    fault: async (server, harness) => {
      for (const times of [1, 2]) {
        await until(() => server.watches.opened === times, () => `watch ${times} is open`)
        server.watches.sendText('garbage\n')
        await until(() => harness.counters.restarts.undecodable === times, () => `garbage seen ${times} times`)
      }
    },
    lists: 2,
  },
  {
    name: '410 as HTTP status lists again',
    fault: (server) => {
      server.store.compact()
      server.watches.drop()
    },
    lists: 2,
    check: ({ counters, troubles }) => {
      assert.equal(counters.restarts.expired, 1)
      assert.deepEqual(troubles, [])
    },
  },
  {
    name: '410 as ERROR frame lists again',
    fault: (server) => {
      server.goneAs = 'frame'
      server.store.compact()
      server.watches.end()
    },
    lists: 2,
  },
  {
    name: 'another ERROR frame does not list again',
    fault: ({ watches }) => watches.fail({ kind: 'Status', code: 500, reason: 'InternalError', message: 'no' }),
    lists: 1,
  },
  {
    name: 'a bookmark saves the list after a compaction',
    fault: async (server, { counters }) => {
      server.store.compact()
      server.watches.bookmark()
      await until(() => counters.bookmarks === 1, () => 'the bookmark arrived')
      server.watches.drop()
    },
    lists: 1,
  },
  {
    name: '429 waits as long as the server asks',
    before: (server) => {
      server.failNext({ status: 429, retryAfter: 7 }, isList)
      server.failNext({ status: 429, retryAfter: 8 }, isWatch)
    },
    lists: 1,
    check: ({ time }) => assert.deepEqual(time.waited, [7000, 8000]),
  },
  {
    name: 'a list cut off in the middle is asked for again',
    before: (server) => {
      server.failNext('garbage', isList)
      server.failNext('reset', isList)
    },
    lists: 1,
  },
  {
    name: '403 is retried until it is allowed',
    before: (server) => [1, 2, 3].forEach(() => server.failNext({ status: 403, reason: 'Forbidden' }, isList)),
    lists: 1,
    check: ({ troubles }) => assert.equal(troubles.length, 3),
  },
  {
    name: 'a server that is away is waited for, and resumed',
    fault: async (server, harness) => {
      await server.shutDown()
      await until(() => harness.counters.restarts.dropped > 0, () => 'the outage was noticed')
      await server.listen()
    },
    lists: 1,
  },
]

for (const { name, objects = 3, before, fault, lists, check } of CASES) {
  test(`reflector: ${name}`, async (context) => {
    const server = await startServer(context)
    for (let index = 0; index < objects; index++) put(server, SERVICES, `before-${index}`)
    before?.(server)
    const harness = startReflector(server, SERVICES)
    context.after(() => harness.stop())
    await watching(harness)
    await fault?.(server, harness)
    put(server, SERVICES, 'after')
    server.store.remove(SERVICES, { namespace: 'prod', name: 'before-0' })
    await converged(harness, SERVICES)
    assert.equal(server.lists, lists)
    check?.(harness)
  })
}

test('reflector: a sink that throws does not stop it', async (context) => {
  const server = await startServer(context)
  const harness = startReflector(server, SERVICES)
  context.after(() => harness.stop())
  await watching(harness)
  harness.throwing = true
  put(server, SERVICES, 'lost')
  await until(() => harness.counters.sinkErrors === 1, () => 'the sink threw')
  harness.throwing = false
  put(server, SERVICES, 'seen')
  await until(() => harness.picture.has('prod/seen'), () => 'the next change arrived')
  assert.equal(server.watches.opened, 1)
})

test('reflector: only a watch that brought nothing and ended at once has to wait', async (context) => {
  const server = await startServer(context)
  const harness = startReflector(server, SERVICES, { timing: { shortWatch: Infinity } })
  context.after(() => harness.stop())
  await watching(harness)
  server.watches.bookmark()
  server.watches.end()
  await until(() => server.watches.opened === 2, () => 'the watch is open again')
  assert.deepEqual(harness.troubles, [])
  server.watches.end()
  await until(() => server.watches.opened === 3, () => 'the watch is open again')
  assert.deepEqual(harness.troubles.map(({ message }) => message), ['the watch ended as soon as it was open'])
})

test('reflector: a field selector is sent with lists and watches', async (context) => {
  const server = await startServer(context)
  put(server, SERVICES, 'mine')
  put(server, SERVICES, 'other')
  const harness = startReflector(server, SERVICES, { fieldSelector: 'metadata.name=mine' })
  context.after(() => harness.stop())
  await watching(harness)
  put(server, SERVICES, 'other')
  put(server, SERVICES, 'mine')
  await until(() => harness.counters.events === 1, () => 'the change arrived')
  assert.deepEqual([...harness.picture.keys()], ['prod/mine'])
})

test('reflector: the sink hears nothing after stop', async (context) => {
  const server = await startServer(context)
  const harness = startReflector(server, SERVICES)
  await watching(harness)
  await harness.stop()
  put(server, SERVICES, 'late')
  await until(() => server.watches.count === 0, () => 'the watch is closed')
  assert.equal(harness.picture.size, 0)
})

async function startServer(context: TestContext): Promise<FakeApiServer> {
  const server = await FakeApiServer.start()
  context.after(() => server.shutDown())
  return server
}
