import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { V1Affinity, V1Node, V1Pod } from '@kubernetes/client-node'
import { chooseNode } from './scheduler.ts'

const nodes: V1Node[] = ['one', 'two'].map((name) => ({ metadata: { name, labels: { zone: `zone-${name}`, kind: 'lab' } } }))

function pod(labels: Record<string, string>, spec: Partial<NonNullable<V1Pod['spec']>> = {}): V1Pod {
  return { metadata: { name: 'pod', namespace: 'default', labels }, spec: { containers: [], ...spec } }
}

function apart(topologyKey: string, app: string): V1Affinity {
  return {
    podAntiAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: [
        { topologyKey, labelSelector: { matchExpressions: [{ key: 'app', operator: 'In', values: [app] }] } },
      ],
    },
  }
}

test('the node with the fewest pods is chosen', () => {
  assert.deepEqual(chooseNode(pod({}), nodes, [pod({}, { nodeName: 'one' })]), { node: 'two' })
})

test('a node selector must match all its labels', () => {
  assert.deepEqual(chooseNode(pod({}, { nodeSelector: { kind: 'lab', zone: 'zone-two' } }), nodes, []), { node: 'two' })
  assert.ok('message' in chooseNode(pod({}, { nodeSelector: { zone: 'zone-three' } }), nodes, []))
})

test('node affinity by name, as the pods of a DaemonSet have it', () => {
  const affinity = (name: string): V1Affinity => ({
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [name] }] }],
      },
    },
  })
  assert.deepEqual(chooseNode(pod({}, { affinity: affinity('two') }), nodes, []), { node: 'two' })
  assert.ok('message' in chooseNode(pod({}, { affinity: affinity('three') }), nodes, []))
})

test('anti-affinity keeps out of a zone where such a pod is, in the same namespace only', () => {
  const there = pod({ app: 'web' }, { nodeName: 'one' })
  assert.deepEqual(chooseNode(pod({}, { affinity: apart('zone', 'web') }), nodes, [there, there]), { node: 'two' })
  const elsewhere = { ...there, metadata: { ...there.metadata, namespace: 'other' } }
  const busy = pod({}, { nodeName: 'two' })
  const many = [elsewhere, busy, busy]
  assert.deepEqual(chooseNode(pod({}, { affinity: apart('zone', 'web') }), nodes, many), { node: 'one' })
  assert.ok('message' in chooseNode(pod({}, { affinity: apart('kind', 'web') }), nodes, [there]))
})

test('a cordoned node takes only pods that tolerate it', () => {
  const cordoned = nodes.map((node) => node.metadata?.name === 'one' ? { ...node, spec: { unschedulable: true } } : node)
  const busy = pod({}, { nodeName: 'two' })
  assert.deepEqual(chooseNode(pod({}), cordoned, [busy]), { node: 'two' })
  const tolerations = [{ key: 'node.kubernetes.io/unschedulable', operator: 'Exists' }]
  assert.deepEqual(chooseNode(pod({}, { tolerations }), cordoned, [busy]), { node: 'one' })
})

test('a port of a node is there once, for each protocol', () => {
  const listening = (protocol: string): V1Pod['spec'] =>
    ({ containers: [{ name: 'main', ports: [{ containerPort: 80, hostPort: 80, protocol }] }] })
  const there = nodes.map(({ metadata }) => pod({}, { ...listening('TCP'), nodeName: metadata?.name ?? '' }))
  assert.ok('message' in chooseNode(pod({}, listening('TCP')), nodes, there))
  assert.deepEqual(chooseNode(pod({}, listening('UDP')), nodes, there), { node: 'one' })
  assert.deepEqual(chooseNode(pod({}, listening('TCP')), nodes, there.slice(0, 1)), { node: 'two' })
})
