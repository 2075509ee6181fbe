/** Which of several endpoints or Services a request gets: sessions, hashes, canaries. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KubernetesObject } from '../../lab/client.ts'
import { deploymentOf, type Deployment } from '../../lab/testing.ts'
import type { Controller } from '../controller.ts'
import { ask, askEcho, type Ask, type Echo } from '../http.ts'
import { ingressOf, startEcho } from '../workload.ts'
import { destination } from './routing.ts'

const PREFIX = 'nginx.ingress.kubernetes.io'
const REPLICAS = 3
const MANY = 30
const SESSION_HOST = 'session.example'

function annotated(values: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [`${PREFIX}/${name}`, value]))
}

interface Session {
  readonly pod: string
  /** Those that a client of the session sends. */
  readonly headers: Readonly<Record<string, string>>
}

async function beginSession({ address, lab }: Controller): Promise<Session> {
  const first = await lab.waitFor('a session', async () => {
    const answer = await ask({ address, host: SESSION_HOST })
    return answer.status === 200 && answer
  })
  const [cookie = ''] = first.headers['set-cookie'] ?? []
  assert.match(cookie, /^sid=[^;]+; Path=\/; HttpOnly$/)
  return { pod: (JSON.parse(first.body) as Echo).pod, headers: { cookie: cookie.split(';')[0] ?? '' } }
}

/** The last of all: the load balancer leaves the pod out for a while. */
export function testRestart(controller: Controller): void {
  const { address, lab } = controller

  test('a session stays with its pod when OpenResty starts again', async () => {
    const { pod, headers } = await beginSession(controller)
    const { instance } = await controller.status()
    lab.faults.kill(controller.openresty)
    await lab.waitFor('another OpenResty', async () =>
      await controller.status().then((status) => status.instance !== instance, () => false))
    const after = await lab.waitFor('an answer', async () =>
      await ask({ address, host: SESSION_HOST, headers }).catch(() => undefined).then((it) => it?.status === 200 && it))
    assert.equal((JSON.parse(after.body) as Echo).pod, pod)
    assert.equal(after.headers['set-cookie'], undefined)
  })
}

/** `one` and `two` are Services of ready pods. */
export function testBalancing(controller: Controller): void {
  const { address, lab } = controller

  async function podOf(what: Omit<Ask, 'address'>): Promise<string> {
    return (await askEcho({ address, ...what })).pod
  }

  async function podsOf(what: Omit<Ask, 'address'>): Promise<Set<string>> {
    const pods = new Set<string>()
    for (let index = 0; index < MANY; index++) pods.add(await podOf(what))
    return pods
  }

  test('a session stays with its pod', async () => {
    await startEcho(lab, 'three', { replicas: REPLICAS })
    await lab.apply(ingressOf('session', {
      rules: [{ host: SESSION_HOST, service: 'three' }],
      annotations: annotated({ affinity: 'cookie', 'affinity-mode': 'persistent', 'session-cookie-name': 'sid' }),
    }))
    await beginSession(controller)
    // A pod is ready before its EndpointSlice says so.
    await lab.waitFor('all endpoints', async () => (await podsOf({ host: SESSION_HOST })).size === REPLICAS)
    const { pod, headers } = await beginSession(controller)
    assert.deepEqual(await podsOf({ host: SESSION_HOST, headers }), new Set([pod]))
  })

  test('a hash sends equal keys to one pod', async () => {
    await lab.apply(ingressOf('hashed', {
      rules: [{ host: 'hashed.example', service: 'three' }],
      annotations: annotated({ 'upstream-hash-by': '$arg_user' }),
    }))
    await lab.waitFor('the route', async () => await destination(controller, 'hashed.example') === 'three')
    const users = Array.from({ length: MANY }, (_, index) => `/?user=u${index}`)
    const pods = new Set<string>()
    for (const path of users) {
      const ofUser = await podsOf({ host: 'hashed.example', path })
      assert.equal(ofUser.size, 1, `${path} went to ${[...ofUser].join(', ')}`)
      for (const pod of ofUser) pods.add(pod)
    }
    assert.equal(pods.size, REPLICAS)
  })

  test('a canary: by header, by cookie, by weight, and gone without a reload', async () => {
    const host = 'canary.example'
    const main = ingressOf('main', { rules: [{ host, service: 'one' }] })
    const canary = (weight: string) => ingressOf('canary', {
      rules: [{ host, service: 'two' }],
      annotations: annotated({
        canary: 'true', 'canary-by-header': 'X-Canary', 'canary-by-cookie': 'beta', 'canary-weight': weight,
      }),
    })
    await lab.apply([main, canary('0')])
    const always = async (): Promise<boolean> =>
      (await podOf({ host, headers: { 'x-canary': 'always' } }).catch(() => '')).startsWith('two-')
    await lab.waitFor('the canary', always)
    const { generation } = await controller.generation()
    assert.equal(await destination(controller, host), 'one')
    assert.match(await podOf({ host, headers: { cookie: 'beta=always' } }), /^two-/)
    assert.match(await podOf({ host, headers: { 'x-canary': 'never', cookie: 'beta=always' } }), /^one-/)

    await lab.apply(canary('100'))
    await lab.waitFor('all requests at the canary', async () => await destination(controller, host) === 'two')
    assert.match(await podOf({ host, headers: { 'x-canary': 'never' } }), /^one-/)
    await lab.apply(canary('50'))
    await lab.waitFor('both', async () => (await podsOf({ host })).size === 2)
    await lab.delete(canary('50'))
    await lab.waitFor('the main Service alone', async () => !(await always()))
    assert.equal((await controller.generation()).generation, generation)
  })

  test('a pod that fails its health check gets no request, though Kubernetes calls it ready', async () => {
    const member = (name: string, delayMs: string): Deployment => {
      const deployment = deploymentOf(name, { container: { env: [{ name: 'DELAY_MS', value: delayMs }] } })
      const { metadata } = deployment.spec.template as { metadata: { labels: Record<string, string> } }
      metadata.labels['group'] = 'checked'
      return deployment
    }
    const check = {
      'resty-ingress.io/health-check-path': '/', 'resty-ingress.io/health-check-interval': '1',
      'resty-ingress.io/health-check-timeout': '1', 'resty-ingress.io/health-check-unhealthy-threshold': '1',
    }
    const service: KubernetesObject = {
      apiVersion: 'v1', kind: 'Service',
      metadata: { namespace: 'default', name: 'checked', annotations: check },
      spec: { selector: { group: 'checked' }, ports: [{ port: 80, targetPort: 'http' }] },
    } as KubernetesObject
    await lab.apply([
      member('swift', '0'), member('slow', '2000'),
      service,
      ingressOf('checked', { rules: [{ host: 'checked.example', service: 'checked' }] }),
    ])
    await lab.waitForDeployment('default', 'swift')
    await lab.waitForDeployment('default', 'slow')
    await lab.waitFor('the slow pod is left out', async () => {
      const pods = await Promise.all(Array.from({ length: MANY }, () => destination(controller, 'checked.example')))
      return pods.every((pod) => pod === 'swift')
    })
  })
}
