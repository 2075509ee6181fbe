/** What changes every day, under load, without a reload: pods, routes, certificates. */

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { enterLab } from '../lab/enter.ts'
import { startLab } from '../lab/lab.ts'
import { followEndpoints } from '../load/follow.ts'
import { assertNoFailures, type Load } from '../load/load.ts'
import { startController, variantUnderTest } from './controller.ts'
import { ask, askEcho } from './http.ts'
import { handshake, tlsSecret } from './tls.ts'
import { underLoad } from './traffic.ts'
import { echoOf, ingressOf, startEcho, type Ingress } from './workload.ts'

const variant = variantUnderTest()
await enterLab({ variant })
const lab = await startLab({ variant })
after(async () => { await lab.close() })

const namespace = 'default'
/** Pods that have left serve on for longer than they may be reached: who is asked too late still tells. */
const container = { lifecycle: { preStop: { sleep: { seconds: 15 } } } }
const controller = await startController(lab)
const address = controller.podAddress

async function answersOf(load: Load, pods: number): Promise<void> {
  await lab.waitFor(`answers of ${pods} pods`, async () => (await load.count()).pods === pods)
}

test('nothing is lost while a Deployment scales and rolls, and nothing reloads', async () => {
  await startEcho(lab, 'echo', { replicas: 3, container })
  await lab.apply(ingressOf('echo', { rules: [{ host: 'echo.example', service: 'echo' }] }))
  await lab.waitFor('the route', async () => (await ask({ address, host: 'echo.example' })).status === 200)
  const before = await controller.generation()

  const report = await underLoad({ address, requests: [{ host: 'echo.example', group: 'echo' }] }, async (load) => {
    const unfollow = await followEndpoints(load, lab.client, { namespace, name: 'echo' })
    for (const replicas of [10, 2]) {
      await lab.client.patch('apps/v1/Deployment', { namespace, name: 'echo' }, { spec: { replicas } })
      await lab.waitForDeployment(namespace, 'echo')
      // A pod is ready before its EndpointSlice says so.
      await answersOf(load, 10)
      await load.more(500)
    }
    await lab.apply(echoOf('echo', { replicas: 2, version: '2', container }))
    await lab.waitForDeployment(namespace, 'echo')
    await lab.waitFor('the end of the old pods', async () => (await lab.client.list('v1/Pod', { namespace })).length === 2)
    // 3, 7 more, and 2 of the new version.
    await answersOf(load, 12)
    await unfollow()
  })

  assertNoFailures(report)
  assert.deepEqual(await controller.generation(), before)
})

const INGRESSES = 200
const BODY_SIZE = { 'nginx.ingress.kubernetes.io/proxy-body-size': '8m' }

const hostOf = (index: number): string => `host-${index}.example`

/** Every tenth is of a location class. */
function manyOf(index: number, service: string, path: string): Ingress {
  const annotations = index % 10 === 0 ? BODY_SIZE : {}
  return ingressOf(`many-${index}`, { annotations, rules: [{ host: hostOf(index), path, service }] })
}

async function waitForEach(message: string, holds: (index: number) => Promise<boolean>): Promise<void> {
  for (let index = 0; index < INGRESSES; index++) {
    await lab.waitFor(`${message} ${hostOf(index)}`, () => holds(index))
  }
}

async function answersFrom(index: number, path: string, service: string): Promise<boolean> {
  const { status, body } = await ask({ address, host: hostOf(index), path: `${path}/below` })
  return status === 200 && (JSON.parse(body) as { pod: string }).pod.startsWith(`${service}-`)
}

test('200 Ingresses come, change and go without a reload once their class is there', async () => {
  await startEcho(lab, 'other')
  const { generation } = await controller.status()
  await lab.apply(ingressOf('class', { annotations: BODY_SIZE, rules: [{ host: 'class.example', service: 'echo' }] }))
  await lab.waitFor('the class', async () => (await controller.status()).generation > generation)
  await lab.waitFor('its route', async () => (await ask({ address, host: 'class.example' })).status === 200)
  const before = await controller.generation()

  const report = await underLoad({ address, requests: [{ host: 'echo.example' }, { host: 'class.example' }] }, async () => {
    for (let index = 0; index < INGRESSES; index++) await lab.apply(manyOf(index, 'echo', '/first'))
    await waitForEach('served:', (index) => answersFrom(index, '/first', 'echo'))
    for (let index = 0; index < INGRESSES; index++) await lab.apply(manyOf(index, 'other', '/second'))
    await waitForEach('changed:', (index) => answersFrom(index, '/second', 'other'))
    assert.equal((await ask({ address, host: hostOf(1), path: '/first' })).status, 404)
    for (let index = 0; index < INGRESSES; index++) await lab.delete(manyOf(index, 'other', '/second'))
    await waitForEach('gone:', async (index) => (await ask({ address, host: hostOf(index), path: '/second' })).status === 404)
  })

  assertNoFailures(report)
  assert.deepEqual(await controller.generation(), before)
  assert.deepEqual(Object.keys(await controller.digests()).filter((key) => key.includes('host-')), [])
})

test('a class takes larger bodies than the ordinary location', async () => {
  const large = { address, method: 'POST', body: 'x'.repeat(4 * 1024 * 1024) }
  assert.equal((await ask({ ...large, host: 'echo.example' })).status, 413)
  const { status, body } = await ask({ ...large, host: 'class.example' })
  assert.equal(status, 200)
  assert.equal((JSON.parse(body) as { body: string }).body.length, large.body.length)
})

test('a replaced certificate is shown at the next handshake, without a reload', async () => {
  const hosts = ['secure.example']
  const first = await tlsSecret(lab, 'secure', hosts)
  await lab.apply([
    first.secret,
    ingressOf('secure', { rules: [{ host: 'secure.example', service: 'echo' }], tls: [{ hosts, secretName: 'secure' }] }),
  ])
  const shown = async (): Promise<string> => (await handshake(address, 'secure.example')).fingerprint
  await lab.waitFor('the first certificate', async () => await shown() === first.fingerprint)
  const before = await controller.generation()

  const tls = { ca: lab.authorityCertificate }
  const report = await underLoad({ address, port: 443, tls, requests: [{ host: 'secure.example' }] }, async () => {
    const second = await tlsSecret(lab, 'secure', hosts)
    await lab.apply(second.secret)
    await lab.waitFor('the second certificate', async () => await shown() === second.fingerprint)
    await askEcho({ address, host: 'secure.example', ca: lab.authorityCertificate })
  })

  assertNoFailures(report)
  assert.deepEqual(await controller.generation(), before)
})
