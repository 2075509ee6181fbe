/**
 * The sidecar's data-plane client against a real NGINX with configurations as they are really rendered:
 * first push, differences, classes, restarts of either side.
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { request } from 'undici'
import { ControlClient } from '../../../sidecar/dataplane/client.ts'
import { DataPlane } from '../../../sidecar/dataplane/data-plane.ts'
import type { DataPlaneEvents } from '../../../sidecar/dataplane/desired.ts'
import { hostKey, type DataRecord, type RecordKey } from '../../../sidecar/dynamic/records.ts'
import { DEFAULT_SETTINGS, type Settings } from '../../../sidecar/ir/settings.ts'
import { directive, number } from '../../../sidecar/syntax/directive.ts'
import { renderConfig } from '../../../sidecar/nginx/render.ts'
import { Pipeline } from '../../../sidecar/pipeline/pipeline.ts'
import type { LocationClass } from '../../../sidecar/policy/set/effects.ts'
import { GOLDEN_CASES, objectsOf, optionsOf } from '../../../sidecar/testing/hostile/examples.ts'
import { GOLDEN_OPTIONS } from '../../../sidecar/testing/inputs.ts'
import { backend, endpoints, host, route } from './backends.ts'
import { freePort, start, until, variants, type DataPlane as Nginx, type StartOptions, type Variant } from './harness.ts'

const HOST = 'a.example'

/** What a sidecar wants, and what it was told. */
class Wanted {
  readonly records = new Map<RecordKey, DataRecord>()
  readonly changed = new Set<RecordKey>()
  settings: Settings = { ...DEFAULT_SETTINGS, workerProcesses: 2 }
  wantedClasses: LocationClass[] = []
  readonly listeners: { addresses: string[]; httpPort: number; httpsPort: number }
  reloads = 0
  pushed: number[] = []
  readonly troubles: string[] = []

  constructor(httpPort: number, httpsPort: number) {
    this.listeners = { addresses: ['127.0.0.1'], httpPort, httpsPort }
  }

  set(key: RecordKey, record: unknown): void {
    this.records.set(key, record as DataRecord)
    this.changed.add(key)
  }

  delete(key: RecordKey): void {
    this.records.delete(key)
    this.changed.add(key)
  }

  classes(): readonly LocationClass[] {
    return this.wantedClasses
  }

  file(): undefined {}

  config(): { settings: Settings; listeners: Wanted['listeners'] } {
    return { settings: this.settings, listeners: this.listeners }
  }

  readonly events: DataPlaneEvents = {
    applied: () => {},
    rejected: (key, reason) => this.troubles.push(`${key}: ${reason}`),
    refused: () => {},
    outOfRoom: () => this.troubles.push('no room'),
    trouble: (message) => this.troubles.push(message),
    reloaded: ({ reloaded }) => (this.reloads += Number(reloaded)),
    pushed: (records) => this.pushed.push(records),
  }
}

interface Setup {
  readonly nginx: Nginx
  readonly wanted: Wanted
  readonly plane: DataPlane
  readonly url: string
}

function connect(t: TestContext, nginx: Nginx, wanted: Wanted): DataPlane {
  const plane = new DataPlane(new ControlClient(join(nginx.folder, 'control.sock')), wanted, wanted.events)
  t.after(() => plane.close())
  plane.start()
  return plane
}

type Given = Pick<StartOptions, 'env'> & { readonly before?: (wanted: Wanted) => void }

async function setUp(t: TestContext, variant: Variant, { env = {}, before }: Given = {}): Promise<Setup> {
  const nginx = await start(variant, { env })
  t.after(() => nginx.stop())
  const wanted = new Wanted(await freePort(), await freePort())
  const web = await backend(t, 'web')
  wanted.set(hostKey(HOST), host([route()]))
  wanted.set('backend/test/web/80', endpoints(web))
  before?.(wanted)
  const plane = connect(t, nginx, wanted)
  await until('ready', () => plane.isReady).catch((error: Error) => {
    throw new Error(`${error.message}: ${wanted.troubles.join('; ')} ${nginx.log}`)
  })
  return { nginx, wanted, plane, url: `http://127.0.0.1:${wanted.listeners.httpPort}` }
}

// A connection for each request: NGINX before 1.27.4 may close idle ones at a reload.
async function get(url: string, name = HOST): Promise<number> {
  const answer = await request(url, { reset: true, headers: { host: name } })
  await answer.body.dump()
  return answer.statusCode
}

function classOf(name: string, bytes: number): LocationClass {
  return { name, directives: [directive('client_max_body_size', number(bytes, 0, 2 ** 30))] }
}

for (const variant of variants()) {
  describe(`data plane, ${variant}`, () => {
    test('first push, differences, and the difference only', async (t) => {
      const before = (first: Wanted): void => {
        first.wantedClasses = [classOf('c0000000000a1', 5)]
        first.set(hostKey('class.example'), host([route({ class: 'c0000000000a1' })]))
      }
      const { wanted, plane, url } = await setUp(t, variant, { before })
      assert.deepEqual(wanted.pushed, [3], 'nobody is served yet: no record waits for its class')
      assert.equal(await get(url), 200)
      assert.equal(await get(url, 'class.example'), 200)
      assert.equal(wanted.reloads, 1)
      const generation = plane.status?.generation
      const pushed = wanted.pushed.length
      wanted.set(hostKey('b.example'), host([route()]))
      plane.kick()
      await until('the new host', async () => (await get(url, 'b.example')) === 200)
      wanted.delete(hostKey('b.example'))
      plane.kick()
      await until('the host is gone', async () => (await get(url, 'b.example')) === 404)
      // A request can see a push before its answer has come back.
      await until('both pushes are told', () => wanted.pushed.length >= pushed + 2)
      assert.deepEqual(wanted.pushed.slice(pushed), [1, 1])
      assert.equal(wanted.reloads, 1)
      assert.equal(plane.status?.generation, generation)
    })

    test('a route waits for its class; a class that nobody uses is no reason to reload', async (t) => {
      const { wanted, plane, url } = await setUp(t, variant)
      wanted.wantedClasses = [classOf('c0123456789ab', 5)]
      wanted.set(hostKey(HOST), host([route({ class: 'c0123456789ab', policies: { body_size: { max: 5 } } })]))
      plane.kick()
      await until('the class is in force', async () => {
        const answer = await request(url, { reset: true, method: 'POST', headers: { host: HOST }, body: '1234567890' })
        await answer.body.dump()
        return answer.statusCode === 413
      })
      assert.equal(wanted.reloads, 2)
      wanted.wantedClasses = []
      wanted.set(hostKey(HOST), host([route()]))
      plane.kick()
      await until('the class is out of use', async () => plane.isApplied(hostKey(HOST)))
      assert.equal(await get(url), 200)
      assert.equal(wanted.reloads, 2)
    })

    test('another sidecar finds what is there and sends only what differs', async (t) => {
      const { nginx, wanted, url } = await setUp(t, variant)
      const next = new Wanted(wanted.listeners.httpPort, wanted.listeners.httpsPort)
      for (const [key, record] of wanted.records) next.set(key, record)
      next.set(hostKey('c.example'), host([route()]))
      const plane = connect(t, nginx, next)
      await until('the new host', async () => (await get(url, 'c.example')) === 200)
      await until('ready', () => plane.isReady)
      assert.deepEqual(next.pushed, [1])
      assert.equal(next.reloads, 0)
    })

    test('records without room: the old ones serve, it is said, and what makes room lets them in', async (t) => {
      const { nginx, wanted, plane, url } = await setUp(t, variant, { env: { RESTY_INGRESS_RECORDS_SIZE: '1m' } })
      const path = `/${'x'.repeat(1000)}`
      const names = Array.from({ length: 1500 }, (_, i) => hostKey(`h${i}.example`))
      for (const key of names) wanted.set(key, host([route({ path })]))
      plane.kick()
      await until('no room', () => plane.outOfRoom)
      const { needed = 0, capacity } = plane.outOfRoom ?? {}
      assert.equal(capacity, 1024 * 1024)
      assert.ok(needed > 1_500_000, String(needed))
      assert.ok(wanted.troubles.includes('no room'))
      assert.equal(await get(url), 200)
      assert.equal(await get(url, 'h0.example'), 404)
      for (const key of names.slice(100)) wanted.delete(key)
      plane.kick()
      await until('room', () => plane.outOfRoom === undefined && plane.isApplied(names[0] ?? ''))
      await until('ready', () => plane.isReady)
      assert.equal(await get(url), 200)
      const { dictionaries } = await nginx.status()
      for (const { used } of Object.values(dictionaries)) assert.ok(used >= 0 && used <= 1, String(used))
    })

    test('OpenResty that was killed serves as before, and is sent nothing', async (t) => {
      const { nginx, wanted, plane, url } = await setUp(t, variant)
      const pushes = wanted.pushed.length
      await nginx.stop('SIGKILL')
      const again = await start(variant, { folder: nginx.folder })
      t.after(() => again.stop())
      await until('served again', async () => (await get(url).catch(() => 0)) === 200)
      await until('ready', () => plane.isReady)
      assert.equal(wanted.reloads, 1, 'its configuration was still in the folder')
      assert.equal(wanted.pushed.length, pushes, 'its records were, too')
    })

    test('a record that Lua refuses is named, and the rest goes through', async (t) => {
      const { wanted, plane, url } = await setUp(t, variant)
      wanted.set('backend/test/bad/80', endpoints(['not an address', 80] as never))
      wanted.set(hostKey('d.example'), host([route()]))
      plane.kick()
      await until('the neighbour', async () => (await get(url, 'd.example')) === 200)
      await until('the refusal', () => wanted.troubles.find((text) => text.startsWith('backend/test/bad/80')))
    })

    test('a configuration that NGINX refuses leaves the last good one, and is not tried again', async (t) => {
      const { wanted, plane, url } = await setUp(t, variant)
      const generation = plane.status?.generation
      wanted.wantedClasses = [{ name: 'c0123456789ab', directives: [directive('no_such_directive')] }]
      plane.kick()
      await until('the refusal', () => wanted.troubles.find((text) => text.startsWith('NGINX refused')))
      wanted.set(hostKey('e.example'), host([route()]))
      plane.kick()
      await until('records still flow', async () => (await get(url, 'e.example')) === 200)
      assert.equal(plane.status?.generation, generation)
      assert.equal(wanted.troubles.filter((text) => text.startsWith('NGINX refused')).length, 1)
      wanted.wantedClasses = []
      plane.kick()
      assert.equal(await get(url), 200)
    })

    test('NGINX loads the location classes of all golden cases', async (t) => {
      const nginx = await start(variant)
      t.after(() => nginx.stop())
      const { capabilities } = await nginx.status()
      const listeners = { addresses: ['127.0.0.1'], httpPort: await freePort(), httpsPort: await freePort() }
      const classes = new Map<string, LocationClass>()
      for (const name of GOLDEN_CASES) {
        const pipeline = goldenPipeline(name)
        for (const it of pipeline.classes()) {
          classes.set(it.name, it)
          const { authority } = it
          if (authority === undefined) continue
          const file = await nginx.call('PUT', `/v1/files/${authority}.pem`, pipeline.authorityFile(authority) ?? '')
          assert.ok(file.status < 300, `${name}: ${file.text}`)
        }
      }
      assert.ok(classes.size > 30, String(classes.size))
      const input = { settings: DEFAULT_SETTINGS, classes: [...classes.values()], listeners, capabilities }
      const answer = await nginx.call('PUT', '/v1/config', renderConfig(input).text)
      assert.equal(answer.status, 200, JSON.stringify(answer.body))
    })
  })
}

/** What the objects of a golden case are translated to. */
function goldenPipeline(name: string): Pipeline {
  const pipeline = new Pipeline({ ...GOLDEN_OPTIONS, ...optionsOf(name) })
  for (const object of objectsOf(name)) pipeline.objects.set(object)
  pipeline.graph.flush()
  return pipeline
}
