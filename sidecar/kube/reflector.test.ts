import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import fc from 'fast-check'
import { FakeApiServer } from './testing/fake-apiserver.ts'
import type { FakeRequest } from './testing/fake-apiserver.ts'
import { serverPicture, startReflector, until } from './testing/harness.ts'
import type { Harness } from './testing/harness.ts'

const SERVICES = '/api/v1/services'
const isWatch = ({ query }: FakeRequest): boolean => query.get('watch') === 'true'
const isList = (request: FakeRequest): boolean => !isWatch(request) && request.path === SERVICES

function put(server: FakeApiServer, name: string): void {
  server.store.put(SERVICES, { metadata: { namespace: 'prod', name } })
}

async function converged(harness: Harness): Promise<void> {
  const same = (): boolean => {
    const { picture, counters } = harness
    const server = serverPicture(harness.server, SERVICES)
    const equal = [...server].every(([key, version]) => picture.get(key) === version)
    return counters.lists > 0 && server.size === picture.size && equal
  }
  const describe = (): string => JSON.stringify({
    server: [...serverPicture(harness.server, SERVICES)],
    sink: [...harness.picture],
    counters: harness.counters,
    trouble: harness.troubles.at(-1)?.message,
  })
  await until(same, describe)
}

async function watching(harness: Harness): Promise<void> {
  await until(() => harness.server.watches.count > 0, () => 'a watch is open')
}

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
    check: ({ counters }) => assert.equal(counters.restarts.expired, 1),
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
    for (let index = 0; index < objects; index++) put(server, `before-${index}`)
    before?.(server)
    const harness = startReflector(server, SERVICES)
    context.after(() => harness.stop())
    await watching(harness)
    await fault?.(server, harness)
    put(server, 'after')
    server.store.remove(SERVICES, { namespace: 'prod', name: 'before-0' })
    await converged(harness)
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
  put(server, 'lost')
  await until(() => harness.counters.sinkErrors === 1, () => 'the sink threw')
  harness.throwing = false
  put(server, 'seen')
  await until(() => harness.picture.has('prod/seen'), () => 'the next change arrived')
  assert.equal(server.watches.opened, 1)
})

test('reflector: a field selector is sent with lists and watches', async (context) => {
  const server = await startServer(context)
  put(server, 'mine')
  put(server, 'other')
  const harness = startReflector(server, SERVICES, 'metadata.name=mine')
  context.after(() => harness.stop())
  await watching(harness)
  put(server, 'other')
  put(server, 'mine')
  await until(() => harness.counters.events === 1, () => 'the change arrived')
  assert.deepEqual([...harness.picture.keys()], ['prod/mine'])
})

test('reflector: the sink hears nothing after stop', async (context) => {
  const server = await startServer(context)
  const harness = startReflector(server, SERVICES)
  await watching(harness)
  await harness.stop()
  put(server, 'late')
  await until(() => server.watches.count === 0, () => 'the watch is closed')
  assert.equal(harness.picture.size, 0)
})

type Step = 'put' | 'remove' | 'drop' | 'end' | 'stall' | 'garbage' | 'compact' | 'bookmark' | 'busy' | 'reset' | 'turn'

const STEPS: readonly Step[] = [
  'put', 'remove', 'drop', 'end', 'stall', 'garbage', 'compact', 'bookmark', 'busy', 'reset', 'turn',
]

async function perform(step: Step, index: number, { server, time }: Harness): Promise<void> {
  const { store, watches } = server
  const actions: Record<Step, () => unknown> = {
    put: () => put(server, `s${index % 4}`),
    remove: () => store.remove(SERVICES, { namespace: 'prod', name: `s${index % 4}` }),
    drop: () => watches.drop(),
    end: () => watches.end(),
    stall: () => {
      watches.stall()
      time.passStallLimit()
    },
    // After a good frame: two bad ones in a row would rightly force a list.
    garbage: () => {
      watches.bookmark()
      watches.sendText('garbage\n')
    },
    compact: () => {
      server.goneAs = index % 2 === 0 ? 'status' : 'frame'
      store.compact()
    },
    bookmark: () => watches.bookmark(),
    busy: () => server.failNext({ status: index % 2 === 0 ? 429 : 500, retryAfter: 1 }),
    reset: () => server.failNext('reset'),
    turn: () => new Promise((resolve) => setTimeout(resolve, index % 5)),
  }
  await actions[step]()
}

test('reflector: whatever happens, the picture converges with the lists that 410 forces', async () => {
  const steps = fc.array(fc.constantFrom(...STEPS), { maxLength: 40 })
  await fc.assert(
    fc.asyncProperty(steps, fc.boolean(), async (sequence, slow) => {
      const server = await FakeApiServer.start()
      server.watches.slow = slow
      const harness = startReflector(server, SERVICES)
      try {
        for (const [index, step] of sequence.entries()) await perform(step, index, harness)
        server.clearFaults()
        harness.time.passStallLimit()
        // Whoever has seen this one has made the list that the last 410 asked for.
        put(server, 'last')
        await converged(harness)
        const { expired } = harness.counters.restarts
        // The server may say 410 more often: to a request that was given up before its answer came.
        assert.ok(expired <= server.gone)
        assert.equal(server.lists, 1 + expired)
      } finally {
        await harness.stop()
        await server.shutDown()
      }
    }),
    { numRuns: 150 },
  )
})

async function startServer(context: TestContext): Promise<FakeApiServer> {
  const server = await FakeApiServer.start()
  context.after(() => server.shutDown())
  return server
}
