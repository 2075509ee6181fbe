/** Each overlay on three nodes: traffic through the nodes' addresses, updates, drains, a lost node. */

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { V1Ingress, V1Service } from '@kubernetes/client-node'
import { enterLab } from '../lab/enter.ts'
import { startLab } from '../lab/lab.ts'
import { nodeAddress, OUTSIDE_ADDRESS } from '../lab/network.ts'
import { describeFailure } from '../load/load.ts'
import type { LoadReport } from '../load/types.ts'
import { ConnectionBalancer } from './connection-balancer.ts'
import { variantUnderTest, type Controller } from './controller.ts'
import { churn } from './high-availability/churn.ts'
import { ExternalBalancer, type BalancerTarget } from './high-availability/external-balancer.ts'
import { run } from './high-availability/kubectl.ts'
import { evict } from './high-availability/nodes.ts'
import { NAMESPACE, removeOverlay, replicas, rolledOut, rollingUpdate } from './high-availability/overlay.ts'
import { ask, askEcho } from './http.ts'
import { assertNothingLost, underLoad } from './traffic.ts'
import { ingressOf, startEcho } from './workload.ts'

const variant = variantUnderTest()
await enterLab({ variant })
const lab = await startLab({ variant, nodes: 3 })
after(async () => { await lab.close() })

const HOST = 'echo.example'
const NODES = ['node-1', 'node-2', 'node-3']
const ADDRESSES = NODES.map((_, index) => nodeAddress(index))
/** Where clients come to a node, and where it says whether they should. */
const NODE_PORTS = { port: 80, healthPort: 10254 }
const SERVICE_PORTS = { port: 30080, healthPort: 30254 }
const TCP_PORT = 9000
/** Of the balancer of a cloud: well within the grace period. */
const LAG_MS = 500
const requests = [{ host: HOST }]
/** Of the churn. */
const SEED = 20
const CHANGES = 150

for (const node of NODES) await run(lab, `kubectl label node ${node} node-role.kubernetes.io/ingress=`)
// One endpoint on each node, also after a drain: the loss of a node is never that of most of them.
await startEcho(lab, 'echo', { replicas: NODES.length, pod: { affinity: { podAntiAffinity: {
  requiredDuringSchedulingIgnoredDuringExecution: [
    { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app: 'echo' } } },
  ],
} } } })
await lab.apply(ingressOf('echo', {
  rules: [{ host: HOST, service: 'echo' }],
  // How long a client waits for an endpoint on a lost node, over a new or a kept connection, until the next one
  // is tried.
  annotations: {
    'nginx.ingress.kubernetes.io/proxy-connect-timeout': '1', 'nginx.ingress.kubernetes.io/proxy-read-timeout': '3',
  },
}))

function targets(ports: Omit<BalancerTarget, 'address'>): BalancerTarget[] {
  return ADDRESSES.map((address) => ({ address, ...ports }))
}

/** The overlay, a load balancer in front of it, and what both do when all is well. */
async function withOverlay(
  name: string, ports: Omit<BalancerTarget, 'address'>, work: (balancer: ExternalBalancer) => Promise<void>,
): Promise<void> {
  await run(lab, `kubectl apply -k manifests/${name}`)
  const balancer = await ExternalBalancer.start(targets(ports))
  try {
    await allHealthy(balancer)
    await work(balancer)
  } finally {
    balancer.close()
    await removeOverlay(lab)
  }
}

async function allHealthy(balancer: ExternalBalancer): Promise<void> {
  await lab.waitFor('three healthy nodes', () => balancer.healthy.length === NODES.length)
}

/** Each node answers for itself, and tells the backend who asked. */
async function assertNodesAnswer(port: number): Promise<void> {
  for (const address of ADDRESSES) {
    const { headers } = await askEcho({ address, port, host: HOST })
    assert.equal(headers['x-real-ip'], OUTSIDE_ADDRESS)
  }
}

/** What OpenResty has applied, and what the sidecar says of it. The self-signed certificate is each replica's own. */
async function recordsOf(replica: Controller): Promise<ReadonlyMap<string, string>> {
  const [records, digests] = [await replica.records(), await replica.digests()]
  const keys = [...records.keys()].filter((key) => key !== 'certificate/default')
  return new Map(keys.map((key) => [key, `${digests[key]} ${records.get(key)}`]))
}

/** Keys of which not all replicas say the same. */
async function differences(): Promise<string[]> {
  const [first = new Map<string, string>(), ...others] = await Promise.all((await replicas(lab)).map(recordsOf))
  const keys = new Set([first, ...others].flatMap((records) => [...records.keys()]))
  return [...keys].filter((key) => others.some((records) => records.get(key) !== first.get(key)))
}

/** In the network of the node a port of layer 4 is one of the node, without a word in the manifests. */
async function assertTcpPorts(): Promise<void> {
  await lab.apply({
    apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'tcp-services', namespace: NAMESPACE },
    data: { [TCP_PORT]: 'default/echo:80' },
  } as object)
  for (const address of ADDRESSES) {
    await lab.waitFor(`the TCP port of ${address}`, async () =>
      await ask({ address, port: TCP_PORT, host: HOST }).then(({ status }) => status === 200, () => false))
  }
  await lab.client.delete('v1/ConfigMap', { namespace: NAMESPACE, name: 'tcp-services' })
}

/** What the status of the Ingress says. */
async function published(): Promise<string[]> {
  const { status } = await lab.client.get<V1Ingress & object>('networking.k8s.io/v1/Ingress', { namespace: 'default', name: 'echo' })
  return (status?.loadBalancer?.ingress ?? []).map(({ ip = '' }) => ip).sort()
}

async function assertLossFree(report: LoadReport): Promise<void> {
  const [controller] = await replicas(lab)
  if (controller !== undefined) assertNothingLost(report, await controller.status())
}

test('daemonset-hostnetwork: every node answers on its own ports, and an update loses nothing', async (t) => {
  await withOverlay('daemonset-hostnetwork', NODE_PORTS, async (balancer) => {
    await assertNodesAnswer(80)
    for (const { address } of await replicas(lab)) assert.ok(ADDRESSES.includes(address))
    await assertTcpPorts()
    await lab.waitFor('all nodes in the status', async () => (await published()).join() === ADDRESSES.join())
    const report = await underLoad({ ...balancer.endpoint, requests }, async () => {
      await rollingUpdate(lab)
      await allHealthy(balancer)
    })
    await assertLossFree(report)
    t.diagnostic(`${report.failed} of ${report.requests} requests failed`)
  })
})

test('daemonset-hostport: a node that loses its label leaves without a loss, and comes back', async (t) => {
  await withOverlay('daemonset-hostport', NODE_PORTS, async (balancer) => {
    await assertNodesAnswer(80)
    const report = await underLoad({ ...balancer.endpoint, requests }, async (load) => {
      await run(lab, 'kubectl label node node-2 node-role.kubernetes.io/ingress-')
      await lab.waitFor('two pods', async () => (await replicas(lab)).length === 2)
      await lab.waitFor('the balancer to know', () => balancer.healthy.length === 2)
      await load.more(100)
      await run(lab, 'kubectl label node node-2 node-role.kubernetes.io/ingress=')
      await rolledOut(lab)
      await allHealthy(balancer)
    })
    await assertLossFree(report)
    t.diagnostic(`${report.failed} of ${report.requests} requests failed`)
  })
})

test('loadbalancer: the address of the Service leads to both pods, and a drain loses nothing', async (t) => {
  await run(lab, 'kubectl apply -k manifests/loadbalancer')
  try {
    const { status } = await lab.waitForObject<V1Service & object>('v1/Service', { namespace: NAMESPACE, name: 'resty-ingress' },
      (service) => service.status?.loadBalancer?.ingress !== undefined)
    const address = status?.loadBalancer?.ingress?.[0]?.ip ?? ''
    await lab.waitFor('an answer', async () => await ask({ address, host: HOST }).then((it) => it.status === 200, () => false))
    assert.equal((await askEcho({ address, host: HOST })).headers['x-real-ip'], OUTSIDE_ADDRESS)
    const balancer = await ConnectionBalancer.start({ lab, namespace: NAMESPACE, service: 'resty-ingress', lagMs: LAG_MS })
    t.after(async () => { await balancer.close() })
    const report = await underLoad({ ...balancer.endpoint, requests }, async (load) => {
      const nodes = (await lab.pods(NAMESPACE)).map(({ spec }) => spec?.nodeName ?? '')
      assert.equal(new Set(nodes).size, 2)
      await run(lab, `kubectl drain ${nodes[0]} --ignore-daemonsets --delete-emptydir-data`)
      await rolledOut(lab)
      await load.more(100)
      await run(lab, `kubectl uncordon ${nodes[0]}`)
      await lab.waitForEndpoints('default', 'echo', NODES.length)
    })
    await assertLossFree(report)
    t.diagnostic(`${report.failed} of ${report.requests} requests failed`)
  } finally {
    await removeOverlay(lab)
  }
})

test('deployment', async (t) => {
  await withOverlay('deployment', SERVICE_PORTS, async (balancer) => {
    await t.test('every node answers on its node port', async () => { await assertNodesAnswer(SERVICE_PORTS.port) })

    await t.test('replicas agree, whatever they have been through', async () => {
      await churn(lab, SEED, CHANGES)
      await lab.apply(ingressOf('last', { rules: [{ host: 'last.example', service: 'echo' }] }))
      await lab.waitFor('equal records', async () => (await differences()).length === 0)
      const [first = new Map<string, string>()] = await Promise.all((await replicas(lab)).map(recordsOf))
      assert.ok(first.has('host/default/last.example'))
      assert.ok([...first.keys()].filter((key) => key.startsWith('host/')).length > 2)
    })

    await t.test('an update loses nothing, and what begins anew has the same records and configuration', async (each) => {
      const report = await underLoad({ ...balancer.endpoint, requests }, async () => { await rollingUpdate(lab) })
      await assertLossFree(report)
      await lab.waitFor('equal records', async () => (await differences()).length === 0)
      const configurations = await Promise.all((await replicas(lab)).map(async (replica) => await replica.nginxConf()))
      assert.equal(new Set(configurations).size, 1)
      each.diagnostic(`${report.failed} of ${report.requests} requests failed`)
    })

    await t.test('a drain loses nothing, and the budget keeps a second one waiting', async (each) => {
      await allHealthy(balancer)
      const report = await underLoad({ ...balancer.endpoint, requests }, async (load) => {
        await run(lab, 'kubectl drain node-1 --ignore-daemonsets --delete-emptydir-data')
        await load.more(100)
        const [second] = (await lab.pods(NAMESPACE)).filter(({ spec }) => spec?.nodeName === 'node-2')
        assert.ok(second)
        assert.equal(await evict(lab, second), false)
        await run(lab, 'kubectl uncordon node-1')
        await rolledOut(lab)
        await lab.waitForEndpoints('default', 'echo', NODES.length)
        await allHealthy(balancer)
      })
      await assertLossFree(report)
      each.diagnostic(`${report.failed} of ${report.requests} requests failed`)
    })

    await t.test('of a lost node only what it had in hand fails', async (each) => {
      const [lost = ''] = ADDRESSES.slice(2)
      const report = await underLoad({ ...balancer.endpoint, requests }, async (load) => {
        await lab.faults.disconnectNode('node-3')
        await lab.waitFor('the balancer to know', () => !balancer.healthy.includes(lost))
        await load.more(300)
      })
      await lab.faults.connectNode('node-3')
      const elsewhere = report.failures.filter(({ localPort }) => !balancer.wasLedTo(lost, localPort))
      assert.deepEqual(elsewhere.map(describeFailure), [])
      assert.equal(report.failures.length, report.failed)
      each.diagnostic(`${report.failed} of ${report.requests} requests failed, all of them on the lost node`)
    })
  })
})
