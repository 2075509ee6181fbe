/** The kind Proxy before a real API server, which checks, fills in and documents it by its schema. */

import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { Finding } from '../../sidecar/ir/origin.ts'
import { ApiError } from '../lab/client.ts'
import { enterLab } from '../lab/enter.ts'
import { startLab } from '../lab/lab.ts'
import { parseObjects } from '../lab/manifests.ts'
import { REPOSITORY } from '../lab/tools.ts'
import { OPEN_API, PROXY, installProxyKind, proxyOf, toService, type Proxy } from './proxy-objects.ts'

await enterLab()
const lab = await startLab()
after(async () => { await lab.close() })

await installProxyKind(lab)

test('defaults are filled in', async () => {
  await lab.apply(proxyOf('defaults', toService('one', 'defaults.example')))
  const { spec } = await lab.client.get<Proxy>(PROXY, { namespace: 'default', name: 'defaults' })
  assert.deepEqual((spec as { rules: unknown }).rules, [
    { path: { type: 'Prefix', value: '/' }, backends: [{ service: 'one', port: 80, weight: 1 }] },
  ])
})

/** The Proxy objects of the golden cases whose spec the sidecar finds nothing wrong with. */
function goldenProxies(): Proxy[] {
  const folders = globSync('sidecar/testdata/proxy*/', { cwd: REPOSITORY }).map((folder) => join(REPOSITORY, folder))
  return folders.flatMap((folder) => {
    const findings = JSON.parse(readFileSync(join(folder, 'findings.json'), 'utf8')) as readonly Finding[]
    const bad = new Set(findings.filter(({ reason }) => REFUSALS.test(reason)).map(({ origin }) => origin.name))
    const objects = parseObjects(readFileSync(join(folder, 'input.yaml'), 'utf8'))
    return objects.filter(({ kind, metadata }) => kind === 'Proxy' && !bad.has(metadata?.name ?? '')) as Proxy[]
  })
}

const REFUSALS = /^(Invalid(Field|Host|Path|Regex|Match|Backend|Canary)|UnknownField)$/

test('what the sidecar understands, the API server takes', async () => {
  const proxies = goldenProxies()
  assert.ok(proxies.length > 3)
  await lab.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'prod' } })
  for (const { metadata, ...proxy } of proxies) {
    const { name = '' } = metadata ?? {}
    await lab.apply({ ...proxy, metadata: { name, namespace: 'prod' } })
  }
})

test('kubectl explain finds a description of everything that people write', async () => {
  const document = await lab.client.call('GET', OPEN_API) as OpenApi
  const spec = document.components.schemas['io.resty-ingress.v1alpha1.Proxy']?.properties?.['spec'] ?? assert.fail('no spec')
  const undescribed: string[] = []
  const visit = (schema: OpenApiSchema, path: string): void => {
    if (schema.description === undefined && schema.properties !== undefined) undescribed.push(path)
    for (const [name, member] of Object.entries(schema.properties ?? {})) {
      if (member.description === undefined) undescribed.push(`${path}.${name}`)
      visit(member, `${path}.${name}`)
    }
    if (schema.items !== undefined) visit(schema.items, `${path}[]`)
  }
  visit(spec, 'spec')
  assert.deepEqual(undescribed, [])
})

interface OpenApiSchema {
  readonly description?: string
  readonly properties?: Readonly<Record<string, OpenApiSchema>>
  readonly items?: OpenApiSchema
}

interface OpenApi {
  readonly components: { readonly schemas: Readonly<Record<string, OpenApiSchema>> }
}

function one(rule: object): object {
  return toService('one', 'a.example', rule)
}

/** What is wrong, and a part of what the API server says. */
const REFUSED: Readonly<Record<string, readonly [spec: object, message: RegExp]>> = {
  'a rule without backends': [one({ backends: [] }), /a rule needs backends/],
  'rules without hosts': [{ rules: [{ backends: [{ service: 'one', port: 80 }] }] }, /rules need hosts/],
  'a host that is none': [toService('one', 'UPPER.example'), /spec\.hosts\[0\]/],
  'a path that is none': [one({ path: { value: 'x' } }), /spec\.rules\[0\]\.path\.value/],
  'a time out of bounds': [one({ timeouts: { read: '8761h' } }), /must be from 1s to 31536000s/],
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
