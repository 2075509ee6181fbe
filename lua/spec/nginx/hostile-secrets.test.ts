/** What Secrets hold, and the passwords of clients, are shown nowhere: not in nginx.conf, logs, findings, answers. */
import assert from 'node:assert/strict'
import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { request } from 'undici'
import { parseManifest } from '../../../sidecar/files/manifest.ts'
import { ANNOTATIONS } from '../../../sidecar/testing/hostile/objects.ts'
import { GOLDEN_OPTIONS } from '../../../sidecar/testing/inputs.ts'
import { translate, writeTranslation } from '../../../sidecar/translate.ts'
import { backend, type Backend } from './backends.ts'
import { ask } from './client.ts'
import { everyVariant } from './harness.ts'
import { sidecar, type Sidecar } from './sidecar.ts'
import { keyPair } from './tls.ts'

const PAIRS = { good: keyPair('a.example'), other: keyPair('b.example') }
/** A line in the middle of a key. */
const keyLine = (key: string): string => key.split('\n')[2] ?? ''
const MARKERS = [
  keyLine(PAIRS.good.key), keyLine(PAIRS.other.key), 'zq9Hash1zq9Hash1zq9Has', 'zq9Sha', 'zq9Plain', 'zq9Broken', 'zq9Client', 'zq9Unused',
]
assert.ok(MARKERS.every((marker) => marker.length > 5))

const HTPASSWD = `alice:$apr1$zq9salt1$zq9Hash1zq9Hash1zq9Has\nbob:{SHA}zq9Sha\ncarol:zq9Plain\nzq9Broken\n:zq9Broken\n`

function secret(name: string, data: Readonly<Record<string, string>>): object {
  const encoded = Object.fromEntries(Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString('base64')]))
  // What kubectl keeps of what was applied.
  const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify({ data: encoded, stringData: data }) }
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace: 'prod', annotations }, data: encoded, stringData: data }
}

const SECRETS = [
  secret('tls', { 'tls.crt': PAIRS.good.cert, 'tls.key': PAIRS.good.key, 'ca.crt': PAIRS.good.cert }),
  secret('unlike', { 'tls.crt': PAIRS.good.cert, 'tls.key': PAIRS.other.key, 'ca.crt': 'zq9Broken' }),
  secret('broken', { 'tls.crt': 'zq9Broken', 'tls.key': '-----BEGIN PRIVATE KEY-----\nzq9Broken\n-----END PRIVATE KEY-----', 'ca.crt': 'zq9Broken' }),
  secret('users', { auth: HTPASSWD }),
  secret('map', { alice: '$apr1$zq9salt1$zq9Hash1zq9Hash1zq9Has', zq9Broken: 'zq9Plain' }),
  secret('unused', { anything: 'zq9Unused' }),
]
const NAMES = ['tls', 'unlike', 'broken', 'users', 'map', 'none']
const NAMING = ANNOTATIONS.filter((name) => /secret$/.test(name))

function object(kind: string, name: string, metadata: object, spec: object): object {
  return { apiVersion: kind === 'Ingress' ? 'networking.k8s.io/v1' : 'v1', kind, metadata: { namespace: 'prod', name, ...metadata }, spec }
}

const PATH = { path: '/', pathType: 'Prefix', backend: { service: { name: 'web', port: { number: 80 } } } }

/** An Ingress for each Secret and each annotation that can name one. */
function ingresses(): object[] {
  return NAMES.flatMap((secretName) => NAMING.map((annotation, i) => object('Ingress', `${secretName}-${annotation}`, {
    annotations: {
      [`nginx.ingress.kubernetes.io/${annotation}`]: `prod/${secretName}`, 'nginx.ingress.kubernetes.io/auth-type': 'basic',
      ...(secretName === 'map' ? { 'nginx.ingress.kubernetes.io/auth-secret-type': 'auth-map' } : {}),
    },
  }, {
    tls: [{ hosts: [`${secretName}-${i}.example`], secretName }],
    rules: [{ host: `${secretName}-${i}.example`, http: { paths: [PATH] } }],
  })))
}

function web({ port }: Backend): object[] {
  const labels = { 'kubernetes.io/service-name': 'web' }
  return [
    object('Service', 'web', { annotations: { 'resty-ingress.io/expose': 'a.example', 'resty-ingress.io/tls-secret': 'tls' } }, { ports: [{ port: 80 }] }),
    {
      apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata: { namespace: 'prod', name: 'web-1', labels }, addressType: 'IPv4',
      ports: [{ port }], endpoints: [{ addresses: ['127.0.0.1'] }],
    },
  ]
}

/** Everything that anybody can be shown, by where it is. */
async function everything(t: TestContext, served: Sidecar, manifest: string): Promise<Map<string, string>> {
  const { plane, admin, log } = served
  const shown = new Map([['log of NGINX', plane.log], ['log of the sidecar', log()]])
  for (const path of ['findings', 'generations', 'routes', 'records', 'streams', 'status', 'explain?url=https://users-0.example/', 'explain?url=https://a.example/']) {
    shown.set(`admin ${path}`, JSON.stringify(await admin(`/v1/${path}`)))
  }
  const { digests } = (await plane.call('GET', '/v1/records')).body
  const calls = ['status', 'records', 'config', 'metrics', 'health', 'processes', 'requests', ...Object.keys(digests).map((key) => `records/${key}`)]
  for (const path of calls) shown.set(`control ${path}`, (await plane.call('GET', `/v1/${path}`)).text)
  for (const [file, text] of await translated(t, manifest)) shown.set(`translate ${file}`, text)
  return shown
}

async function translated(t: TestContext, manifest: string): Promise<[string, string][]> {
  const folder = await mkdtemp(join(tmpdir(), 'resty-ingress-translate-'))
  t.after(() => rm(folder, { recursive: true }))
  const parsed = parseManifest('all.yaml', manifest)
  assert.ok('manifest' in parsed)
  const objects = parsed.manifest.objects.map((it) => it.object)
  const options = { ...GOLDEN_OPTIONS, watchIngressWithoutClass: true }
  const listeners = { addresses: [], httpPort: 80, httpsPort: 443 }
  await writeTranslation(translate({ objects, options, listeners }), folder)
  return readdirSync(folder).map((file) => [file, readFileSync(join(folder, file), 'utf8')])
}

/** Files of the run folder that hold any marker. */
function holding(folder: string): string[] {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((file) => join(folder, file))
  return files.filter((file) => existsSync(file) && lstatSync(file).isFile() && !file.includes('/manifests/'))
    .filter((file) => marked(readFileSync(file, 'utf8')) !== undefined)
}

/** The first marker in a text, also where it is part of something in base64. */
function marked(text: string): string | undefined {
  const encoded = text.match(/[A-Za-z0-9+/]{16,}={0,2}/g) ?? []
  const all = [text, ...encoded.map((part) => Buffer.from(part, 'base64').toString('latin1'))].join('\n')
  return MARKERS.find((marker) => all.includes(marker))
}

everyVariant('hostile secrets', ({ variant }) => {
  test('no key, no password and no hash of one is shown anywhere', async (t) => {
    const manifest = [...SECRETS, ...web(await backend(t, 'web')), ...ingresses()].map((it) => JSON.stringify(it)).join('\n---\n')
    assert.ok(marked(manifest) !== undefined && marked(JSON.stringify(secret('x', { a: 'zq9Sha' }))) === 'zq9Sha')
    const served = await sidecar(t, variant, { 'all.yaml': manifest })
    for (const host of ['users-0.example', 'map-0.example', 'tls-0.example']) {
      const authorization = `Basic ${Buffer.from('alice:zq9Client').toString('base64')}`
      await ask(served.http, { host, headers: { authorization, 'proxy-authorization': authorization, cookie: 'token=zq9Client' } })
      await request(`${served.http}/`, { headers: { host, authorization: 'Bearer zq9Client' } })
    }
    // A file that cannot be read, and a Secret in the middle of it.
    await served.write('damaged.yaml', `kind: Secret\nstringData: {key: zq9Broken, [}\n`)
    await served.untilFinding('ManifestUnreadable')
    for (const [where, text] of await everything(t, served, manifest)) {
      assert.ok(text.length > 0 || where === 'control requests', where)
      assert.equal(marked(text), undefined, `${where} holds ${marked(text)}`)
    }
    const files = holding(served.plane.folder)
    assert.ok(files.length > 0, 'the file of the records has the keys')
    for (const file of files) assert.equal(lstatSync(file).mode & 0o777, 0o600, file)
  })
})
