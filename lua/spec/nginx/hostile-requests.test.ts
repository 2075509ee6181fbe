/**
 * Requests whose path, host or frame is spelled oddly: no spelling leads around what protects a route, and what the
 * backend gets is what was judged.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test, type TestContext } from 'node:test'
import type { KubeObject } from '../../../sidecar/collection/objects.ts'
import { withDigest } from './backends.ts'
import { certificate } from './certificate.ts'
import { everyVariant, type Variant } from './harness.ts'
import { layer4, service, type Layer4 } from './layer4.ts'
import { peer } from './peers.ts'
import { AMBIGUOUS, CLEAR, HOSTS, noPath, otherPath, samePath } from './spellings.ts'

const OUTSIDE = '127.0.0.2'

interface Protection {
  /** Of the path that it protects. */
  readonly name: string
  readonly annotations: Readonly<Record<string, string>>
  /** What a stranger is told. */
  readonly status: number
}

/** `asked`: the port of a service that lets nobody in. */
const protections = (asked: number): readonly Protection[] => [
  { name: 'admin', annotations: { 'whitelist-source-range': '127.0.0.1' }, status: 403 },
  { name: 'barred', annotations: { 'denylist-source-range': OUTSIDE }, status: 403 },
  { name: 'limited', annotations: { 'limit-rpm': '1', 'limit-burst-multiplier': '1' }, status: 503 },
  { name: 'moved', annotations: { 'permanent-redirect': 'https://b.example/x' }, status: 301 },
  { name: 'login', annotations: LOGIN, status: 401 },
  { name: 'asked', annotations: { 'auth-url': `http://127.0.0.1:${asked}/` }, status: 401 },
  {
    name: 'either',
    annotations: { ...LOGIN, 'auth-url': `http://127.0.0.1:${asked}/`, 'whitelist-source-range': '127.0.0.1', 'satisfy': 'any' },
    status: 401,
  },
  { name: 'closed', annotations: { 'whitelist-source-range': 'nonsense' }, status: 503 },
]

const LOGIN = { 'auth-type': 'basic', 'auth-secret': 'users' }
const HASH = '{SHA}0JQeaNqPOBUf+Gph/Fn3xc+fyqI='
const USERS = {
  apiVersion: 'v1', kind: 'Secret', metadata: { namespace: 'prod', name: 'users' },
  data: { auth: Buffer.from(`alice:${HASH}`).toString('base64') },
} as KubeObject
/** What is not in the output of a translation. */
const SECRET_RECORDS = { 'certificate/default': certificate('a'), 'htpasswd/prod/users': withDigest({ users: { alice: HASH } }) }

function ingress(name: string, paths: readonly string[], annotations: Readonly<Record<string, string>>): KubeObject {
  const prefixed = Object.entries(annotations).map(([key, text]) => [`nginx.ingress.kubernetes.io/${key}`, text])
  const backend = { service: { name: 'web', port: { number: 80 } } }
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { namespace: 'prod', name, annotations: Object.fromEntries(prefixed) },
    spec: { rules: [{ host: 'a.example', http: { paths: paths.map((path) => ({ path, pathType: 'Prefix', backend })) } }] },
  } as KubeObject
}

interface Rig {
  readonly nginx: Layer4
  readonly protections: readonly Protection[]
  /** Every request that came to the backend, as it was sent. */
  readonly seen: string[]
  /** The answer to bytes sent as they are. */
  send(bytes: string): Promise<string>
}

async function rig(t: TestContext, variant: Variant): Promise<Rig> {
  const seen: string[] = []
  const web = await peer(t, (socket, request) => {
    seen.push(request)
    socket.end('HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nweb')
  })
  const service401 = await peer(t, (socket) => {
    socket.end('HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')
  })
  const all = protections(service401.port)
  const nginx = await layer4(t, variant, { records: SECRET_RECORDS })
  const { findings } = await nginx.apply([
    ...service('web', [web.port]),
    USERS,
    ingress('web', ['/'], {}),
    ...all.map(({ name, annotations }) => ingress(name, [`/${name}`], annotations)),
  ])
  assert.deepEqual(findings.map(({ origin }) => origin.name), ['closed'])
  const send = async (bytes: string): Promise<string> => {
    const socket = connect({ port: nginx.httpPort, host: '127.0.0.1', localAddress: OUTSIDE })
    let text = ''
    socket.on('data', (chunk: Buffer) => { text += chunk.toString('latin1') }).on('error', () => socket.destroy())
    socket.write(bytes, 'latin1')
    await once(socket, 'close')
    return text
  }
  return { nginx, protections: all, seen, send }
}

function get(target: string, host = 'a.example', lines = ''): string {
  return `GET ${target} HTTP/1.1\r\nHost: ${host}\r\n${lines}Connection: close\r\n\r\n`
}

function statusOf(answer: string): number {
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1])
}

/** The segments of a request target as RFC 3986 reads it, so that it is judged apart from NGINX. */
function segments(target: string): readonly string[] {
  const path = decodeURIComponent(target.split(/[?#]/)[0] ?? '')
  const kept: string[] = []
  for (const segment of path.split('/')) {
    if (segment === '..') kept.pop()
    else if (segment !== '.' && segment !== '') kept.push(segment)
  }
  return kept
}

everyVariant('hostile requests', ({ variant }) => {
  test('no spelling of a path leads around what protects it', async (t) => {
    const { nginx, protections: all, seen, send } = await rig(t, variant)
    for (const { name, status } of all) {
      while (statusOf(await send(get(`/${name}`))) === 200) { /* until nothing is left of a limit */ }
      seen.length = 0
      for (const target of samePath(name)) assert.equal(statusOf(await send(get(target))), status, target)
      for (const target of noPath(name)) assert.equal(statusOf(await send(get(target))), 400, JSON.stringify(target))
      assert.equal(seen.length, 0, `${name}: ${seen[0]}`)
      for (const target of otherPath(name)) assert.equal(statusOf(await send(get(target))), 200, target)
      for (const request of seen) assert.notEqual(segments(request.split(' ')[1] ?? '')[0], name, request)
    }
    assert.deepEqual(nginx.plane.errors(), [])
  })

  test('no spelling of a host leads around what protects its paths', async (t) => {
    const { nginx, seen, send } = await rig(t, variant)
    for (const host of HOSTS) {
      const open = statusOf(await send(get('/', host)))
      const isOurs = open === 200
      for (const [path, status] of [['/admin', 403], ['/login', 401], ['/asked', 401]] as const) {
        assert.equal(statusOf(await send(get(path, host))), isOurs ? status : open, `${host} ${path}`)
      }
      assert.ok(isOurs || open === 400 || open === 404, `${host}: ${open}`)
    }
    assert.ok(seen.length >= 5)
    for (const request of seen) {
      assert.match(request, /^GET \/ HTTP\/1\.1\r\n/)
      assert.match(request, /\r\nhost: *a\.example\.?(?::\d*)?\r\n/i)
    }
    assert.deepEqual(nginx.plane.errors(), [])
  })

  test('what front and back could understand differently is refused, and nothing is smuggled', async (t) => {
    const { nginx, seen, send } = await rig(t, variant)
    const start = 'POST /web HTTP/1.1\r\nHost: a.example\r\n'
    for (const { name, text } of AMBIGUOUS) {
      const answer = await send(start + text)
      assert.ok([400, 413, 501].includes(statusOf(answer)), `${name}: ${answer.slice(0, 40)}`)
      assert.equal(seen.length, 0, `${name}: ${seen[0]}`)
    }
    for (const { name, text } of CLEAR) {
      seen.length = 0
      const answers = (await send(`${start}${text}${get('/admin')}`)).match(/HTTP\/1\.1 \d{3}/g)
      assert.deepEqual(answers, ['HTTP/1.1 200', 'HTTP/1.1 403'], name)
      assert.equal(seen.length, 1, name)
      assert.match(seen[0] ?? '', /^POST \/web HTTP\/1\.1\r\n/)
    }
    const other = nginx.plane.errors().filter((line) => !/client sent invalid chunked body/.test(line))
    assert.deepEqual(other, [])
  })
})
