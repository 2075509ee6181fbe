/** `status.loadBalancer`: written when the route is served, and only to what is ours. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { V1Ingress } from '@kubernetes/client-node'
import type { Controller } from '../controller.ts'
import { ask } from '../http.ts'
import { ingressOf } from '../workload.ts'
import { destination } from './routing.ts'

const KIND = 'networking.k8s.io/v1/Ingress'
const OTHER_CONTROLLER = '203.0.113.7'

/** The addresses in the status of an Ingress. */
export async function publishedAddresses(controller: Controller, name: string, namespace = 'default'): Promise<string[]> {
  const { status } = await controller.lab.client.get<V1Ingress & object>(KIND, { namespace, name })
  return (status?.loadBalancer?.ingress ?? []).map(({ ip = '' }) => ip)
}

export function testStatus(controller: Controller): void {
  const { address, lab } = controller

  test('the address is written when every worker serves the route, not before', async () => {
    const pids = (await controller.generation()).workers.join(' ')
    const signal = async (name: string): Promise<void> => {
      const { code, stderr } = await lab.exec(controller.openresty, ['sh', '-c', `kill -${name} ${pids}`])
      assert.equal(code, 0, stderr)
    }
    await signal('STOP')
    // With an annotation that is reported, so that it is known when the Ingress has been looked at.
    const annotations = { 'nginx.ingress.kubernetes.io/unheard-of': 'x' }
    await lab.apply(ingressOf('status', { annotations, rules: [{ host: 'status.example', service: 'one' }] }))
    await lab.waitFor('the finding', async () => (await controller.findings()).some(({ origin }) => origin.name === 'status'))
    assert.deepEqual(await publishedAddresses(controller, 'status'), [])
    await signal('CONT')
    await lab.waitFor('the address', async () => (await publishedAddresses(controller, 'status')).includes(address))
    // Not through the load balancer: it may have left out a pod that did not answer for a while.
    const pod = lab.podAddress(controller.openresty)
    assert.equal((await ask({ address: pod, host: 'status.example' })).status, 200)
    await lab.waitFor('the load balancer to follow', async () =>
      await destination(controller, 'status.example').catch(() => undefined) === 'one')
  })

  test('an Ingress that now belongs to someone else is left alone', async () => {
    await lab.apply(ingressOf('given', { rules: [{ host: 'given.example', service: 'one' }] }))
    await lab.waitFor('the address', async () => (await publishedAddresses(controller, 'given')).includes(address))
    await lab.apply(ingressOf('given', { className: 'foreign', rules: [{ host: 'given.example', service: 'one' }] }))
    await lab.waitFor('it is not served any more', async () => await destination(controller, 'given.example') === 404)
    const status = { loadBalancer: { ingress: [{ ip: OTHER_CONTROLLER }] } }
    await lab.client.patch(KIND, { namespace: 'default', name: 'given' }, { status }, 'status')
    // Whatever would be written to the one is written before this.
    await lab.apply(ingressOf('after-given', { rules: [{ host: 'after-given.example', service: 'one' }] }))
    await lab.waitFor('the address', async () => (await publishedAddresses(controller, 'after-given')).includes(address))
    assert.deepEqual(await publishedAddresses(controller, 'given'), [OTHER_CONTROLLER])
  })
}
