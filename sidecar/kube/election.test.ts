import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { fields, text } from '../util/field.ts'
import { LeaderElection } from './election.ts'
import { LEASE, collectionPath } from './resource.ts'
import { FakeApiServer } from './testing/fake-apiserver.ts'
import { FAST_PROBE, recordingLogger, until } from './testing/harness.ts'
import { ApiTransport } from './transport.ts'

const LEASES = collectionPath(LEASE)
const NAME = { namespace: 'ours', name: 'leader' }
const SECONDS = 10
/** Milliseconds for which a leader goes on without a renewal. */
const RENEW_DEADLINE = (SECONDS * 1000 * 2) / 3

/** Time that the test drives. A replica has its own, so that it can be frozen while the others go on. */
class Clock {
  now = 0
  readonly #waiters = new Set<{ readonly at: number; readonly end: () => void }>()

  readonly monotonic = (): number => this.now
  readonly date = (): Date => new Date(this.now)
  readonly wait = async (milliseconds: number, signal: AbortSignal): Promise<void> => {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const waiter = { at: this.now + milliseconds, end: resolve }
    this.#waiters.add(waiter)
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    await promise.finally(() => this.#waiters.delete(waiter))
  }

  get idle(): boolean {
    return this.#waiters.size > 0
  }

  /** Moves on to the next thing that waits, but not further than so many milliseconds. */
  step(most: number): number {
    const next = Math.max(0, Math.min(...[...this.#waiters].map(({ at }) => at - this.now), most))
    this.now += next
    for (const waiter of this.#waiters) {
      if (waiter.at > this.now) continue
      this.#waiters.delete(waiter)
      waiter.end()
    }
    return next
  }
}

interface Replica {
  readonly clock: Clock
  readonly election: LeaderElection
  readonly changes: boolean[]
  /** Cuts it off from the server, or connects it again. */
  readonly network: { cut: boolean }
}

interface Setup {
  readonly server: FakeApiServer
  readonly replica: (identity: string) => Promise<Replica>
  /** Lets so many milliseconds pass for these replicas. */
  readonly pass: (milliseconds: number, ...replicas: readonly Replica[]) => Promise<void>
  readonly spec: () => Readonly<Record<string, unknown>>
}

async function setUp(context: TestContext): Promise<Setup> {
  const server = await FakeApiServer.start()
  const transports: ApiTransport[] = []
  const elections: LeaderElection[] = []
  context.after(async () => {
    await Promise.all(elections.map((each) => each.stop()))
    await Promise.all(transports.map((each) => each.close()))
    await server.shutDown()
  })
  const replica = async (identity: string): Promise<Replica> => {
    const transport = new ApiTransport(server.kubeConfig(), FAST_PROBE)
    const clock = new Clock()
    const changes: boolean[] = []
    const network = { cut: false }
    const json: ApiTransport['json'] = (request) => {
      return network.cut ? Promise.reject(new Error('no answer')) : transport.json(request)
    }
    const election = new LeaderElection({
      transport: { json } as ApiTransport,
      log: recordingLogger().log,
      lease: NAME,
      identity,
      seconds: SECONDS,
      changed: (leading) => changes.push(leading),
      clock,
    })
    transports.push(transport)
    elections.push(election)
    election.start()
    await until(() => clock.idle, () => `${identity} has tried`)
    return { clock, election, changes, network }
  }
  const pass = async (milliseconds: number, ...replicas: readonly Replica[]): Promise<void> => {
    for (let left = milliseconds; left > 0;) {
      const step = Math.min(left, 500)
      for (const { clock } of replicas) {
        for (let rest = step; rest > 0; rest -= clock.step(rest)) await until(() => clock.idle, () => 'it has tried')
        await until(() => clock.idle, () => 'it has tried')
      }
      left -= step
    }
  }
  const spec = (): Readonly<Record<string, unknown>> => fields(server.store.get(LEASES, NAME)?.['spec'])
  return { server, replica, pass, spec }
}

function leaders(...replicas: readonly Replica[]): number[] {
  return replicas.flatMap(({ election }, index) => (election.isLeading() ? [index] : []))
}

test('election: the first replica leads, and goes on as long as it renews', async (context) => {
  const { replica, pass, spec } = await setUp(context)
  const first = await replica('pod-1')
  const second = await replica('pod-2')
  assert.deepEqual(leaders(first, second), [0])
  await pass(60_000, first, second)
  assert.deepEqual(leaders(first, second), [0])
  assert.deepEqual(first.changes, [true])
  assert.deepEqual(second.changes, [])
  assert.equal(spec()['holderIdentity'], 'pod-1')
  assert.equal(spec()['leaseDurationSeconds'], SECONDS)
  assert.equal(spec()['leaseTransitions'], 0)
  assert.equal(spec()['acquireTime'], '1970-01-01T00:00:00.000000Z')
  assert.match(text(spec()['renewTime']), /^1970-01-01T00:00:[0-9]{2}\.[0-9]{6}Z$/)
})

test('election: after a leader that died another one leads, not before its lease has ended', async (context) => {
  const { replica, pass, spec } = await setUp(context)
  await replica('pod-1')
  const second = await replica('pod-2')
  await pass(SECONDS * 1000 - 1, second)
  assert.deepEqual(leaders(second), [])
  await pass(1, second)
  assert.deepEqual(leaders(second), [0])
  assert.equal(spec()['holderIdentity'], 'pod-2')
  assert.equal(spec()['leaseTransitions'], 1)
})

test('election: a leader that cannot renew stops before another one may begin', async (context) => {
  const { replica, pass } = await setUp(context)
  const first = await replica('pod-1')
  const second = await replica('pod-2')
  first.network.cut = true
  await pass(RENEW_DEADLINE - 1, first, second)
  assert.deepEqual(leaders(first, second), [0])
  assert.ok(!first.election.term.aborted)
  await pass(2, first, second)
  assert.deepEqual(leaders(first, second), [])
  assert.ok(first.election.term.aborted)
  assert.deepEqual(first.changes, [true, false])
  await pass(SECONDS * 1000, first, second)
  first.network.cut = false
  await pass(SECONDS * 1000, first, second)
  assert.deepEqual(leaders(first, second), [1])
})

test('election: a leader that was frozen knows by the clock, before it has done anything', async (context) => {
  const { replica, pass, server } = await setUp(context)
  const first = await replica('pod-1')
  const second = await replica('pod-2')
  await pass(SECONDS * 1000, second)
  first.clock.now += SECONDS * 1000
  assert.deepEqual(leaders(first, second), [1])
  const before = server.requests.length
  await pass(SECONDS * 1000, first, second)
  assert.deepEqual(leaders(first, second), [1])
  assert.deepEqual(first.changes, [true, false])
  const holders = server.requests.slice(before).map(({ body }) => fields(fields(body)['spec'])['holderIdentity'])
  assert.ok(holders.includes('pod-2'))
  assert.ok(!holders.includes('pod-1'), 'it looks first, and finds whose the lease is')
})

test('election: times in the lease mean nothing, only that it changes', async (context) => {
  const { server, replica, pass } = await setUp(context)
  const spec = { holderIdentity: 'other', leaseDurationSeconds: 20, renewTime: '1999-01-01T00:00:00.000000Z' }
  server.store.put(LEASES, { metadata: NAME, spec })
  const ours = await replica('pod-1')
  await pass(19_000, ours)
  assert.deepEqual(leaders(ours), [])
  server.store.put(LEASES, { metadata: NAME, spec: { ...spec, renewTime: '1998-01-01T00:00:00.000000Z' } })
  await pass(19_000, ours)
  assert.deepEqual(leaders(ours), [])
  await pass(6_000, ours)
  assert.deepEqual(leaders(ours), [0])
})

test('election: a lease of our own name is taken up at once: it is that of the run before', async (context) => {
  const { server, replica, spec } = await setUp(context)
  const spec0 = { holderIdentity: 'pod-1', leaseDurationSeconds: SECONDS, leaseTransitions: 4 }
  server.store.put(LEASES, { metadata: { ...NAME, annotations: { kept: 'yes' } }, spec: spec0 })
  const ours = await replica('pod-1')
  assert.deepEqual(leaders(ours), [0])
  assert.equal(spec()['leaseTransitions'], 4)
  assert.deepEqual(server.store.get(LEASES, NAME)?.metadata['annotations'], { kept: 'yes' })
})

test('election: one that stops gives the lease back, and the next need not wait', async (context) => {
  const { replica, pass, spec } = await setUp(context)
  const first = await replica('pod-1')
  const second = await replica('pod-2')
  await first.election.stop()
  assert.deepEqual(leaders(first, second), [])
  assert.equal(spec()['holderIdentity'], '')
  await pass(2_500, second)
  assert.deepEqual(leaders(second), [0])
  assert.deepEqual(first.changes, [true, false])
})

test('election: one that leaves does not begin to lead, but goes on while it does', async (context) => {
  const { replica, pass } = await setUp(context)
  const first = await replica('pod-1')
  const second = await replica('pod-2')
  for (const { election } of [first, second]) election.leave()
  await pass(20_000, first, second)
  assert.deepEqual(leaders(first, second), [0])
  await pass(60_000, second)
  assert.deepEqual(leaders(second), [])
})

test('election: of several that try at once one wins', async (context) => {
  const { replica } = await setUp(context)
  const all = await Promise.all(['pod-1', 'pod-2', 'pod-3', 'pod-4'].map(replica))
  assert.equal(leaders(...all).length, 1)
})

test('election: a change of the lease by others, and its deletion, do not end a term', async (context) => {
  const { server, replica, pass, spec } = await setUp(context)
  const ours = await replica('pod-1')
  const lease = server.store.get(LEASES, NAME)
  assert.ok(lease)
  server.store.put(LEASES, { ...lease, metadata: { ...NAME, annotations: { by: 'someone' } } })
  await pass(20_000, ours)
  server.store.remove(LEASES, NAME)
  await pass(20_000, ours)
  assert.deepEqual(ours.changes, [true])
  assert.equal(spec()['holderIdentity'], 'pod-1')
})
