import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { after, test } from 'node:test'
import { promisify } from 'node:util'
import { CoreV1Api, type V1Service } from '@kubernetes/client-node'
import { enterLab } from './enter.ts'
import { startLab } from './lab.ts'
import { deploymentOf, serviceOf } from './testing.ts'

await enterLab()
const lab = await startLab({ nodes: 2 })
after(async () => { await lab.close() })

const namespace = 'default'

test('pods of a Deployment become ready, reachable, and endpoints', async () => {
  await lab.apply([
    deploymentOf('echo', { image: 'registry.k8s.io/gateway-api/echo-basic:v1.6.3', path: '/health', replicas: 3 }),
    serviceOf('echo'),
  ])
  await lab.waitForDeployment(namespace, 'echo')
  const endpoints = await lab.waitFor('three ready endpoints', async () => {
    const found = await lab.endpoints(namespace, 'echo')
    return found.length === 3 && found.every(({ conditions }) => conditions?.ready) && found
  })
  const names = await Promise.all(endpoints.map(async ({ addresses: [address] }) => {
    const response = await fetch(`http://${address}:3000/`)
    return (await response.json() as { pod: string }).pod
  }))
  const pods = await lab.pods(namespace, 'app=echo')
  assert.deepEqual(names.sort(), pods.map((pod) => pod.metadata?.name).sort())
})

test('pods spread over the nodes, and anti-affinity keeps a second one off a node', async () => {
  const affinity = {
    podAntiAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: [
        { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app: 'apart' } } },
      ],
    },
  }
  await lab.apply(deploymentOf('apart', { replicas: 3, pod: { affinity } }))
  const pods = await lab.waitFor('two pods on nodes, one without', async () => {
    const found = await lab.pods(namespace, 'app=apart')
    const unschedulable = found.filter((pod) => pod.status?.conditions?.some(({ reason }) => reason === 'Unschedulable'))
    const bound = found.filter((pod) => pod.spec?.nodeName !== undefined)
    return unschedulable.length === 1 && bound.length === 2 && bound
  })
  assert.deepEqual(pods.map((pod) => pod.spec?.nodeName).sort(), ['node-1', 'node-2'])
  await lab.client.patch('apps/v1/Deployment', { namespace, name: 'apart' }, { spec: { replicas: 0 } })
})

test('a DaemonSet has a pod on each node', async () => {
  const { spec } = deploymentOf('daemon', {})
  await lab.apply({
    apiVersion: 'apps/v1', kind: 'DaemonSet', metadata: { name: 'daemon' },
    spec: { selector: spec.selector, template: spec.template },
  } as object)
  const pods = await lab.waitFor('two ready pods', async () => {
    const found = await lab.pods(namespace, 'app=daemon')
    return found.length === 2 && found.every((pod) => pod.status?.containerStatuses?.[0]?.ready) && found
  })
  assert.deepEqual(pods.map((pod) => pod.spec?.nodeName).sort(), ['node-1', 'node-2'])
  assert.deepEqual(pods.map((pod) => pod.status?.hostIP).sort(), ['198.18.0.1', '198.18.0.2'])
})

test('an unknown image leaves the pod Pending and says so', async () => {
  await lab.apply(deploymentOf('unknown', { image: 'docker.io/library/unknown:1' }))
  const pod = await lab.waitFor('a reason', async () => {
    const [found] = await lab.pods(namespace, 'app=unknown')
    return found?.status?.containerStatuses?.[0]?.state?.waiting?.reason === 'ErrImagePull' && found
  })
  assert.equal(pod.status?.phase, 'Pending')
  assert.match(pod.status?.message ?? '', /no image docker\.io\/library\/unknown:1/)
  await lab.delete(deploymentOf('unknown', {}))
})

test('a LoadBalancer Service gets an address that leads to its ready pods', async () => {
  await lab.apply([
    deploymentOf('balanced', { replicas: 2 }), serviceOf('balanced', { type: 'LoadBalancer', port: 3000 }),
  ])
  await lab.waitForDeployment(namespace, 'balanced')
  const service = await lab.waitForObject<V1Service & object>('v1/Service', { namespace, name: 'balanced' },
    ({ status }) => status?.loadBalancer?.ingress !== undefined)
  const address = service.status?.loadBalancer?.ingress?.[0]?.ip
  assert.match(address ?? '', /^198\.19\.0\./)
  const pods = new Set<string | null>()
  await lab.waitFor('an answer of each pod', async () => {
    const response = await fetch(`http://${address}:3000/`, { headers: { connection: 'close' } }).catch(() => undefined)
    pods.add(response?.headers.get('x-pod') ?? null)
    return pods.size >= 2 && !pods.has(null) || pods.size > 2
  })
})

test('the kubeconfig works for typed clients, and pod logs come through the apiserver', async () => {
  const [pod] = await lab.pods(namespace, 'app=echo')
  const name = pod?.metadata?.name ?? ''
  const core = lab.kubeConfig.makeApiClient(CoreV1Api)
  assert.equal((await core.readNamespacedPod({ namespace, name })).status?.phase, 'Running')
  const log = await core.readNamespacedPodLog({ namespace, name, container: 'main' })
  assert.match(log, /echo|server|Reporting/i)
  assert.equal(await lab.logs({ namespace, pod: name }), log)
})

test('nothing outside of the lab can be reached', async () => {
  const { stdout } = await promisify(execFile)('ip', ['-o', 'route', 'show', 'default'])
  assert.equal(stdout, '')
})
