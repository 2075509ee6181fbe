import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { canonical, nodeAddresses, parseAddressList, serviceAddresses } from './address.ts'
import type { Address } from './address.ts'
import { AddressPublisher } from './publish.ts'
import type { AddressOrigin } from './publish.ts'
import { asRawObject } from './resource.ts'
import { FakeApiServer } from './testing/fake-apiserver.ts'
import { FAST_PROBE, TestTime, recordingLogger, until } from './testing/harness.ts'
import { ApiTransport } from './transport.ts'

const INGRESS_POINTS = { loadBalancer: { ingress: [{ ip: '198.18.0.7', ports: [] }, { hostname: 'lb.example' }, {}, 1] } }

const SERVICES: readonly { readonly name: string; readonly spec: object; readonly expected: readonly Address[] }[] = [
  { name: 'ClusterIP', spec: { type: 'ClusterIP', clusterIP: '10.96.0.9' }, expected: [{ ip: '10.96.0.9' }] },
  { name: 'headless', spec: { type: 'ClusterIP', clusterIP: 'None' }, expected: [] },
  { name: 'NodePort', spec: { type: 'NodePort', clusterIP: '10.96.0.9' }, expected: [{ ip: '10.96.0.9' }] },
  {
    name: 'NodePort with external IPs',
    spec: { type: 'NodePort', clusterIP: '10.96.0.9', externalIPs: ['198.18.0.1', '2001:db8::1'] },
    expected: [{ ip: '198.18.0.1' }, { ip: '2001:db8::1' }],
  },
  { name: 'ExternalName', spec: { type: 'ExternalName', externalName: 'edge.example' }, expected: [{ hostname: 'edge.example' }] },
  {
    name: 'LoadBalancer with external IPs',
    spec: { type: 'LoadBalancer', clusterIP: '10.96.0.9', externalIPs: ['198.18.0.7', '198.18.0.8'] },
    expected: [{ ip: '198.18.0.7' }, { ip: '198.18.0.8' }, { hostname: 'lb.example' }],
  },
]

for (const { name, spec, expected } of SERVICES) {
  test(`publish: the addresses of a Service: ${name}`, () => {
    const service = asRawObject({ metadata: { name: 'edge' }, spec, status: INGRESS_POINTS })
    assert.deepEqual(canonical(serviceAddresses(service)), expected)
  })
}

test('publish: a node shows its external address, unless the internal one is wanted or the only one', () => {
  const internal = { type: 'InternalIP', address: '10.0.0.1' }
  const external = { type: 'ExternalIP', address: '198.18.0.1' }
  const node = (addresses: unknown): ReturnType<typeof asRawObject> => {
    return asRawObject({ metadata: { name: 'n' }, status: { addresses } })
  }
  const hostname = { type: 'Hostname', address: 'n' }
  assert.deepEqual(nodeAddresses(node([hostname, internal, external]), false), [{ ip: '198.18.0.1' }])
  assert.deepEqual(nodeAddresses(node([hostname, internal, external]), true), [{ ip: '10.0.0.1' }])
  assert.deepEqual(nodeAddresses(node([internal, hostname]), false), [{ ip: '10.0.0.1' }])
  assert.deepEqual(nodeAddresses(node(undefined), false), [])
})

test('publish: a list of addresses', () => {
  assert.deepEqual(parseAddressList('lb.example, 198.18.0.2,2001:db8::1 ,198.18.0.2'), {
    ok: true,
    addresses: [{ ip: '198.18.0.2' }, { ip: '2001:db8::1' }, { hostname: 'lb.example' }],
  })
  for (const wrong of ['a_b', '198.18.0.1:80', 'http://x', 'UPPER.example', '-a']) {
    assert.deepEqual(parseAddressList(`198.18.0.2,${wrong}`), {
      ok: false,
      message: `${wrong} is neither an IP address nor a host name`,
    })
  }
})

/** Milliseconds: longer than any test. */
const INTERVAL = 60_000

interface Setup {
  readonly server: FakeApiServer
  readonly published: string[]
  readonly messages: () => string[]
}

async function publishing(
  context: TestContext,
  origin: AddressOrigin,
  prepare: (server: FakeApiServer) => void = () => undefined,
): Promise<Setup> {
  const server = await FakeApiServer.start()
  prepare(server)
  const transport = new ApiTransport(server.kubeConfig(), FAST_PROBE)
  const published: string[] = []
  const { lines, log } = recordingLogger()
  const publisher = new AddressPublisher({
    transport,
    log,
    origin,
    changed: (addresses) => published.push(JSON.stringify(addresses)),
    interval: INTERVAL,
    timing: new TestTime().timing,
  })
  publisher.start()
  context.after(async () => {
    await publisher.stop()
    await transport.close()
    await server.shutDown()
  })
  return { server, published, messages: () => lines.map(({ message }) => message) }
}

test('publish: a Service is followed; when it is gone the last addresses stay', async (context) => {
  const service = { namespace: 'ours', name: 'edge' }
  const { server, published, messages } = await publishing(context, { from: 'service', service })
  await until(() => messages().includes('there is no Service to take addresses from'), () => 'it is said')
  const spec = { type: 'LoadBalancer' }
  server.store.put('/api/v1/services', { metadata: service, spec })
  await until(() => published.length === 1, () => 'pending')
  server.store.put('/api/v1/services', { metadata: service, spec, status: INGRESS_POINTS })
  await until(() => published.length === 2, () => 'addresses')
  server.store.put('/api/v1/services', { metadata: { ...service, labels: {} }, spec, status: INGRESS_POINTS })
  server.store.remove('/api/v1/services', service)
  server.store.put('/api/v1/services', { metadata: service, spec: { ...spec, externalIPs: ['198.18.0.9'] } })
  await until(() => published.length === 3, () => 'changed')
  assert.deepEqual(published, [
    '[]',
    '[{"ip":"198.18.0.7"},{"hostname":"lb.example"}]',
    '[{"ip":"198.18.0.9"}]',
  ])
})

const LABELS = { app: 'ours', 'pod-template-hash': '1' }

function putPod(server: FakeApiServer, name: string, node: string, extra: object = {}): void {
  const status = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] }
  const metadata = { namespace: 'ours', name, labels: { ...LABELS, 'topology.kubernetes.io/zone': node } }
  server.store.put('/api/v1/pods', { metadata, spec: { nodeName: node }, status, ...extra })
}

function putNode(server: FakeApiServer, name: string, address: string): void {
  server.store.put('/api/v1/nodes', { metadata: { name }, status: { addresses: [{ type: 'InternalIP', address }] } })
}

test('publish: else the nodes of all replicas that are ready', async (context) => {
  const pod = { namespace: 'ours', name: 'pod-1' }
  const { server, published } = await publishing(context, { from: 'nodes', pod, internal: false }, (it) => {
    putPod(it, 'pod-1', 'node-1')
    putPod(it, 'pod-2', 'node-2', { status: { phase: 'Pending' } })
    putPod(it, 'stranger', 'node-3', { metadata: { namespace: 'ours', name: 'stranger', labels: { app: 'other' } } })
    for (const number of [1, 2, 3]) putNode(it, `node-${number}`, `198.18.0.${number}`)
  })
  await until(() => published.length === 1, () => 'the first')
  // Of the next version: the hash of its template is another one.
  const metadata = { namespace: 'ours', name: 'pod-2', labels: { ...LABELS, 'pod-template-hash': '2' } }
  putPod(server, 'pod-2', 'node-2', { metadata })
  await until(() => published.length === 2, () => 'both')
  server.store.remove('/api/v1/pods', pod)
  await until(() => published.length === 3, () => 'the second')
  assert.deepEqual(published, [
    '[{"ip":"198.18.0.1"}]',
    '[{"ip":"198.18.0.1"},{"ip":"198.18.0.2"}]',
    '[{"ip":"198.18.0.2"}]',
  ])
})

test('publish: while no replica is ready, the last addresses stay', async (context) => {
  const pod = { namespace: 'ours', name: 'pod-1' }
  const { server, published } = await publishing(context, { from: 'nodes', pod, internal: false }, (it) => {
    putPod(it, 'pod-1', 'node-1')
    putNode(it, 'node-1', '198.18.0.1')
    putNode(it, 'node-2', '198.18.0.2')
  })
  await until(() => published.length === 1, () => 'the first')
  putPod(server, 'pod-1', 'node-1', { status: { phase: 'Running' } })
  putPod(server, 'pod-1', 'node-2')
  await until(() => published.length === 2, () => 'the second')
  assert.deepEqual(published, ['[{"ip":"198.18.0.1"}]', '[{"ip":"198.18.0.2"}]'])
})

test('publish: a list needs no server', async (context) => {
  const { server, published } = await publishing(context, { from: 'list', addresses: [{ ip: '198.18.0.1' }] })
  await until(() => published.length === 1, () => 'published')
  assert.deepEqual(server.requests, [])
})
