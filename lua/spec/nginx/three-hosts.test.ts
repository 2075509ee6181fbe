/**
 * One Ingress with three hosts, bodies without limit, and backends that may be silent for ten minutes: golden case
 * three-hosts, with clients. One test takes 65 seconds: that is what it is about.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { request, type IncomingMessage, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, test, type TestContext } from 'node:test'
import type { KubeObject } from '../../../sidecar/collection/objects.ts'
import { parseManifest } from '../../../sidecar/files/manifest.ts'
import { backend, type Backend } from './backends.ts'
import { ask } from './client.ts'
import { everyVariant, variants, type Variant } from './harness.ts'
import { service, site, type Site } from './manifests.ts'

const MANIFEST = join(import.meta.dirname, '../../../sidecar/testdata/three-hosts/input.yaml')
const MEBIBYTE = 1024 * 1024
const BODY_MEBIBYTES = 50
/** Longer than the read timeout that holds where nothing else is said. */
const SILENCE_MS = 65_000

type Annotations = Readonly<Record<string, string>>
type Handler = (incoming: IncomingMessage, response: ServerResponse) => void

/** The Ingress with `more` annotations, and one endpoint for each of its Services. */
async function scene(t: TestContext, variant: Variant, handler?: Handler, more: Annotations = {}): Promise<Site> {
  const parsed = parseManifest('three-hosts', readFileSync(MANIFEST, 'utf8'))
  assert.ok('manifest' in parsed)
  const ingresses = parsed.manifest.objects.map(({ object }) => object).filter(({ kind }) => kind === 'Ingress')
  const names = ['web', 'site', 'account-user', 'book-server']
  const started = names.map(async (name) => [name, await backend(t, name, handler)] as const)
  const peers = Object.fromEntries(await Promise.all(started))
  const services = names.flatMap((name) => service(name, {}, peers[name] as Backend))
  const served = await site(t, variant)
  const findings = await served.apply([...services, ...ingresses.map((it) => annotated(it, more))])
  assert.deepEqual(new Set(findings.map(({ reason }) => reason)), new Set(['LiteralStar']))
  return served
}

function annotated(object: KubeObject, more: Annotations): KubeObject {
  const { metadata } = object
  return { ...object, metadata: { ...metadata, annotations: { ...metadata.annotations, ...more } } }
}

async function* pieces(count: number): AsyncIterable<Buffer> {
  const piece = Buffer.alloc(MEBIBYTE, 'x')
  for (let i = 0; i < count; i += 1) yield piece
}

everyVariant('three hosts', ({ variant }) => {
  test('each host and path leads to its Service, /web/* to everything below', async (t) => {
    const { http } = await scene(t, variant)
    const expected: Readonly<Record<string, string>> = {
      'test.domain.com/web': 'web', 'test.domain.com/web/': 'web', 'test.domain.com/web/v1/x?y=1': 'web', 'test.domain.com/webs': 'site',
      'api.domain.com/userInfo': 'account-user', 'api.domain.com/bookList/7': 'book-server',
      // A star of Prefix and Exact is a star.
      'www.domain.com/web/*': 'site', 'www.domain.com/web/*/x': 'web',
    }
    for (const [url, name] of Object.entries(expected)) {
      const [host = '', ...path] = url.split(/(?=\/)/)
      const { status, text } = await ask(http, { host, path: path.join('') })
      assert.equal(`${status} ${text.split(' ')[0]}`, `200 ${name}`, url)
    }
    assert.equal((await ask(http, { host: 'www.domain.com', path: '/web/v1' })).status, 404)
    assert.equal((await ask(http, { host: 'other.domain.com' })).status, 404)
  })

  test('a body of 50 MB passes, with its length said before and without', async (t) => {
    const { http } = await scene(t, variant)
    const bytes = BODY_MEBIBYTES * MEBIBYTE
    const known = { 'content-length': String(bytes) }
    for (const headers of [known, {}]) {
      const { status, text } = await ask(http, { host: 'test.domain.com', path: '/web/up', method: 'POST', headers, body: pieces(BODY_MEBIBYTES) })
      assert.equal(`${status} ${text}`, `200 web POST /web/up ${bytes}`)
    }
  })

  test('a body is streamed where it is not to be buffered: its backend has the beginning before the client sends the end', async (t) => {
    const arrived = Promise.withResolvers<void>()
    const count = { bytes: 0 }
    const handler: Handler = (incoming, response) => {
      incoming.on('data', (chunk: Buffer) => {
        count.bytes += chunk.length
        arrived.resolve()
      })
      incoming.on('end', () => response.end(String(count.bytes)))
    }
    const { http } = await scene(t, variant, handler, { 'nginx.ingress.kubernetes.io/proxy-request-buffering': 'off' })
    async function* body(): AsyncIterable<Buffer> {
      yield Buffer.alloc(MEBIBYTE, 'x')
      await arrived.promise
      yield* pieces(BODY_MEBIBYTES - 1)
    }
    const { status, text } = await ask(http, { host: 'test.domain.com', path: '/web/up', method: 'POST', body: body() })
    assert.equal(`${status} ${text}`, `200 ${BODY_MEBIBYTES * MEBIBYTE}`)
  })
})

async function answerOf(origin: string, host: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    request(`${origin}/web/slow`, { headers: { host } }, (response) => {
      response.resume()
      resolve(response.statusCode)
    }).on('error', reject).end()
  })
}

describe('slow backends', () => {
  test('a backend that is silent for 65 s is waited for, and only where that is said', async (t) => {
    const handler: Handler = (_incoming, response) => {
      void sleep(SILENCE_MS).then(() => response.end('late'))
    }
    const patient = await scene(t, variants()[0] ?? 'system', handler)
    const strict = await scene(t, variants()[0] ?? 'system', handler, { 'nginx.ingress.kubernetes.io/proxy-read-timeout': '' })
    const answers = await Promise.all([answerOf(patient.http, 'test.domain.com'), answerOf(strict.http, 'test.domain.com')])
    assert.deepEqual(answers, [200, 504])
  })
})
