/** Hundreds of hostile objects at once in a real NGINX: it loads them, and the neighbour answers as before. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { KubeObject } from '../../../sidecar/collection/objects.ts'
import type { Json } from '../../../sidecar/ir/types.ts'
import { configMaps, strangers, STRANGER } from '../../../sidecar/testing/hostile/objects.ts'
import { fc } from '../../../sidecar/testing/property.ts'
import { backend } from './backends.ts'
import { raw } from './client.ts'
import { everyVariant } from './harness.ts'
import { HOST, ingress, service, site, type Site } from './manifests.ts'

const BATCHES = 6
const CASES = 300
const SETTINGS = 20
const SEED = 20_260_101
/** Of a whole machine; the rest of the test needs some of it. */
const TOO_LARGE: readonly string[] = ['worker-processes', 'max-worker-connections']

/** The same in a namespace, and for hosts, of its own: else the first would take the paths of all others. */
function apart(object: KubeObject, number: number): KubeObject {
  const renamed = (value: Json): Json => {
    if (typeof value === 'string') return /^[ab]\.example\.com$/.test(value) ? `${value[0]}${number}.example.com` : value
    if (Array.isArray(value)) return value.map(renamed)
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, renamed(member)]))
  }
  const { metadata } = object
  const copy = renamed(object as unknown as Json) as unknown as KubeObject
  return { ...withoutPorts(copy), metadata: { ...metadata, namespace: `${STRANGER}-${number}` } }
}

/** Whatever port of this machine a Proxy would open may be somebody's. */
function withoutPorts(object: KubeObject): KubeObject {
  const { spec } = object
  if (typeof spec !== 'object' || spec === null) return object
  return { ...object, spec: { ...spec, tcp: undefined, udp: undefined } }
}

function batch(seed: number): KubeObject[] {
  return fc.sample(strangers, { seed, numRuns: CASES }).flatMap((list, i) => list.map((object) => apart(object, i)))
}

/** What policies look at. */
const HEADERS = 'Origin: https://x.example\r\nCookie: a=b; canary=always\r\nUser-Agent: aaaa\r\nX-Forwarded-For: 198.18.0.1\r\n'

async function get({ http }: Site, host: string, path = '/'): Promise<number> {
  const answer = await raw(http, `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n${HEADERS}Connection: close\r\n\r\n`)
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1])
}

/** Errors in Lua, but for expressions that used up their time, of which a busy machine has less. */
async function luaErrors({ plane }: Site): Promise<number> {
  const { counts } = JSON.parse((await plane.call('GET', '/v1/health')).text) as { counts: Record<string, number> }
  const logged = plane.errors().filter((line) => line.includes('faults.lua'))
  const isKnown = logged.length > 0 && logged.every((line) => line.includes('took too long'))
  return isKnown ? 0 : counts['lua_errors'] ?? -1
}

everyVariant('hostile objects', ({ variant }) => {
  test('are loaded and taken by hundreds, and the neighbour answers as before', async (t) => {
    const good = await goodObjects(t)
    const served = await site(t, variant)
    for (let i = 0; i < BATCHES; i += 1) {
      await served.apply([...good, ...batch(SEED + i)])
      assert.equal(await get(served, HOST), 200)
      const asked = Array.from({ length: CASES }, (_, j) => get(served, `a${j}.example.com`, j % 2 === 0 ? '/' : '/a/b?c=%00'))
      const answers = await Promise.all(asked)
      assert.ok(answers.every((status) => status >= 200 && status < 600), String(answers))
      assert.ok(answers.filter((status) => status !== 404).length > CASES / 4, 'too few of them are served at all')
      assert.equal(await luaErrors(served), 0, served.plane.errors().at(-1))
    }
    assert.deepEqual(served.plane.errors().filter((line) => /\[(alert|emerg|crit)\]/.test(line)), [])
  })

  test('settings of any kind are loaded, too', async (t) => {
    const good = await goodObjects(t)
    const served = await site(t, variant)
    for (const settings of fc.sample(configMaps, { seed: SEED, numRuns: SETTINGS })) {
      const data = Object.entries(settings['data'] as object).filter(([name]) => !TOO_LARGE.includes(name))
      await served.apply([...good, { ...settings, data: Object.fromEntries(data) }])
    }
    await served.apply(good)
    assert.equal(await get(served, HOST), 200)
    assert.equal(await luaErrors(served), 0, served.plane.errors().at(-1))
  })
})

async function goodObjects(t: TestContext): Promise<readonly KubeObject[]> {
  return [...service('web', {}, await backend(t, 'web')), ingress('web')]
}
