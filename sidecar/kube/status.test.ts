import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { Reflector, newCounters } from './reflector.ts'
import { INGRESS, collectionPath } from './resource.ts'
import type { RawObject } from './resource.ts'
import { INGRESS_STATUS } from './ingress-status.ts'
import type { Addresses } from './ingress-status.ts'
import { LeaderApi } from './leadership.ts'
import { StatusWriter } from './status.ts'
import { FakeApiServer } from './testing/fake-apiserver.ts'
import type { FakeRequest } from './testing/fake-apiserver.ts'
import { FAST_PROBE, TestLeadership, TestTime, recordingLogger, until } from './testing/harness.ts'
import type { LogLine } from './testing/harness.ts'
import { ApiTransport } from './transport.ts'
import type { Wait } from './wait.ts'

const INGRESSES = collectionPath(INGRESS)
const REST = 60_000
const A = { ip: '198.18.0.1' }
const B = { hostname: 'lb.example.com' }

interface Setup {
  readonly server: FakeApiServer
  readonly writer: StatusWriter<Addresses, Addresses>
  readonly leadership: TestLeadership
  readonly lines: LogLine[]
  /** Ends the rest of every Ingress that has been written. */
  readonly endRests: () => void
  /** Bodies of the patches that the server was sent. */
  readonly patches: () => FakeRequest[]
  readonly put: (name: string, extra?: object) => string
  readonly addresses: (name: string) => unknown
  /** The writer has seen the newest state of everything. */
  readonly seen: () => Promise<void>
}

async function setUp(context: TestContext): Promise<Setup> {
  const server = await FakeApiServer.start()
  const transport = new ApiTransport(server.kubeConfig(), FAST_PROBE)
  const { lines, log } = recordingLogger()
  const rests = new Set<() => void>()
  const wait: Wait = async (milliseconds) => {
    if (milliseconds === REST) await new Promise<void>((resolve) => rests.add(resolve))
  }
  const leadership = new TestLeadership()
  const api = new LeaderApi(transport, leadership)
  const timing = { backoffMin: 1, backoffMax: 2, rest: REST, wait }
  const writer = new StatusWriter({ kind: INGRESS_STATUS, api, log, timing })
  const seenVersions = new Map<string, string>()
  const remember = ({ metadata }: RawObject): void => void seenVersions.set(metadata.name, metadata.resourceVersion ?? '')
  const reflector = new Reflector<RawObject>({
    transport,
    path: INGRESSES,
    keep: (raw) => raw,
    sink: {
      replace: (objects) => {
        writer.observer.replace(objects)
        objects.forEach(remember)
      },
      set: (object) => {
        writer.observer.set(object)
        remember(object)
      },
      delete: (object) => {
        writer.observer.delete(object)
        seenVersions.delete(object.metadata.name)
      },
    },
    observer: { trouble: () => undefined, healthy: () => undefined, sinkFailed: assert.ifError },
    counters: newCounters(),
    timing: new TestTime().timing,
  })
  reflector.start()
  context.after(async () => {
    await Promise.all([reflector.stop(), writer.stop()])
    await transport.close()
    await server.shutDown()
  })
  const upToDate = (): boolean => {
    const objects = server.store.list(INGRESSES)
    const newest = objects.every(({ metadata }) => seenVersions.get(metadata.name) === metadata.resourceVersion)
    return newest && objects.length === seenVersions.size
  }
  return {
    server,
    writer,
    leadership,
    lines,
    endRests: () => {
      for (const end of rests) end()
      rests.clear()
    },
    patches: () => server.requests.filter(({ method }) => method === 'PATCH'),
    put: (name, extra = {}) => server.store.put(INGRESSES, { metadata: { namespace: 'prod', name }, ...extra }).metadata.uid,
    addresses: (name) => {
      const status = server.store.get(INGRESSES, { namespace: 'prod', name })?.['status']
      return (status as { loadBalancer?: { ingress?: unknown } } | undefined)?.loadBalancer?.ingress
    },
    seen: async () => {
      await until(upToDate, () => JSON.stringify([...seenVersions]))
      await writer.idle()
    },
  }
}

test('status: addresses are written, sorted, with uid and resourceVersion', async (context) => {
  const { writer, put, addresses, patches, seen } = await setUp(context)
  const uid = put('shop')
  writer.desire('prod/shop', { uid, wish: [B, A] })
  await seen()
  await until(() => addresses('shop') !== undefined, () => 'written')
  assert.deepEqual(addresses('shop'), [A, B])
  assert.deepEqual(patches().map(({ path, body, headers }) => [path, body, headers['content-type']]), [
    [
      '/apis/networking.k8s.io/v1/namespaces/prod/ingresses/shop/status',
      { metadata: { uid, resourceVersion: '2' }, status: { loadBalancer: { ingress: [A, B] } } },
      'application/merge-patch+json',
    ],
  ])
})

test('status: what is right already is not written', async (context) => {
  const { writer, put, patches, seen } = await setUp(context)
  const uid = put('shop', { status: { loadBalancer: { ingress: [B, A] } } })
  writer.desire('prod/shop', { uid, wish: [A, B] })
  await seen()
  assert.deepEqual(patches(), [])
})

test('status: an Ingress that nobody desires, or with another uid, is never written', async (context) => {
  const { writer, put, patches, seen } = await setUp(context)
  put('stranger')
  put('recreated')
  writer.desire('prod/recreated', { uid: 'of-the-old-one', wish: [A] })
  writer.desire('prod/unknown', { uid: 'u', wish: [A] })
  await seen()
  assert.deepEqual(patches(), [])
})

test('status: one that is forgotten keeps what it has, whatever happens to it', async (context) => {
  const { writer, put, patches, addresses, seen, endRests } = await setUp(context)
  const uid = put('shop')
  writer.desire('prod/shop', { uid, wish: [A] })
  await until(() => addresses('shop') !== undefined, () => 'written')
  await writer.idle()
  writer.forget('prod/shop')
  endRests()
  put('shop', { status: { loadBalancer: { ingress: [{ ip: '198.18.9.9' }] } } })
  await seen()
  assert.equal(patches().length, 1)
})

test('status: an Ingress that changed since it was seen is not written over, but looked at again', async (context) => {
  const { server, writer, put, addresses, patches, seen } = await setUp(context)
  const uid = put('shop')
  await seen()
  await until(() => server.watches.count === 1, () => 'the watch is open')
  // The watch is mute: the writer acts on what is old by now.
  server.watches.stall()
  put('shop', { spec: { ingressClassName: 'other' } })
  writer.desire('prod/shop', { uid, wish: [A] })
  await until(() => patches().length === 1, () => 'the write was tried')
  await writer.idle()
  assert.equal(addresses('shop'), undefined)
  assert.equal(patches().length, 1)
})

test('status: the newest wish wins, one write at a time', async (context) => {
  const { server, writer, put, addresses, patches, seen } = await setUp(context)
  const uid = put('shop')
  await seen()
  server.failNext({ status: 500 }, ({ method }) => method === 'PATCH')
  for (let last = 1; last <= 20; last++) writer.desire('prod/shop', { uid, wish: [{ ip: `198.18.0.${last}` }] })
  await until(() => JSON.stringify(addresses('shop')) === '[{"ip":"198.18.0.20"}]', () => 'the last one is written')
  await seen()
  assert.ok(patches().length <= 3)
})

test('status: a failing write is retried, said once, and harms no other Ingress', async (context) => {
  const { server, writer, put, addresses, lines, seen } = await setUp(context)
  const names = Array.from({ length: 30 }, (_, index) => `shop-${index}`)
  const uids = new Map(names.map((name) => [name, put(name)]))
  await seen()
  for (let times = 0; times < 12; times++) server.failNext({ status: 500 }, ({ path }) => path.endsWith('/shop-0/status'))
  for (const [name, uid] of uids) writer.desire(`prod/${name}`, { uid, wish: [A] })
  await until(() => names.every((name) => addresses(name) !== undefined), () => 'all are written')
  await writer.idle()
  const said = lines.filter(({ level }) => level !== 'debug').map(({ message }) => message)
  assert.deepEqual(said, [
    'cannot write the status of an Ingress; retrying',
    'the status of an Ingress can be written again',
  ])
})

test('status: a change by someone else is written over, but only after a rest', async (context) => {
  const { writer, put, addresses, patches, seen, endRests } = await setUp(context)
  const uid = put('shop')
  writer.desire('prod/shop', { uid, wish: [A] })
  await until(() => addresses('shop') !== undefined, () => 'written')
  await writer.idle()
  put('shop', { status: { loadBalancer: { ingress: [B] } } })
  await seen()
  assert.equal(patches().length, 1)
  endRests()
  await until(() => JSON.stringify(addresses('shop')) === JSON.stringify([A]), () => 'written again')
})

test('status: a status that the server refuses is said, and not tried again and again', async (context) => {
  const { server, writer, put, patches, lines, seen } = await setUp(context)
  const uid = put('shop')
  await seen()
  server.failNext({ status: 422, reason: 'Invalid' }, ({ method }) => method === 'PATCH')
  writer.desire('prod/shop', { uid, wish: [A] })
  await until(() => lines.length > 0, () => 'it is said')
  await writer.idle()
  assert.equal(patches().length, 1)
})

test('status: a replica that does not lead writes nothing, and all that differs once it leads', async (context) => {
  const { writer, leadership, put, addresses, patches, seen } = await setUp(context)
  leadership.lose()
  const names = ['one', 'two', 'right']
  const uids = names.map((name) => put(name, name === 'right' ? { status: { loadBalancer: { ingress: [A] } } } : {}))
  names.forEach((name, index) => writer.desire(`prod/${name}`, { uid: uids[index] ?? '', wish: [A] }))
  await seen()
  assert.deepEqual(patches(), [])
  leadership.gain()
  writer.resume()
  await until(() => names.every((name) => addresses(name) !== undefined), () => 'all are written')
  await writer.idle()
  assert.equal(patches().length, 2)
})

test('status: a write that waits when the term ends is never sent', async (context) => {
  const { server, writer, leadership, lines, put, patches, seen } = await setUp(context)
  const uid = put('shop')
  await seen()
  await server.shutDown()
  writer.desire('prod/shop', { uid, wish: [A] })
  await until(() => lines.length > 0, () => 'the first try failed')
  leadership.lose()
  await writer.idle()
  await server.listen()
  put('shop', { spec: { changed: true } })
  await seen()
  assert.deepEqual(patches(), [])
})

test('status: a leader that was frozen past its lease writes nothing, though nobody told it yet', async (context) => {
  const { writer, leadership, put, patches, seen } = await setUp(context)
  const uid = put('shop')
  await seen()
  leadership.lapse()
  writer.desire('prod/shop', { uid, wish: [A] })
  put('shop', { spec: { changed: true } })
  await seen()
  assert.deepEqual(patches(), [])
})

test('status: a new leader does not wait for the rest of its former term', async (context) => {
  const { writer, leadership, put, addresses, seen } = await setUp(context)
  const uid = put('shop')
  writer.desire('prod/shop', { uid, wish: [A] })
  await until(() => addresses('shop') !== undefined, () => 'written')
  await writer.idle()
  leadership.lose()
  put('shop', { status: { loadBalancer: { ingress: [B] } } })
  await seen()
  leadership.gain()
  writer.resume()
  await until(() => JSON.stringify(addresses('shop')) === JSON.stringify([A]), () => 'written again')
})
