import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Resolution } from '../ir/types.ts'
import { DnsServer, type Says } from '../testing/dns-server.ts'
import { dnsLookup, type Family, type Lookup } from './lookup.ts'
import type { KnownNames } from './name-file.ts'
import { NameWatcher } from './name-watcher.ts'

interface Scene {
  readonly server: DnsServer
  /** What the server says, by name. */
  readonly zone: Map<string, Says>
  readonly watcher: NameWatcher
  /** What was told last, by name. */
  readonly told: Map<string, Resolution>
  /** How often. */
  readonly count: () => number
}

const BOTH: readonly Family[] = ['IPv4', 'IPv6']

async function scene(t: TestContext, families = BOTH, known: KnownNames = new Map()): Promise<Scene> {
  const zone = new Map<string, Says>()
  const server = await DnsServer.start((name) => zone.get(name))
  const told = new Map<string, Resolution>()
  let count = 0
  const watcher = new NameWatcher({
    lookup: dnsLookup({ servers: [server.address], families }).lookup,
    intervalSeconds: 0.02,
    known,
    resolved: (name, resolution) => {
      count += 1
      told.set(name, resolution)
    },
  })
  t.after(async () => {
    watcher.close()
    await server.close()
  })
  return { server, zone, watcher, told, count: () => count }
}

async function until(what: string, condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 60_000
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`never happened: ${what}`)
    await sleep(2)
  }
}

async function untilAddresses({ told }: Scene, name: string, ...addresses: readonly string[]): Promise<void> {
  await until(`${name} is ${addresses.join()}`, () => told.get(name)?.addresses.join() === addresses.join())
}

test('every A and AAAA record is an address, in order, and a change is told', async (t) => {
  const it = await scene(t)
  it.zone.set('a.example', { addresses: ['198.18.0.9', '2001:db8::1', '198.18.0.10'] })
  it.watcher.follow(['a.example'])
  await untilAddresses(it, 'a.example', '198.18.0.10', '198.18.0.9', '2001:db8::1')
  it.zone.set('a.example', { addresses: ['198.18.0.11'] })
  await untilAddresses(it, 'a.example', '198.18.0.11')
  assert.deepEqual(it.told.get('a.example'), { addresses: ['198.18.0.11'] })
})

test('what does not change is told once, however often it is asked for', async (t) => {
  const it = await scene(t)
  it.zone.set('a.example', { addresses: ['198.18.0.2', '198.18.0.1'] })
  it.watcher.follow(['a.example'])
  await until('it was asked for again', () => it.server.asked.length > 6)
  it.zone.set('a.example', { addresses: ['198.18.0.1', '198.18.0.2'] })
  const asked = it.server.asked.length
  await until('it was asked for in another order', () => it.server.asked.length > asked + 6)
  assert.equal(it.count(), 1)
})

test('search domains are off: the name alone is asked for', async (t) => {
  const it = await scene(t)
  it.watcher.follow(['redis'])
  await until('the failure is told', () => it.told.has('redis'))
  assert.deepEqual(new Set(it.server.asked), new Set(['redis A', 'redis AAAA']))
})

test('a failure keeps the last good answer and says since when; the next good answer ends it', async (t) => {
  const it = await scene(t)
  const good = { addresses: ['198.18.0.1'] }
  it.zone.set('a.example', good)
  it.watcher.follow(['a.example'])
  await untilAddresses(it, 'a.example', '198.18.0.1')
  const before = new Date().toISOString()
  it.zone.set('a.example', 'SERVFAIL')
  await until('the failure is told', () => it.told.get('a.example')?.failure !== undefined)
  const failed = it.told.get('a.example')
  assert.deepEqual(failed?.addresses, ['198.18.0.1'])
  assert.equal(failed?.failure?.reason, 'the DNS server failed')
  assert.ok((failed?.failure?.since ?? '') >= before)

  it.zone.delete('a.example')
  const asked = it.server.asked.length
  await until('it was asked for again', () => it.server.asked.length > asked + 6)
  assert.deepEqual(it.told.get('a.example'), failed, 'another reason is no news')
  it.zone.set('a.example', good)
  await until('the end is told', () => it.told.get('a.example')?.failure === undefined)
})

test('a name that does not exist, or has no address, is a failure without addresses', async (t) => {
  const it = await scene(t)
  it.zone.set('empty.example', { addresses: [] })
  it.watcher.follow(['empty.example', 'nowhere.example'])
  await until('both are told', () => it.told.size === 2)
  assert.deepEqual(it.told.get('empty.example')?.failure?.reason, 'the name has no address')
  assert.deepEqual(it.told.get('nowhere.example')?.failure?.reason, 'the name does not exist')
  assert.deepEqual(it.told.get('nowhere.example')?.addresses, [])
})

test('a name that fails from the beginning has the addresses from before, until there is an answer', async (t) => {
  const it = await scene(t, BOTH, new Map([['a.example', ['198.18.0.7']]]))
  it.zone.set('a.example', 'SERVFAIL')
  it.watcher.follow(['a.example'])
  await untilAddresses(it, 'a.example', '198.18.0.7')
  assert.equal(it.told.get('a.example')?.failure?.reason, 'the DNS server failed')
  it.zone.set('a.example', { addresses: ['198.18.0.1'] })
  await untilAddresses(it, 'a.example', '198.18.0.1')
})

test('an answer that holds for longer than the interval is not asked for again', async (t) => {
  const it = await scene(t)
  it.zone.set('long.example', { addresses: ['198.18.0.1'], ttl: 300 })
  it.zone.set('short.example', { addresses: ['198.18.0.2'], ttl: 0 })
  it.watcher.follow(['long.example', 'short.example'])
  const asked = (name: string): number => it.server.asked.filter((question) => question.startsWith(name)).length
  await untilAddresses(it, 'long.example', '198.18.0.1')
  const [long, short] = [asked('long'), asked('short')]
  await until('the other one is asked for often', () => asked('short') > short + 10)
  assert.equal(asked('long'), long)
})

test('a server that says nothing: the name counts as failed, and is answered later', async (t) => {
  const it = await scene(t, ['IPv4'])
  it.zone.set('slow.example', 'silence')
  it.watcher.follow(['slow.example'])
  await until('the failure is told', () => it.told.has('slow.example'))
  assert.equal(it.told.get('slow.example')?.failure === undefined, false)
  it.zone.set('slow.example', { addresses: ['198.18.0.1'] })
  await untilAddresses(it, 'slow.example', '198.18.0.1')
})

test('only families that can be reached are asked for', async (t) => {
  const it = await scene(t, ['IPv4'])
  it.zone.set('a.example', { addresses: ['198.18.0.1', '2001:db8::1'] })
  it.watcher.follow(['a.example'])
  await untilAddresses(it, 'a.example', '198.18.0.1')
  assert.ok(it.server.asked.every((question) => question === 'a.example A'))
})

test('a name that is not needed any more is forgotten, also while its answer is on the way', async (t) => {
  const it = await scene(t)
  it.zone.set('a.example', { addresses: ['198.18.0.1'] })
  it.zone.set('b.example', { addresses: ['198.18.0.2'] })
  it.watcher.follow(['a.example'])
  it.watcher.follow(['b.example'])
  await untilAddresses(it, 'b.example', '198.18.0.2')
  const asked = it.server.asked.length
  await until('the other one is asked for', () => it.server.asked.length > asked + 6)
  assert.equal(it.told.has('a.example'), false)
  assert.ok(it.server.asked.slice(asked).every((question) => question.startsWith('b.')))
})

test('of many names a bounded number is asked for at a time, and each of them gets its turn', async (t) => {
  let [now, most] = [0, 0]
  const done = new Set<string>()
  const watcher = new NameWatcher({
    intervalSeconds: 60,
    lookup: async () => {
      most = Math.max(most, ++now)
      await sleep(1)
      now -= 1
      return new Map([['IPv4', { addresses: ['198.18.0.1'], ttl: 0 }]])
    },
    resolved: (name) => done.add(name),
  })
  t.after(() => watcher.close())
  watcher.follow(Array.from({ length: 500 }, (_, i) => `n${i}.example`))
  await until('all were asked for', () => done.size === 500)
  assert.equal(most, 32)
})

test('a question that nobody answers does not outlast its end', async (t) => {
  const server = await DnsServer.start(() => 'silence')
  t.after(() => server.close())
  const { lookup, cancel } = dnsLookup({ servers: [server.address], families: ['IPv4'] })
  const reply = lookup('silent.example')
  await until('it was asked', () => server.asked.length === 1)
  cancel()
  assert.deepEqual([...(await reply).values()], [{ failure: 'the lookup failed (ECANCELLED)', isAnswer: false }])
})

test('thousands of names that nobody answers for do not keep the others waiting', async () => {
  const answers: (() => void)[] = []
  const asked: string[] = []
  const lookup: Lookup = async (name) => {
    asked.push(name)
    if (name === 'good.example') return new Map([['IPv4', { addresses: ['198.18.0.1'], ttl: 0 }]])
    await new Promise<void>((resolve) => answers.push(resolve))
    return new Map([['IPv4', { failure: 'the DNS server does not answer', isAnswer: false }]])
  }
  const dead = Array.from({ length: 200 }, (_, i) => `dead${i}.example`)
  const failed = new Set<string>()
  const watcher = new NameWatcher({
    lookup,
    intervalSeconds: 0.001,
    resolved: (name, { failure }) => failure !== undefined && failed.add(name),
  })
  watcher.follow(dead)
  await until('each has failed once', () => {
    answers.splice(0).forEach((answer) => answer())
    return failed.size === dead.length
  })
  await until('as many as may are asked for again', () => answers.length === 32)
  const before = asked.length
  watcher.follow([...dead, 'good.example'])
  await until('the good one is asked for again and again', () => asked.length >= before + 5)
  assert.deepEqual(new Set(asked.slice(before)), new Set(['good.example']))
  watcher.close()
  answers.forEach((answer) => answer())
})
