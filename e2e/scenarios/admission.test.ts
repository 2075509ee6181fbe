/**
 * manifests/admission/ before a real API server: what is bad is refused with our words, or admitted with a
 * warning; what is good passes; and the controller says the same of the same objects.
 */

import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { Agent, request as httpsRequest } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { KubeObject } from '../../sidecar/collection/objects.ts'
import { normalize } from '../../sidecar/files/object.ts'
import type { Finding } from '../../sidecar/ir/origin.ts'
import { GOLDEN_OPTIONS } from '../../sidecar/testing/inputs.ts'
import { translate } from '../../sidecar/translate.ts'
import { ApiError, kindOf, type KubernetesObject } from '../lab/client.ts'
import { enterLab } from '../lab/enter.ts'
import { startLab } from '../lab/lab.ts'
import { parseObjects, readKustomization } from '../lab/manifests.ts'
import { REPOSITORY } from '../lab/tools.ts'
import { BAD, GOOD } from './admission-objects.ts'
import { readPage } from './page.ts'
import { installProxyKind } from './proxy-objects.ts'
import { ingressOf } from './workload.ts'

await enterLab()
const lab = await startLab()
after(async () => { await lab.close() })

const CLASS = await readFile(join(REPOSITORY, 'manifests/base/ingress-class.yaml'), 'utf8')
await installProxyKind(lab)
await lab.apply(CLASS)

async function install(mode: 'warn' | 'deny'): Promise<void> {
  await lab.apply(await readKustomization(join(REPOSITORY, 'manifests/admission', mode)))
}

/** The words of a refusal; undefined: the object was admitted, and is gone again. */
async function refusal(object: KubernetesObject): Promise<string | undefined> {
  try {
    await lab.apply(object)
  } catch (error) {
    if (error instanceof ApiError && error.status === 422) return error.message
    throw error
  }
  await lab.delete(object)
  return undefined
}

/** Of an object that is admitted in a dry run: the warnings that kubectl shows. */
async function warnings(object: KubernetesObject): Promise<string> {
  const { url, ca, certificate, key } = lab.credentials
  const path = await lab.client.path(kindOf(object), { namespace: 'default' })
  const own = certificate === undefined || key === undefined ? {} : { cert: certificate, key }
  const agent = new Agent({ ca, ...own })
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const request = httpsRequest(`${url}${path}?dryRun=All`, { method: 'POST', agent }, (response) => {
    response.resume()
    response.once('end', () => {
      agent.destroy()
      if (response.statusCode === 201) resolve(String(response.headers['warning'] ?? ''))
      else reject(new Error(`HTTP status ${response.statusCode}`))
    })
  })
  request.setHeader('content-type', 'application/json')
  request.once('error', reject)
  request.end(JSON.stringify(object))
  return await promise
}

/** What the controller finds wrong with an object of a folder; a Service is looked at when something leads to it. */
function findingsOf(object: KubernetesObject): readonly Finding[] {
  const { kind, metadata: { name = '' } = {} } = object
  const leading = kind === 'Service' ? [ingressOf('leading', { rules: [{ host: 'leading.example', service: name }] })] : []
  const objects = [...parseObjects(CLASS), ...GOOD.filter((it) => it.kind === 'Service'), object, ...leading]
    .map((it) => normalize(it)).flatMap((it): KubeObject[] => 'object' in it ? [it.object] : [])
  const listeners = { addresses: [], httpPort: 80, httpsPort: 443 }
  const { findings } = translate({ objects, options: GOLDEN_OPTIONS, listeners })
  return findings.filter(({ origin }) => origin.kind === kind && origin.name === name)
}

const FIRST = Object.values(BAD)[0] ?? assert.fail('there are bad objects')

test('the policies are in force', async () => {
  await install('deny')
  await lab.waitFor('the first refusal', async () => await refusal(FIRST.object) !== undefined)
  for (const kind of ['Service', 'Proxy']) {
    const bad = Object.values(BAD).find(({ object }) => object.kind === kind)
    await lab.waitFor(`a refusal of a ${kind}`, async () => bad !== undefined && await refusal(bad.object) !== undefined)
  }
})

for (const [what, { object, message }] of Object.entries(BAD)) {
  test(`refused: ${what}`, async () => {
    assert.match(await refusal(object) ?? 'it was admitted', message)
    assert.ok(findingsOf(object).length > 0, 'the controller finds something wrong with it, too')
  })
}

for (const object of GOOD) {
  test(`admitted: ${object.kind} ${object.metadata?.name}`, async () => {
    assert.equal(await refusal(object), undefined)
  })
}

test('what is not ours is none of our business', async () => {
  const foreign = { ...FIRST.object, spec: { ...(FIRST.object as { spec: object }).spec, ingressClassName: 'foreign' } }
  assert.equal(await refusal(foreign as KubernetesObject), undefined)
})

test('other classes and settings, as the page patches them', async () => {
  const [page] = await readPage('admission.md')
  const folder = await mkdtemp(join(tmpdir(), 'resty-ingress-admission-'))
  await symlink(REPOSITORY, join(folder, 'resty-ingress'))
  await mkdir(join(folder, 'own'))
  await writeFile(join(folder, 'own', 'kustomization.yaml'), page?.text ?? '')
  await lab.apply(await readKustomization(join(folder, 'own')))
  await rm(folder, { recursive: true })
  const of = (className: string, annotations: Readonly<Record<string, string>>): KubernetesObject =>
    ingressOf('patched', { className, annotations, rules: [{ host: 'patched.example', service: 'one' }] })
  await lab.waitFor('the other class', async () => await refusal(of('internal', { 'example.com/canary': 'maybe' })) !== undefined)
  assert.match(await refusal(of('internal', { 'example.com/server-snippet': '#' })) ?? '', /server-snippet/)
  const annotations = {
    'example.com/configuration-snippet': 'expires 1h;', 'example.com/auth-secret': 'other/users',
    'nginx.ingress.kubernetes.io/canary': 'maybe',
  }
  assert.equal(await refusal(of('resty-ingress', annotations)), undefined)
  await install('deny')
  await lab.waitFor('the usual policy', async () => await refusal(FIRST.object) !== undefined)
})

test('what is bad already can still be labelled and deleted', async () => {
  const { object } = FIRST
  const { namespace = 'default', name = '' } = object.metadata ?? {}
  await lab.client.delete('admissionregistration.k8s.io/v1/ValidatingAdmissionPolicyBinding', { name: 'resty-ingress-ingress' })
  await lab.waitFor('it is admitted', async () => await refusal(object) === undefined)
  await lab.apply(object)
  await install('deny')
  const other = { ...object, metadata: { ...object.metadata, name: 'other' } }
  await lab.waitFor('the policy is back', async () => await refusal(other) !== undefined)
  await lab.client.patch(kindOf(object), { namespace, name }, { metadata: { labels: { team: 'shop' } } })
  await lab.client.delete(kindOf(object), { namespace, name })
})

test('with the other bindings the same objects are admitted, with a warning', async () => {
  await install('warn')
  await lab.waitFor('it is admitted', async () => await refusal(FIRST.object) === undefined)
  for (const { object, message } of Object.values(BAD)) {
    await lab.waitFor(`${object.kind} ${object.metadata?.name} is admitted`, async () => await refusal(object) === undefined)
    assert.match(await warnings(object), message)
  }
  for (const object of GOOD) assert.equal(await warnings(object), '')
})
