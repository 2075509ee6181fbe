/** The kind Proxy in a real cluster: docs/proxy.md as it stands, consent between namespaces, and what goes. */

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { KubernetesObject } from '../lab/client.ts'
import { enterLab } from '../lab/enter.ts'
import { startLab } from '../lab/lab.ts'
import { serviceOf } from '../lab/testing.ts'
import { startController, variantUnderTest } from './controller.ts'
import { follow, readPage } from './page.ts'
import { PROXY, proxyOf, toService, type Proxy } from './proxy-objects.ts'
import { destination } from './semantics/routing.ts'
import { startEcho } from './workload.ts'

const variant = variantUnderTest()
await enterLab({ variant })
const lab = await startLab({ variant })
after(async () => { await lab.close() })

/** How often one name is deleted and made again, as fast as the API server answers. */
const LIVES = 30

const controller = await startController(lab)
await lab.apply(['prod', 'shared'].map((name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })))
await startEcho(lab, 'web', { namespace: 'prod' })
await startEcho(lab, 'web-next', { namespace: 'prod' })
await startEcho(lab, 'catalog', { namespace: 'shared' })

test('the page: every manifest is applied, every command gets the answer that it names', async () => {
  for (const block of await readPage('proxy.md')) {
    if (block.language === 'yaml') await lab.apply(block.text)
    else await follow(lab, block, controller.address)
  }
})

test('a Service of another namespace serves while it consents, and no longer', async () => {
  const rules = [{ backends: [{ service: 'catalog', port: 80, namespace: 'shared' }] }]
  const consent = async (text: string): Promise<void> => {
    const catalog = serviceOf('catalog', { namespace: 'shared' })
    const metadata = { ...catalog.metadata, annotations: { 'resty-ingress.io/allow-from': text } }
    await lab.apply({ ...catalog, metadata } as KubernetesObject)
  }
  await consent('somebody')
  await lab.apply(proxyOf('consent', { hosts: ['consent.example'], rules }, 'prod'))
  await lab.waitFor('503', async () => await destination(controller, 'consent.example') === 503)
  await consent('somebody, prod')
  await lab.waitFor('an answer', async () => await destination(controller, 'consent.example') === 'catalog')
  await consent('somebody')
  await lab.waitFor('503 again', async () => await destination(controller, 'consent.example') === 503)
  const findings = await controller.findings()
  assert.ok(findings.some(({ reason, origin }) => reason === 'RefNotPermitted' && origin.name === 'consent'))
  await lab.waitFor('the Event', async () => {
    const events = await lab.client.list<Event>('v1/Event', { namespace: 'prod' })
    return events.some(({ reason, involvedObject: { kind, name } }) => `${reason} ${kind} ${name}` === 'RefNotPermitted Proxy consent')
  })
})

interface Event extends KubernetesObject {
  readonly reason: string
  readonly involvedObject: { readonly kind: string, readonly name: string }
}

test('deleted and made again at speed, the last one is served, and of those that went nothing is left', async () => {
  const name = { namespace: 'prod', name: 'ghost' }
  for (let life = 0; life < LIVES; life++) {
    await lab.apply(proxyOf('ghost', toService('web', `ghost-${life}.example`), 'prod'))
    await lab.client.delete(PROXY, name)
  }
  await lab.apply(proxyOf('ghost', toService('web', 'ghost.example'), 'prod'))
  await lab.waitFor('the last one', async () => await destination(controller, 'ghost.example') === 'web')
  const hosts = Object.keys(await controller.digests()).filter((key) => key.includes('ghost'))
  assert.deepEqual(hosts, ['host/default/ghost.example'])

  await lab.client.delete(PROXY, name)
  await lab.waitFor('404', async () => await destination(controller, 'ghost.example') === 404)
  await lab.waitFor('no record', async () => !JSON.stringify(await controller.digests()).includes('ghost'))
  assert.deepEqual((await controller.findings()).filter(({ origin }) => origin.name === 'ghost'), [])
  // Nobody writes a status to what is not there: that would make it again.
  assert.equal(await lab.client.find(PROXY, name), undefined)
})

interface Status {
  readonly conditions?: readonly {
    readonly type: string
    readonly status: string
    readonly observedGeneration: number
  }[]
}

test('the status of a new life is its own', async () => {
  await lab.apply(proxyOf('status', toService('web', 'status.example'), 'prod'))
  await lab.client.delete(PROXY, { namespace: 'prod', name: 'status' })
  await lab.apply(proxyOf('status', toService('none', 'status.example'), 'prod'))
  const known = await lab.waitFor('three conditions', async () => {
    const { status } = await lab.client.get<Proxy & { status?: Status }>(PROXY, { namespace: 'prod', name: 'status' })
    return status?.conditions?.length === 3 && status.conditions
  })
  const words = Object.fromEntries(known.map(({ type, status }) => [type, status]))
  assert.deepEqual(words, { Accepted: 'True', ResolvedRefs: 'False', Programmed: 'True' })
  assert.ok(known.every(({ observedGeneration }) => observedGeneration === 1))
})
