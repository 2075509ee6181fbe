/** The kind Proxy before a real API server, which checks, fills in and documents it by its schema. */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { ApiError, type KubernetesObject } from '../lab/client.ts'
import { enterLab } from '../lab/enter.ts'
import { startLab } from '../lab/lab.ts'
import { REPOSITORY } from '../lab/tools.ts'
import { PROXY, proxyOf, toService, type Proxy } from './proxy-objects.ts'

await enterLab()
const lab = await startLab()
after(async () => { await lab.close() })

await lab.apply(readFileSync(join(REPOSITORY, 'manifests/base/crd-proxies.yaml'), 'utf8'))
await lab.waitForObject<Definition>(
  'apiextensions.k8s.io/v1/CustomResourceDefinition', { name: 'proxies.resty-ingress.io' },
  ({ status }) => status?.conditions?.some(({ type, status: is }) => type === 'Established' && is === 'True') === true,
)

interface Definition extends KubernetesObject {
  readonly status?: { readonly conditions?: readonly { readonly type: string, readonly status: string }[] }
}

test('defaults are filled in', async () => {
  await lab.apply(proxyOf('defaults', toService('one', 'defaults.example')))
  const { spec } = await lab.client.get<Proxy>(PROXY, { namespace: 'default', name: 'defaults' })
  assert.deepEqual((spec as { rules: unknown }).rules, [
    { path: { type: 'Prefix', value: '/' }, backends: [{ service: 'one', port: 80, weight: 1 }] },
  ])
})

function one(rule: object): object {
  return toService('one', 'a.example', rule)
}

/** What is wrong, and a part of what the API server says. */
const REFUSED: Readonly<Record<string, readonly [spec: object, message: RegExp]>> = {
  'a rule without backends': [one({ backends: [] }), /a rule needs backends/],
  'rules without hosts': [{ rules: [{ backends: [{ service: 'one', port: 80 }] }] }, /rules need hosts/],
  'a host that is none': [toService('one', 'UPPER.example'), /spec\.hosts\[0\]/],
  'a path that is none': [one({ path: { value: 'x' } }), /spec\.rules\[0\]\.path\.value/],
  'a time out of bounds': [one({ timeouts: { read: '25h' } }), /must be from 1s to 86400s/],
  'a port out of bounds': [one({ backends: [{ service: 'one', port: 70_000 }] }), /port/],
  'a port that is no name': [one({ backends: [{ service: 'one', port: 'HTTP' }] }), /port/],
  'value and pattern': [one({ headers: [{ name: 'x', value: 'a', pattern: 'b' }] }), /either value or pattern/],
}

for (const [what, [spec, message]] of Object.entries(REFUSED)) {
  test(`refused: ${what}`, async () => {
    await assert.rejects(lab.apply(proxyOf('refused', spec)), (error) => {
      assert.ok(error instanceof ApiError)
      assert.equal(error.status, 422)
      assert.match(error.message, message)
      return true
    })
  })
}
