import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { findZone } from './node.ts'
import { FakeApiServer } from './testing/fake-apiserver.ts'
import { FAST_PROBE, TestTime, recordingLogger, until } from './testing/harness.ts'
import { ApiTransport } from './transport.ts'

const POD = { namespace: 'ours', name: 'pod-1' }

async function finding(context: TestContext) {
  const server = await FakeApiServer.start()
  const transport = new ApiTransport(server.kubeConfig(), FAST_PROBE)
  const { lines, log } = recordingLogger()
  const { signal } = new AbortController()
  context.after(async () => {
    await transport.close()
    await server.shutDown()
  })
  const zone = findZone({ transport, log, pod: POD, signal, timing: new TestTime().timing })
  return { server, zone, messages: () => lines.map(({ message }) => message) }
}

test('zone: that of the node of our pod, as soon as both can be read', async (context) => {
  const { server, zone, messages } = await finding(context)
  await until(() => messages().length > 0, () => 'nothing is said')
  server.store.put('/api/v1/nodes', { metadata: { name: 'node-1', labels: { 'topology.kubernetes.io/zone': 'west-1' } } })
  server.store.put('/api/v1/pods', { metadata: POD, spec: { nodeName: 'node-1' } })
  assert.equal(await zone, 'west-1')
  assert.deepEqual([messages()[0], messages().at(-1)], [
    'cannot read the zone of our node; retrying',
    'the zone of our node can be read',
  ])
})

test('zone: a node without one', async (context) => {
  const { server, zone } = await finding(context)
  server.store.put('/api/v1/nodes', { metadata: { name: 'node-1' } })
  server.store.put('/api/v1/pods', { metadata: POD, spec: { nodeName: 'node-1' } })
  assert.equal(await zone, undefined)
})
