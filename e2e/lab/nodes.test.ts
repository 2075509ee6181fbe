/** What nodes do for pods: ports, Services, and what is left when they are cordoned or cut off. */

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { V1Pod, V1Service } from '@kubernetes/client-node'
import { enterLab } from './enter.ts'
import { startLab } from './lab.ts'
import { nodeAddress } from './network.ts'
import { deploymentOf, readinessOf, serviceOf } from './testing.ts'

await enterLab()
const lab = await startLab({ nodes: 2 })
after(async () => { await lab.close() })

const namespace = 'default'
const NODE = '/app/node_modules/node/bin/node'

/** The pod that answers; undefined: none does so in time. */
async function answers(address: string, port: number): Promise<string | undefined> {
  const signal = AbortSignal.timeout(1000)
  const response = await fetch(`http://${address}:${port}/`, { headers: { connection: 'close' }, signal }).catch(() => undefined)
  return response?.headers.get('x-pod') ?? undefined
}

async function isAnswered({ metadata }: V1Pod, address: string, port: number): Promise<void> {
  await lab.waitFor(`an answer at ${address}:${port}`, async () => await answers(address, port) === metadata?.name)
}

async function onlyPod(name: string): Promise<V1Pod> {
  await lab.waitForDeployment(namespace, name)
  const [pod, ...more] = await lab.pods(namespace, `app=${name}`)
  assert.deepEqual(more, [])
  return pod ?? assert.fail('no pod')
}

function addressesOf(pod: V1Pod): { readonly own: string, readonly other: string } {
  const own = pod.status?.hostIP ?? ''
  return { own, other: [nodeAddress(0), nodeAddress(1)].find((address) => address !== own) ?? '' }
}

test('a pod in the network of its node has the node\'s address and ports', async () => {
  await lab.apply(deploymentOf('host', { pod: { hostNetwork: true, dnsPolicy: 'ClusterFirstWithHostNet' } }))
  const pod = await onlyPod('host')
  const { own, other } = addressesOf(pod)
  assert.equal(pod.status?.podIP, own)
  await isAnswered(pod, own, 3000)
  assert.equal(await answers(other, 3000), undefined)
  await lab.delete(deploymentOf('host'))
})

test('a host port leads to the pod, and keeps a second pod off the node', async () => {
  const container = { ports: [{ name: 'http', containerPort: 3000, hostPort: 8080 }] }
  await lab.apply(deploymentOf('port', { container }))
  const pod = await onlyPod('port')
  const { own, other } = addressesOf(pod)
  await isAnswered(pod, own, 8080)
  assert.equal(await answers(other, 8080), undefined)
  await lab.client.patch('apps/v1/Deployment', { namespace, name: 'port' }, { spec: { replicas: 3 } })
  const pods = await lab.waitFor('two on nodes, one without', async () => {
    const found = await lab.pods(namespace, 'app=port')
    const waiting = found.filter(({ status }) => status?.conditions?.some(({ reason }) => reason === 'Unschedulable'))
    const bound = found.filter(({ spec }) => spec?.nodeName !== undefined)
    return waiting.length === 1 && bound.length === 2 && bound
  })
  assert.deepEqual(pods.map(({ spec }) => spec?.nodeName).sort(), ['node-1', 'node-2'])
  await lab.delete(deploymentOf('port'))
})

test('a Service has an address for pods, and a port on each node', async () => {
  const container = { readinessProbe: readinessOf(undefined, 1) }
  await lab.apply([deploymentOf('service', { container }), serviceOf('service', { type: 'NodePort' })])
  const pod = await onlyPod('service')
  const { spec } = await lab.client.get<V1Service & object>('v1/Service', { namespace, name: 'service' })
  const nodePort = spec?.ports?.[0]?.nodePort ?? 0
  for (const node of [0, 1]) await isAnswered(pod, nodeAddress(node), nodePort)
  await lab.apply(deploymentOf('client', {}))
  const client = { namespace, pod: (await onlyPod('client')).metadata?.name ?? '' }
  const script = `fetch('http://${spec?.clusterIP}/').then(it => process.stdout.write(it.headers.get('x-pod')))`
  const { stdout, stderr } = await lab.exec(client, [NODE, '-e', script])
  assert.equal(stdout, pod.metadata?.name, stderr)
})

test('externalTrafficPolicy Local: only the node with the pod answers', async () => {
  const service = serviceOf('service', { type: 'NodePort' }) as { spec: object }
  await lab.apply({ ...service, spec: { ...service.spec, externalTrafficPolicy: 'Local' } } as object)
  const pod = await onlyPod('service')
  const { own, other } = addressesOf(pod)
  const { spec } = await lab.client.get<V1Service & object>('v1/Service', { namespace, name: 'service' })
  const nodePort = spec?.ports?.[0]?.nodePort ?? 0
  await lab.waitFor('the other node is no entry', async () => await answers(other, nodePort) === undefined)
  await isAnswered(pod, own, nodePort)
})

test('of a node that is cut off nothing is seen, and nothing changes', async () => {
  const pod = await onlyPod('service')
  const { metadata, spec, status } = pod
  const ready = async (): Promise<unknown> =>
    (await lab.client.get<V1Pod & object>('v1/Pod', { namespace, name: metadata?.name ?? '' })).status?.conditions
  const before = await ready()
  await lab.faults.disconnectNode(spec?.nodeName ?? '')
  assert.equal(await answers(status?.podIP ?? '', 3000), undefined)
  // Its readiness probe, once a second, would have failed by now.
  await assert.rejects(lab.waitFor('a change', async () => JSON.stringify(await ready()) !== JSON.stringify(before), {
    timeoutMs: 3000,
  }))
  await lab.faults.connectNode(spec?.nodeName ?? '')
  await isAnswered(pod, status?.podIP ?? '', 3000)
})
