import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import type { KubeObject } from '../collection/objects.ts'
import { ClusterSource } from './source.ts'
import type { SourceOptions } from './source.ts'
import { FakeApiServer } from './testing/fake-apiserver.ts'
import { FAST_PROBE, TestTime, recordingLogger, until } from './testing/harness.ts'
import type { LogLine } from './testing/harness.ts'
import { ApiTransport } from './transport.ts'

const INGRESSES = '/apis/networking.k8s.io/v1/ingresses'
const PROXIES = '/apis/resty-ingress.io/v1alpha1/proxies'
const NAMESPACES = '/api/v1/namespaces'
const SECRETS = '/api/v1/secrets'

interface Setup {
  readonly server: FakeApiServer
  readonly source: ClusterSource
  /** Every call of the sink, as text; objects in full in `objects`. */
  readonly calls: string[]
  readonly objects: KubeObject[]
  readonly statuses: unknown[]
  readonly lines: LogLine[]
  readonly stop: () => Promise<void>
}

async function setUp(context: TestContext, options: Partial<SourceOptions> = {}): Promise<Setup> {
  const server = await FakeApiServer.start()
  const transport = new ApiTransport(server.kubeConfig(), FAST_PROBE)
  const { lines, log } = recordingLogger()
  const calls: string[] = []
  const objects: KubeObject[] = []
  const statuses: unknown[] = []
  const source = new ClusterSource({
    transport,
    log,
    timing: new TestTime().timing,
    sink: {
      replace: (kind, list, scope) => {
        calls.push(`replace ${kind} ${scope ?? '*'} ${list.map(({ metadata }) => metadata.name).join()}`)
        objects.push(...list)
      },
      set: (object) => {
        calls.push(`set ${object.kind} ${object.metadata.namespace}/${object.metadata.name}`)
        objects.push(object)
      },
      delete: (kind, namespace, name) => calls.push(`delete ${kind} ${namespace}/${name}`),
    },
    statuses: {
      Ingress: {
        replace: (list) => statuses.push(...list.map((object) => object['status'])),
        set: (object) => statuses.push(object['status']),
        delete: () => statuses.push('deleted'),
      },
    },
    ...options,
  })
  const stop = async (): Promise<void> => {
    await source.stop()
    await transport.close()
    await server.shutDown()
  }
  context.after(stop)
  return { server, source, calls, objects, statuses, lines, stop }
}

async function called(setup: Setup, call: string): Promise<void> {
  await until(() => setup.calls.includes(call), () => `${call} in ${setup.calls.join('; ')}`)
}

test('source: it is synced when every kind and every named ConfigMap has been listed', async (context) => {
  const setup = await setUp(context, { configMaps: [{ namespace: 'ours', name: 'settings' }] })
  assert.equal(setup.source.isSynced, false)
  setup.source.start()
  await setup.source.synced()
  assert.equal(setup.source.isSynced, true)
  assert.deepEqual(setup.calls.toSorted(), [
    'replace ConfigMap ours/settings ',
    'replace EndpointSlice * ',
    'replace Ingress * ',
    'replace IngressClass * ',
    'replace Proxy * ',
    'replace Service * ',
  ])
})

test('source: one kind that cannot be listed keeps it from being synced, and is said once', async (context) => {
  const setup = await setUp(context, { watchNamespace: 'prod' })
  const isIngress = ({ path }: { path: string }): boolean => path.endsWith('/ingresses')
  for (let times = 0; times < 5; times++) setup.server.failNext({ status: 403, reason: 'Forbidden' }, isIngress)
  setup.source.start()
  await setup.source.synced()
  const warnings = setup.lines.filter(({ level }) => level === 'warn').map(({ message }) => message)
  assert.deepEqual(warnings, ['RBAC does not allow to list ingresses in namespace prod'])
  assert.equal(setup.lines.filter(({ level }) => level === 'debug').length, 4)
  assert.ok(setup.lines.some(({ level, message }) => level === 'info' && message.includes('RBAC allows')))
})

test('source: a cluster without the kind Proxy has none, silently, until it is installed', async (context) => {
  const setup = await setUp(context)
  const isProxy = ({ path }: { path: string }): boolean => path === PROXIES
  for (let times = 0; times < 3; times++) setup.server.failNext({ status: 404, reason: 'NotFound' }, isProxy)
  setup.server.store.put(PROXIES, { metadata: { namespace: 'prod', name: 'shop' }, spec: {} })
  setup.source.start()
  await setup.source.synced()
  await called(setup, 'replace Proxy * shop')
  assert.deepEqual(setup.calls.filter((call) => call.includes('Proxy')), [
    ...Array<string>(3).fill('replace Proxy * '),
    'replace Proxy * shop',
  ])
  assert.deepEqual(setup.lines, [])
})

test('source: the kind Proxy is removed from the cluster, and its objects with it', async (context) => {
  const setup = await setUp(context)
  const isProxy = ({ path }: { path: string }): boolean => path === PROXIES
  setup.server.store.put(PROXIES, { metadata: { namespace: 'prod', name: 'shop' }, spec: {} })
  setup.source.start()
  await called(setup, 'replace Proxy * shop')
  await until(() => setup.server.watches.count === 5, () => 'every watch is open')
  for (let times = 0; times < 2; times++) setup.server.failNext({ status: 404, reason: 'NotFound' }, isProxy)
  setup.server.watches.end()
  await called(setup, 'replace Proxy * ')
  assert.deepEqual(setup.lines, [])
})

test('source: --watch-namespace restricts the kinds that have namespaces', async (context) => {
  const setup = await setUp(context, { watchNamespace: 'prod' })
  setup.source.start()
  await setup.source.synced()
  const lists = setup.server.requests.filter(({ query }) => !query.has('watch')).map(({ path }) => path)
  assert.deepEqual(lists.toSorted(), [
    '/api/v1/namespaces/prod/services',
    '/apis/discovery.k8s.io/v1/namespaces/prod/endpointslices',
    '/apis/networking.k8s.io/v1/ingressclasses',
    '/apis/networking.k8s.io/v1/namespaces/prod/ingresses',
    '/apis/resty-ingress.io/v1alpha1/namespaces/prod/proxies',
  ])
})

test('source: namespaces come and go with their labels', async (context) => {
  const setup = await setUp(context, { namespaceSelector: 'team=shop' })
  const put = (labels: object): unknown => setup.server.store.put(NAMESPACES, { metadata: { name: 'one', labels } })
  put({ team: 'other' })
  setup.source.start()
  await setup.source.synced()
  assert.ok(setup.calls.includes('replace Namespace * '))
  put({ team: 'shop' })
  await called(setup, 'set Namespace /one')
  put({ team: 'other' })
  await called(setup, 'delete Namespace /one')
})

test('source: only the Secrets that are referenced are asked for, each by name', async (context) => {
  const setup = await setUp(context)
  setup.server.store.put(SECRETS, { metadata: { namespace: 'prod', name: 'tls' }, data: {} })
  setup.server.store.put(SECRETS, { metadata: { namespace: 'prod', name: 'private' }, data: {} })
  setup.source.start()
  setup.source.setReferenced('Secret', [{ namespace: 'prod', name: 'tls' }, { namespace: 'prod', name: 'missing' }])
  await called(setup, 'replace Secret prod/tls tls')
  await called(setup, 'replace Secret prod/missing ')
  const asked = setup.server.requests.filter(({ path }) => path.includes('secrets'))
  const selectors = new Set(asked.map(({ path, query }) => `${path} ${query.get('fieldSelector')}`))
  assert.deepEqual(selectors, new Set([
    '/api/v1/namespaces/prod/secrets metadata.name=tls',
    '/api/v1/namespaces/prod/secrets metadata.name=missing',
  ]))
})

test('source: a missing Secret appears, and one that is not referenced any more goes', async (context) => {
  const setup = await setUp(context)
  const secret = { namespace: 'prod', name: 'tls' }
  setup.source.setReferenced('Secret', [secret])
  await called(setup, 'replace Secret prod/tls ')
  setup.server.store.put(SECRETS, { metadata: secret, data: {} })
  await called(setup, 'set Secret prod/tls')
  setup.source.setReferenced('Secret', [secret])
  setup.source.setReferenced('Secret', [])
  await called(setup, 'delete Secret prod/tls')
  await until(() => setup.server.watches.count === 0, () => 'its watch is closed')
  assert.equal(setup.server.lists, 1)
})

test('source: what we never read does not enter; kind and apiVersion are there', async (context) => {
  const setup = await setUp(context)
  const annotations = { keep: 'yes', 'kubectl.kubernetes.io/last-applied-configuration': '{"data":"c2VjcmV0"}' }
  setup.server.store.put(INGRESSES, {
    metadata: { namespace: 'prod', name: 'shop', annotations, managedFields: [{ manager: 'kubectl' }], selfLink: 'x' },
    spec: { rules: [] },
    status: { loadBalancer: { ingress: [{ ip: '198.18.0.1' }] } },
    extra: 1,
  })
  setup.source.start()
  await called(setup, 'replace Ingress * shop')
  assert.deepEqual(setup.objects, [
    {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'Ingress',
      metadata: { name: 'shop', namespace: 'prod', uid: 'uid-2', resourceVersion: '2', annotations: { keep: 'yes' } },
      spec: { rules: [] },
    },
  ])
  setup.server.store.put(INGRESSES, { metadata: { namespace: 'prod', name: 'shop' }, spec: {}, status: {} })
  await called(setup, 'set Ingress prod/shop')
  assert.equal('status' in (setup.objects.at(-1) ?? {}), false)
  assert.deepEqual(setup.statuses, [{ loadBalancer: { ingress: [{ ip: '198.18.0.1' }] } }, {}])
})

test('source: the end of an outage is said once for all', async (context) => {
  const setup = await setUp(context)
  setup.source.start()
  await setup.source.synced()
  await until(() => setup.server.watches.count === 5, () => 'all watches are open')
  await setup.server.shutDown()
  await until(() => setup.lines.some(({ level }) => level === 'warn'), () => 'the outage is logged')
  await setup.server.listen()
  await until(() => setup.server.watches.count === 5, () => 'all watches are open again')
  const said = setup.lines.filter(({ level }) => level !== 'debug').map(({ message }) => message)
  assert.deepEqual(said, ['the API server cannot be reached; retrying', 'the API server answers again'])
  assert.equal(setup.server.lists, 5)
})
