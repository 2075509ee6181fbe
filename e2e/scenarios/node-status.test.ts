/** Where nodes take the traffic, the status names all nodes that run a replica, and none when the last has ended. */

import { after, test } from 'node:test'
import type { V1Ingress } from '@kubernetes/client-node'
import { enterLab } from '../lab/enter.ts'
import { startLab } from '../lab/lab.ts'
import { nodeAddress } from '../lab/network.ts'
import { variantUnderTest } from './controller.ts'
import { labelNode } from './high-availability/nodes.ts'
import { installOverlay, NAMESPACE } from './high-availability/overlay.ts'
import { lastingLeader } from './leader.ts'
import { ingressOf, startEcho } from './workload.ts'

const variant = variantUnderTest()
await enterLab({ variant })
const lab = await startLab({ variant, nodes: 3 })
after(async () => { await lab.close() })

const NODES = ['node-1', 'node-2', 'node-3']

/** The addresses of so many of the nodes, from the first on. */
async function published(count: number): Promise<void> {
  const expected = NODES.slice(0, count).map((_, index) => nodeAddress(index)).join()
  await lab.waitFor(`the status says ${expected}`, async () => {
    const { status } = await lab.client.get<V1Ingress & object>('networking.k8s.io/v1/Ingress', {
      namespace: 'default', name: 'echo',
    })
    return (status?.loadBalancer?.ingress ?? []).map(({ ip = '' }) => ip).join() === expected
  })
}

test('status follows the nodes with a ready replica', async () => {
  await labelNode(lab, 'node-1')
  await labelNode(lab, 'node-2')
  await installOverlay(lab, 'daemonset-hostport')
  await startEcho(lab, 'echo')
  await lab.apply(ingressOf('echo', { rules: [{ host: 'echo.example', service: 'echo' }] }))
  await published(2)
  await labelNode(lab, 'node-3')
  await published(3)
  await labelNode(lab, 'node-3', false)
  await published(2)
})

test('with the last replica the addresses are taken back', async () => {
  await labelNode(lab, 'node-2', false)
  await published(1)
  // Who does not lead takes nothing back, and who is about to end does not begin to lead.
  await lastingLeader(lab, NAMESPACE)
  await labelNode(lab, 'node-1', false)
  await published(0)
})
