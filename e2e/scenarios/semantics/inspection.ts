/** `resty-ingress status` and its sisters, as people run them in the container of the sidecar. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { V1Ingress } from '@kubernetes/client-node'
import type { Explanation } from '../../../sidecar/explain/explain.ts'
import type { Controller } from '../controller.ts'
import { readCommands } from '../page.ts'
import { ingressOf } from '../workload.ts'
import { destination } from './routing.ts'

const READ_TIMEOUT = 'nginx.ingress.kubernetes.io/proxy-read-timeout'

export function testInspection(controller: Controller): void {
  const { lab } = controller
  const explain = async (url: string): Promise<Explanation> =>
    JSON.parse(await controller.command(['explain', url, '--output', 'json'])) as Explanation

  test('an object, its Service and its pods: what people used to read in nginx.conf', async () => {
    await lab.apply(ingressOf('looked-at', {
      annotations: { [READ_TIMEOUT]: '600' },
      rules: [{ host: 'looked-at.example', path: '/web', pathType: 'Prefix', service: 'one' }],
    }))
    await lab.waitFor('the route', async () => await destination(controller, 'looked-at.example', '/web') === 'one')
    const pods = (await lab.endpoints('default', 'one')).flatMap(({ addresses }) => addresses)
    const status = await controller.command(['status'])
    assert.match(status, /^resty-ingress \S+: ready$/m)
    const row = status.split('\n').find((line) => line.includes('looked-at.example'))?.split(/\s{2,}/) ?? []
    assert.deepEqual(row.slice(0, 6), ['default', 'Ingress/looked-at', 'looked-at.example', '/web', 'one', '80'])
    assert.deepEqual(row.at(-1)?.split(' ').map((endpoint) => endpoint.replace(/:\d+$/, '')).toSorted(), pods.toSorted())
  })

  test('explain: the route, why, who set what, and the endpoints with their health', async () => {
    const { outcome, host, route } = await explain('http://looked-at.example/web/v1')
    assert.equal(outcome, 'sent to an endpoint')
    assert.equal(host?.how, 'exact')
    assert.ok(route !== undefined)
    assert.equal(route.object.name, 'looked-at')
    assert.ok(route.backends[0]?.endpoints.every(({ state }) => state === 'ok'))
    const name = { namespace: 'default', name: 'looked-at' }
    const { metadata } = await lab.client.get<V1Ingress & object>('networking.k8s.io/v1/Ingress', name)
    const [timeouts] = route.policies.filter((policy) => policy.name === 'timeouts')
    assert.equal(timeouts?.setBy.read?.field, `metadata.annotations[${READ_TIMEOUT}]`)
    assert.equal(timeouts.setBy.read.uid, metadata?.uid)
  })

  test('the commands of the page', async () => {
    for (const args of await readCommands('looking-inside.md')) {
      const host = args[1] === undefined ? '' : new URL(args[1]).host
      assert.match(await controller.command(args), host === '' ? /^OpenResty: NGINX \S+, generation \d+/m : new RegExp(`^request +GET http://${host} `))
    }
  })

  test('explain: a host that nobody claims', async () => {
    assert.equal((await explain('http://nobody.example/')).outcome, '404: no object claims this host')
  })

  test('the configuration says which generation it is; a record of a certificate tells no key', async () => {
    const { generation, config_hash: hash } = await controller.status()
    const text = await controller.command(['config'])
    assert.equal(text, await controller.nginxConf())
    assert.equal(text.split('\n')[0], `# resty-ingress config ${hash} generation ${generation}`)
    const records = await controller.command(['records', 'certificate/'])
    assert.match(records, /"key":"certificate\/default","applied":true/)
    assert.doesNotMatch(records, /PRIVATE KEY/)
  })
}
