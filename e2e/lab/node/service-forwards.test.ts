import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { V1Endpoint, V1ServiceSpec } from '@kubernetes/client-node'
import { isEntry, serviceForwards, type ServiceState } from './service-forwards.ts'

const ONE = { name: 'one', address: '198.18.0.1' }
const TWO = { name: 'two', address: '198.18.0.2' }
const READY = { ready: true, serving: true, terminating: false }
const ENDING = { ready: false, serving: true, terminating: true }
const GONE = { ready: false, serving: false, terminating: true }

function endpoint(address: string, nodeName: string, conditions: V1Endpoint['conditions'] = READY): V1Endpoint {
  return { addresses: [address], nodeName, conditions }
}

function state(
  spec: Partial<V1ServiceSpec>, endpoints: readonly V1Endpoint[], loadBalancerAddress?: string,
): ServiceState {
  const slice = { addressType: 'IPv4', ports: [{ name: 'http', port: 8080 }], endpoints: [...endpoints] }
  return {
    service: { spec: { clusterIPs: ['198.19.64.7'], ports: [{ name: 'http', port: 80, nodePort: 30080 }], ...spec } },
    slices: [{ ...slice, metadata: {} }],
    loadBalancerAddress,
  }
}

/** Way in -> targets. */
function ways(of: ServiceState, node: typeof ONE): Record<string, string> {
  return Object.fromEntries(serviceForwards(of, node).map(({ address, port, targets, masquerade }) =>
    [`${address}:${port}`, `${targets.map((to) => `${to.address}:${to.port}`).join()}${masquerade ? ' as node' : ''}`]))
}

test('every way in leads to all ready endpoints, from outside as the node', () => {
  const both = state({}, [endpoint('198.18.16.1', 'one'), endpoint('198.18.32.1', 'two')], '198.19.0.1')
  const targets = '198.18.16.1:8080,198.18.32.1:8080'
  assert.deepEqual(ways(both, TWO), {
    '198.19.64.7:80': targets, '198.18.0.2:30080': `${targets} as node`, '198.19.0.1:80': `${targets} as node`,
  })
})

test('externalTrafficPolicy Local: only a node with a ready pod is an entry, and the client is seen', () => {
  const local = state({ externalTrafficPolicy: 'Local' }, [endpoint('198.18.16.1', 'one')], '198.19.0.1')
  assert.deepEqual(ways(local, ONE), {
    '198.19.64.7:80': '198.18.16.1:8080', '198.18.0.1:30080': '198.18.16.1:8080', '198.19.0.1:80': '198.18.16.1:8080',
  })
  assert.deepEqual(ways(local, TWO), { '198.19.64.7:80': '198.18.16.1:8080' })
  assert.deepEqual([isEntry(local, ONE), isEntry(local, TWO)], [true, false])
})

test('what is ending is used only where nothing is ready, and what does not serve never', () => {
  const [ready, ending] = [endpoint('198.18.16.1', 'one'), endpoint('198.18.16.2', 'one', ENDING)]
  const gone = endpoint('198.18.16.3', 'one', GONE)
  assert.equal(ways(state({}, [ready, ending, gone]), ONE)['198.19.64.7:80'], '198.18.16.1:8080')
  assert.equal(ways(state({}, [ending, gone]), ONE)['198.19.64.7:80'], '198.18.16.2:8080')
  assert.deepEqual(ways(state({}, [gone]), ONE), {})
})

test('a port without a slice, a Service without an address and IPv6 lead nowhere', () => {
  const endpoints = [endpoint('198.18.16.1', 'one')]
  assert.deepEqual(ways(state({ ports: [{ name: 'other', port: 80 }] }, endpoints), ONE), {})
  assert.deepEqual(ways(state({ clusterIPs: ['None', '2001:db8::1'], ports: [{ name: 'http', port: 80 }] }, endpoints), ONE), {})
})
