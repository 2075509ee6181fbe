import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import type { Finding } from '../ir/origin.ts'
import { EventWriter } from './events.ts'
import { LeaderApi } from './leadership.ts'
import { FakeApiServer } from './testing/fake-apiserver.ts'
import { FAST_PROBE, TestLeadership, recordingLogger, until } from './testing/harness.ts'
import type { LogLine } from './testing/harness.ts'
import { ApiTransport } from './transport.ts'
import type { Wait } from './wait.ts'

const EVENTS = '/api/v1/events'
const REST = 60_000

function finding(message: string, origin: Partial<Finding['origin']> = {}): Finding {
  const shop = { kind: 'Ingress', namespace: 'prod', name: 'shop', uid: 'u1', field: 'spec.rules[0].host' }
  return { origin: { ...shop, ...origin }, severity: 'warning', reason: 'BadHost', message }
}

interface Setup {
  readonly server: FakeApiServer
  readonly lines: LogLine[]
  readonly leadership: TestLeadership
  /** A writer as after a restart of the controller. */
  readonly writer: () => EventWriter
  readonly endRests: () => void
  readonly counts: () => unknown[]
  readonly writes: () => string[]
  /** Moves the clocks: the date, and the milliseconds that passed. */
  readonly clock: { time: string; passed: number }
}

async function setUp(context: TestContext): Promise<Setup> {
  const server = await FakeApiServer.start()
  const transport = new ApiTransport(server.kubeConfig(), FAST_PROBE)
  const { lines, log } = recordingLogger()
  const leadership = new TestLeadership()
  const rests = new Set<() => void>()
  const clock = { time: '2026-01-02T03:04:05.678Z', passed: 0 }
  const writers: EventWriter[] = []
  const wait: Wait = async (milliseconds) => {
    if (milliseconds === REST) await new Promise<void>((resolve) => rests.add(resolve))
  }
  context.after(async () => {
    await Promise.all(writers.map((each) => each.stop()))
    await transport.close()
    await server.shutDown()
  })
  return {
    server,
    lines,
    leadership,
    clock,
    writer: () => {
      const timing = { spacing: 0, rest: REST, backoffMin: 1, backoffMax: 2, wait }
      const times = { date: () => new Date(clock.time), monotonic: () => clock.passed }
      const writer = new EventWriter({ api: new LeaderApi(transport, leadership), log, instance: 'pod-1', clock: times, timing })
      writers.push(writer)
      return writer
    },
    endRests: () => {
      for (const end of rests) end()
      rests.clear()
    },
    counts: () => server.store.list(EVENTS).map((event) => event['count']),
    writes: () => server.requests.filter(({ method }) => method !== 'GET').map(({ method }) => method),
  }
}

test('events: a finding becomes an Event of its object', async (context) => {
  const { server, writer } = await setUp(context)
  const events = writer()
  events.report([finding('host "a_b" is no name')])
  await events.idle()
  const [event] = server.store.list(EVENTS)
  assert.ok(event)
  const { metadata, ...body } = event
  assert.equal(metadata.namespace, 'prod')
  assert.match(metadata.name, /^shop\.[0-9a-f]{16}$/)
  assert.deepEqual(body, {
    apiVersion: 'v1',
    kind: 'Event',
    involvedObject: {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'Ingress',
      namespace: 'prod',
      name: 'shop',
      uid: 'u1',
      fieldPath: 'spec.rules[0].host',
    },
    type: 'Warning',
    reason: 'BadHost',
    message: 'host "a_b" is no name',
    count: 1,
    firstTimestamp: '2026-01-02T03:04:05Z',
    lastTimestamp: '2026-01-02T03:04:05Z',
    source: { component: 'resty-ingress' },
    reportingComponent: 'resty-ingress',
    reportingInstance: 'pod-1',
  })
})

test('events: a finding that stays is written once', async (context) => {
  const { writer, writes, endRests } = await setUp(context)
  const events = writer()
  for (let times = 0; times < 5; times++) {
    events.report([finding('x')])
    await events.idle()
    endRests()
  }
  assert.deepEqual(writes(), ['POST'])
})

test('events: one that comes back counts, and is written once a minute at most', async (context) => {
  const { server, writer, writes, counts, clock, endRests } = await setUp(context)
  const events = writer()
  events.report([finding('x')])
  await events.idle()
  for (let times = 0; times < 5; times++) {
    events.report([])
    clock.time = `2026-01-02T03:05:0${times}Z`
    events.report([finding('x')])
    await events.idle()
  }
  assert.deepEqual(writes(), ['POST'])
  endRests()
  await until(() => counts()[0] === 6, () => 'the count has grown')
  assert.equal(server.store.list(EVENTS)[0]?.['lastTimestamp'], '2026-01-02T03:05:04Z')
  assert.deepEqual(writes(), ['POST', 'PATCH'])
})

test('events: object, uid, field, reason and message tell Events apart', async (context) => {
  const { server, writer } = await setUp(context)
  const events = writer()
  const all = [
    finding('x'),
    finding('y'),
    finding('x', { uid: 'u2' }),
    finding('x', { name: 'other' }),
    finding('x', { namespace: 'test' }),
    finding('x', { field: '' }),
    { ...finding('x'), reason: 'BadPath' },
  ]
  events.report([...all, ...all])
  await events.idle()
  assert.equal(server.store.list(EVENTS).length, all.length)
})

test('events: after a restart the Event of the same finding goes on', async (context) => {
  const { writer, writes, counts, endRests } = await setUp(context)
  const first = writer()
  first.report([finding('x')])
  first.report([])
  first.report([finding('x')])
  endRests()
  await until(() => counts()[0] === 2, () => 'the count has grown')
  await first.idle()
  const second = writer()
  second.report([finding('x')])
  await second.idle()
  assert.deepEqual(counts(), [2])
  second.report([])
  second.report([finding('x')])
  endRests()
  await until(() => counts()[0] === 3, () => 'the count has grown')
  assert.deepEqual(writes(), ['POST', 'PATCH', 'POST', 'PATCH', 'PATCH'])
})

test('events: one whose Event has expired gets a new one', async (context) => {
  const { server, writer, counts, endRests } = await setUp(context)
  const events = writer()
  events.report([finding('x')])
  await events.idle()
  server.store.remove(EVENTS, server.store.list(EVENTS)[0]?.metadata ?? { name: '' })
  events.report([])
  events.report([finding('x')])
  endRests()
  await until(() => counts()[0] === 2, () => 'it is there again')
})

test('events: a passing trouble is retried; a refusal is said and skipped', async (context) => {
  const { server, writer, lines } = await setUp(context)
  const events = writer()
  for (const status of [500, 429, 503]) server.failNext({ status, retryAfter: 1 })
  events.report([finding('x')])
  await events.idle()
  assert.equal(server.store.list(EVENTS).length, 1)
  server.failNext({ status: 403, reason: 'Forbidden' })
  events.report([finding('y'), finding('z')])
  await events.idle()
  assert.equal(server.store.list(EVENTS).length, 2)
  assert.deepEqual(lines.map(({ level, message }) => [level, message]), [
    ['warn', 'an Event could not be written in namespace prod'],
    ['info', 'Events can be written again in namespace prod'],
  ])
})

test('events: control characters and endless text do not get through', async (context) => {
  const { server, writer } = await setUp(context)
  const events = writer()
  events.report([finding(`a\u001b[2Jb\r\nc${'x'.repeat(5000)}`)])
  await events.idle()
  const message = String(server.store.list(EVENTS)[0]?.['message'])
  assert.equal(message.length, 1024)
  assert.ok(message.startsWith('a [2Jb cxxx'))
})

test('events: an object without a namespace has its Events in default', async (context) => {
  const { server, writer } = await setUp(context)
  const events = writer()
  events.report([finding('x', { kind: 'IngressClass', namespace: '' })])
  await events.idle()
  assert.equal(server.requests[0]?.path, '/api/v1/namespaces/default/events')
})

test('events: a replica that does not lead writes none; once it leads, those of what is wrong then', async (context) => {
  const { leadership, writer, writes, counts } = await setUp(context)
  leadership.lose()
  const events = writer()
  events.report([finding('x'), finding('y')])
  events.report([finding('y')])
  await events.idle()
  assert.deepEqual(writes(), [])
  leadership.gain()
  events.resume()
  await events.idle()
  assert.deepEqual(writes(), ['POST'])
  assert.deepEqual(counts(), [1])
})

test('events: one that leads again goes on with what others have counted', async (context) => {
  const { server, leadership, writer, writes, counts, endRests } = await setUp(context)
  const events = writer()
  events.report([finding('x')])
  await events.idle()
  leadership.lose()
  const [event] = server.store.list(EVENTS)
  assert.ok(event)
  server.store.put(EVENTS, { ...event, count: 7 })
  leadership.gain()
  events.resume()
  endRests()
  await until(() => writes().includes('PATCH'), () => 'it has been taken up')
  await events.idle()
  assert.deepEqual(counts(), [7])
  events.report([])
  events.report([finding('x')])
  endRests()
  await until(() => counts()[0] === 8, () => 'the count has grown')
})

test('events: an object whose trouble is another one each time has 25, and others still have theirs', async (context) => {
  const { writer, writes, clock } = await setUp(context)
  const events = writer()
  for (let i = 0; i < 100; i++) events.report([finding(`trouble ${i}`)])
  await events.idle()
  assert.equal(writes().length, 25)
  events.report([finding('trouble 100'), finding('x', { name: 'other', uid: 'u2' })])
  await events.idle()
  assert.equal(writes().length, 26)
  clock.passed = 300_000
  events.report([finding('trouble 101'), finding('trouble 102')])
  await events.idle()
  assert.equal(writes().length, 27)
  // Somebody sets the date.
  for (const time of ['2026-01-01T03:04:05.000Z', '2026-01-03T03:04:05.000Z']) {
    clock.time = time
    events.report([finding(`trouble at ${time}`)])
    await events.idle()
  }
  assert.equal(writes().length, 27)
  clock.time = '2026-01-01T03:04:05.000Z'
  clock.passed = 600_000
  events.report([finding('trouble 103')])
  await events.idle()
  assert.equal(writes().length, 28)
})
