/** From a Service port to the pods that answer. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { V1ServicePort } from '@kubernetes/client-node'
import type { KubernetesObject } from '../../lab/client.ts'
import { deploymentOf, LINGERING, mayEnd, serviceOf } from '../../lab/testing.ts'
import type { Controller } from '../controller.ts'
import { ask, askEcho } from '../http.ts'
import { ingressOf } from '../workload.ts'
import { destination } from './routing.ts'

const namespace = 'default'
/** More requests than the workers together need for a round over all endpoints. */
const MANY = 20

interface ServiceSpec {
  readonly selector?: Readonly<Record<string, string>>
  readonly ports: readonly Partial<V1ServicePort>[]
  readonly publishNotReadyAddresses?: boolean
}

function service(name: string, spec: ServiceSpec): KubernetesObject {
  return { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace }, spec } as KubernetesObject
}

/** An EndpointSlice by hand, of a Service that has no selector. */
function slice(name: string, serviceName: string, family: 'IPv4' | 'IPv6', addresses: readonly string[]): KubernetesObject {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name, namespace, labels: { 'kubernetes.io/service-name': serviceName } },
    addressType: family,
    ports: [{ name: '', port: 3000, protocol: 'TCP' }],
    endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
  } as KubernetesObject
}

/** A Deployment whose pods carry one more label, and serve on a port of this number under the name `http`. */
function serving(name: string, port: number, group: string): KubernetesObject {
  const deployment = deploymentOf(name, {
    container: { ports: [{ name: 'http', containerPort: port }], env: [{ name: 'PORT', value: String(port) }] },
  })
  const { metadata } = deployment.spec.template as { metadata: { labels: Record<string, string> } }
  metadata.labels['group'] = group
  return deployment
}

export function testBackends(controller: Controller): void {
  const { address, lab } = controller

  async function podsThatAnswer(host: string): Promise<string[]> {
    const pods = new Set<string>()
    for (let index = 0; index < MANY; index++) pods.add((await askEcho({ address, host })).pod)
    return [...pods].sort()
  }

  test('ports by number and by name', async () => {
    await lab.apply([
      service('ports', {
        selector: { app: 'one' },
        ports: [{ name: 'good', port: 80, targetPort: 'http' }, { name: 'silent', port: 81, targetPort: 3999 }],
      }),
      ingressOf('ports', {
        rules: [
          { host: 'ports.example', path: '/80', service: 'ports', port: 80 },
          { host: 'ports.example', path: '/81', service: 'ports', port: 81 },
          { host: 'ports.example', path: '/good', service: 'ports', port: 'good' },
          { host: 'ports.example', path: '/silent', service: 'ports', port: 'silent' },
          { host: 'ports.example', path: '/none', service: 'ports', port: 'none' },
        ],
      }),
    ])
    await lab.waitFor('the route', async () => await destination(controller, 'ports.example', '/80') === 'one')
    assert.equal(await destination(controller, 'ports.example', '/good'), 'one')
    // Nobody listens there.
    assert.equal(await destination(controller, 'ports.example', '/81'), 502)
    assert.equal(await destination(controller, 'ports.example', '/silent'), 502)
    assert.equal(await destination(controller, 'ports.example', '/none'), 503)
  })

  test('a named target port that differs from pod to pod', async () => {
    await lab.apply([
      serving('low', 3001, 'mixed'), serving('high', 3002, 'mixed'),
      service('mixed', { selector: { group: 'mixed' }, ports: [{ port: 80, targetPort: 'http' }] }),
      ingressOf('mixed', { rules: [{ host: 'mixed.example', service: 'mixed' }] }),
    ])
    await lab.waitForDeployment(namespace, 'low')
    await lab.waitForDeployment(namespace, 'high')
    const pods = (await lab.pods(namespace, 'group=mixed')).map(({ metadata }) => metadata?.name ?? '').sort()
    await lab.waitFor('both pods', async () => {
      const { status } = await ask({ address, host: 'mixed.example' })
      return status === 200 && (await podsThatAnswer('mixed.example')).length === 2
    })
    assert.deepEqual(await podsThatAnswer('mixed.example'), pods)
  })

  test('pods that are not ready are used only where the Service says so', async () => {
    const readinessProbe = { exec: { command: ['false'] } }
    await lab.apply([
      deploymentOf('unready', { container: { readinessProbe } }),
      service('careful', { selector: { app: 'unready' }, ports: [{ port: 80, targetPort: 'http' }] }),
      service('eager', {
        selector: { app: 'unready' }, ports: [{ port: 80, targetPort: 'http' }], publishNotReadyAddresses: true,
      }),
      ingressOf('unready', {
        rules: [{ host: 'careful.example', service: 'careful' }, { host: 'eager.example', service: 'eager' }],
      }),
    ])
    await lab.waitFor('an answer', async () => await destination(controller, 'eager.example') === 'unready')
    assert.equal(await destination(controller, 'careful.example'), 503)
  })

  test('endpoints that terminate are used when nothing else is left', async () => {
    await lab.apply([
      deploymentOf('leaving', LINGERING), serviceOf('leaving'), ingressOf('leaving', { rules: [{ host: 'leaving.example', service: 'leaving' }] }),
    ])
    await lab.waitFor('the route', async () => await destination(controller, 'leaving.example') === 'leaving')
    const [pod] = await lab.pods(namespace, 'app=leaving')
    await lab.client.patch('apps/v1/Deployment', { namespace, name: 'leaving' }, { spec: { replicas: 0 } })
    await lab.waitFor('a terminating endpoint', async () =>
      (await lab.endpoints(namespace, 'leaving')).some(({ conditions }) => conditions?.terminating && conditions.serving))
    assert.equal(await destination(controller, 'leaving.example'), 'leaving')
    await mayEnd(lab, { namespace, pod: pod?.metadata?.name ?? '' })
    await lab.waitFor('no endpoint', async () => (await lab.endpoints(namespace, 'leaving')).length === 0)
    await lab.waitFor('an answer without one', async () => await destination(controller, 'leaving.example') === 503)
  })

  test('an address family that the proxy does not have is left out, and a forbidden address is told', async () => {
    const [pod] = await lab.pods(namespace, 'app=one')
    await lab.apply([
      service('families', { ports: [{ port: 80 }] }),
      slice('families-4', 'families', 'IPv4', [pod?.status?.podIP ?? '']),
      slice('families-6', 'families', 'IPv6', ['2001:db8::1', '2001:db8::2']),
      ingressOf('families', { rules: [{ host: 'families.example', service: 'families' }] }),
    ])
    await lab.waitFor('the route', async () => await destination(controller, 'families.example') === 'one')
    assert.deepEqual(await podsThatAnswer('families.example'), [pod?.metadata?.name])

    // The apiserver refuses loopback and link-local addresses itself, but not those of the proxy.
    const own = lab.podAddress(controller.openresty)
    await lab.apply(slice('families-4', 'families', 'IPv4', [own]))
    await lab.waitFor('a finding', async () =>
      (await controller.findings()).some(({ reason, origin }) => reason === 'RefusedEndpoint' && origin.name === 'families'))
    await lab.waitFor('no answer', async () => await destination(controller, 'families.example') === 503)
  })
}
