/** Several controllers in one cluster: docs/multiple-controllers.md as it stands, and what it promises. */

import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readFile, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { V1Ingress } from '@kubernetes/client-node'
import { runCommand } from '../lab/command.ts'
import { enterLab } from '../lab/enter.ts'
import { startLab } from '../lab/lab.ts'
import { REPOSITORY } from '../lab/tools.ts'
import { findController, startController, variantUnderTest, type Controller } from './controller.ts'
import { ask } from './http.ts'
import { installController } from './installation.ts'
import { PROXY, proxyOf, toService } from './proxy-objects.ts'
import { destination } from './semantics/routing.ts'
import { ingressOf, startEcho, type Ingress } from './workload.ts'

const variant = variantUnderTest()
await enterLab({ variant })
const lab = await startLab({ variant })
after(async () => { await lab.close() })

const PAGE = await readFile(join(REPOSITORY, 'docs/multiple-controllers.md'), 'utf8')
const INGRESS = 'networking.k8s.io/v1/Ingress'
const FOREIGN_ADDRESS = '203.0.113.7'
const TEAM = 'team-a'

for (const name of ['shop', 'office']) await startEcho(lab, name)
const open = await startController(lab)

function ingressClass(name: string, controller: string): object {
  return { apiVersion: 'networking.k8s.io/v1', kind: 'IngressClass', metadata: { name }, spec: { controller } }
}

function namespaceOf(name: string, labels: Readonly<Record<string, string>>): object {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels: { ...labels } } }
}

/** A Kustomization that stands beside `manifests/`. */
async function applyBesideManifests(text: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'resty-ingress-overlay-'))
  await symlink(join(REPOSITORY, 'manifests'), join(folder, 'manifests'))
  await mkdir(join(folder, 'overlay'))
  await writeFile(join(folder, 'overlay', 'kustomization.yaml'), text)
  await lab.applyFolder(join(folder, 'overlay'))
}

/** Runs a line of the page until it prints what the page says. */
async function runLine(line: string, addresses: Readonly<Record<string, string>>): Promise<void> {
  const patch = /^kubectl patch ingress (\S+) --type=merge -p '(.*)'$/.exec(line)
  if (patch !== null) {
    await lab.client.patch(INGRESS, { namespace: 'default', name: patch[1] ?? '' }, JSON.parse(patch[2] ?? '') as object)
    return
  }
  const expected = /# (\S+)$/.exec(line)?.[1] ?? ''
  await lab.waitFor(`${expected} of ${line}`, async () =>
    await runCommand(['sh', '-c', line], { env: { ...process.env, ...addresses } }) === expected)
}

const blocks = [...PAGE.matchAll(/^```(yaml|sh)\n([^]*?)^```$/gm)].map(([, language, text = '']) => ({ language, text }))
const [installation, ...steps] = blocks
assert.ok(installation !== undefined && steps.length > 0)
await applyBesideManifests(installation.text)
const internal = await findController(lab, 'ingress-internal')

test('the page: every manifest is applied, every command gets the answer that it names', async () => {
  const addresses = { PUBLIC: open.address, INTERNAL: internal.address }
  for (const { language, text } of steps) {
    if (language === 'yaml') await lab.apply(text)
    else for (const line of text.trim().split('\n')) await runLine(line, addresses)
  }
})

async function publishedAddresses(name: string, namespace = 'default'): Promise<string[]> {
  const { status } = await lab.client.get<V1Ingress & object>(INGRESS, { namespace, name })
  return (status?.loadBalancer?.ingress ?? []).map(({ ip = '' }) => ip)
}

test('each writes the status of its own, and nobody else does', async () => {
  await lab.apply([
    ingressOf('ours', { rules: [{ host: 'ours.example', service: 'shop' }] }),
    ingressOf('theirs', { className: 'internal', rules: [{ host: 'theirs.example', service: 'shop' }] }),
  ])
  for (const [name, { address }] of [['ours', open], ['theirs', internal]] as const) {
    await lab.waitFor(`the address of ${name}`, async () => (await publishedAddresses(name)).join() === address)
  }
  // A write is in the log of the apiserver a moment after it is seen.
  const writersOf = async (name: string): Promise<string[]> => await lab.waitFor(`the writes to ${name}`, async () => {
    const writes = (await lab.writes()).filter((write) => write.resource === 'ingresses/status' && write.name === name)
    return writes.length > 0 && [...new Set(writes.map(({ pod }) => pod))]
  })
  assert.deepEqual(await writersOf('ours'), [open.sidecar.pod])
  assert.deepEqual(await writersOf('theirs'), [internal.sidecar.pod])
})

/** A leader whose lease could not be renewed in time leads again when it could. */
async function leads(controller: Controller, lease: string): Promise<void> {
  const metric = new RegExp(`^nginx_ingress_controller_leader_election_status\\{.*name="${lease}".*\\} 1$`, 'm')
  await lab.waitFor(`a leader by ${lease}`, async () => metric.test(await controller.metrics()))
}

test('each installation has a leader of its own', async () => {
  for (const controller of [open, internal]) await leads(controller, 'resty-ingress-leader')
})

async function isServed({ address }: Controller, host: string): Promise<boolean> {
  return await ask({ address, host }).then(({ status }) => status === 200, () => false)
}

/** Asks the old one, then the new one, again and again until the object has moved: never may both refuse. */
async function neverRefused(
  host: string, [from, to]: readonly [Controller, Controller], move: () => Promise<unknown>,
): Promise<void> {
  await lab.waitFor(`${host} at the old one`, () => isServed(from, host))
  const answers: string[] = []
  let moving: Promise<unknown> | undefined
  while (answers.at(-1) !== 'new') {
    const old = await isServed(from, host)
    const now = await isServed(to, host)
    assert.ok(old || now, `both refuse ${host} after ${answers.join(', ')}`)
    answers.push(old && now ? 'both' : old ? 'old' : 'new')
    moving ??= move()
  }
  await moving
  assert.deepEqual([...new Set(answers)], ['old', 'both', 'new'])
}

/** Adds every state of the status of an Ingress since this version, until the signal aborts. */
async function followStatus(
  name: string, resourceVersion: string, states: string[], signal: AbortSignal,
): Promise<void> {
  try {
    const scope = { namespace: 'default', resourceVersion }
    for await (const { object } of lab.client.watch<V1Ingress & object>(INGRESS, scope, signal)) {
      if (object.metadata?.name !== name) continue
      states.push((object.status?.loadBalancer?.ingress ?? []).map(({ ip }) => ip).join())
    }
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

test('an Ingress moves from one to the other without a gap, in traffic and in status', async () => {
  const moved = (className: string): Ingress => {
    return ingressOf('moving', { className, rules: [{ host: 'moving.example', service: 'shop' }] })
  }
  await lab.apply(moved('resty-ingress'))
  await lab.waitFor('its address', async () => (await publishedAddresses('moving')).join() === open.address)
  const stop = new AbortController()
  const states: string[] = []
  const { resourceVersion } = await lab.client.listWithVersion(INGRESS, { namespace: 'default' })
  const following = followStatus('moving', resourceVersion, states, stop.signal)
  await neverRefused('moving.example', [open, internal], () => lab.apply(moved('internal')))
  await lab.waitFor('the other address', () => states.at(-1) === internal.address)
  stop.abort()
  await following
  assert.deepEqual([...new Set(states)], [open.address, internal.address])
})

test('a Proxy moves as an Ingress does, and its conditions are written by who has it', async () => {
  const moved = (ingressClassName: string): object => {
    return proxyOf('moving', { ingressClassName, ...toService('shop', 'moving-proxy.example') })
  }
  const writer = async (): Promise<string | undefined> =>
    (await lab.writes()).findLast((write) => write.resource === 'proxies/status' && write.name === 'moving')?.pod
  await lab.apply(moved('resty-ingress'))
  await lab.waitFor('our status', async () => await writer() === open.sidecar.pod)
  await neverRefused('moving-proxy.example', [open, internal], () => lab.apply(moved('internal')))
  await lab.waitFor('the status of the other', async () => await writer() === internal.sidecar.pod)
})

test('two classes of one controller; a class by its name; namespaces by their labels', async () => {
  await lab.apply([
    ingressClass('also-ours', 'resty-ingress.io/ingress-controller'), ingressClass('legacy', 'example.com/legacy'),
    namespaceOf(TEAM, { team: 'a' }),
  ])
  const team = await installController(lab, 'ingress-team', [
    '--controller-class=resty-ingress.io/team', '--ingress-class=legacy', '--ingress-class-by-name',
    '--watch-namespace-selector=team in (a,b),!off', '--election-id=team-leader',
  ])
  await startEcho(lab, 'shop', { namespace: TEAM })
  const legacy = (namespace: string): object => {
    return ingressOf('legacy', { namespace, className: 'legacy', rules: [{ host: `${namespace}.example`, service: 'shop' }] })
  }
  await lab.apply([
    ingressOf('also', { className: 'also-ours', rules: [{ host: 'also.example', service: 'shop' }] }),
    legacy(TEAM), legacy('default'),
  ])
  await lab.waitFor('the second class', async () => await destination(open, 'also.example') === 'shop')
  await lab.waitFor('the class by name', async () => await destination(team, `${TEAM}.example`) === 'shop')
  assert.equal(await destination(team, 'default.example'), 404)

  const label = async (name: string, labels: object): Promise<void> => {
    await lab.client.patch('v1/Namespace', { name }, { metadata: { labels } })
  }
  const { generation } = await team.status()
  await label('default', { team: 'b' })
  await lab.waitFor('a namespace that gets the label', async () => await destination(team, 'default.example') === 'shop')
  await lab.waitFor('its address', async () => (await publishedAddresses('legacy')).join() === team.address)
  await leads(team, 'team-leader')
  await label(TEAM, { off: 'yes' })
  await lab.waitFor('a namespace that leaves', async () => await destination(team, `${TEAM}.example`) === 404)
  assert.equal((await team.status()).generation, generation)
})

test('what belongs to a foreign controller is not touched', async () => {
  await lab.apply([
    ingressClass('foreign', 'example.com/foreign'),
    ingressOf('foreign', {
      className: 'foreign', annotations: { 'nginx.ingress.kubernetes.io/unheard-of': 'x' },
      rules: [{ host: 'foreign.example', service: 'nowhere' }],
    }),
    proxyOf('foreign', { ingressClassName: 'foreign', ...toService('nowhere', 'foreign-proxy.example') }),
  ])
  const name = { namespace: 'default', name: 'foreign' }
  await lab.client.patch(INGRESS, name, { status: { loadBalancer: { ingress: [{ ip: FOREIGN_ADDRESS }] } } }, 'status')
  const versions = async (): Promise<(string | undefined)[]> => {
    return await Promise.all([INGRESS, PROXY].map(async (kind) =>
      (await lab.client.get(kind as typeof INGRESS, name)).metadata?.resourceVersion))
  }
  const before = await versions()
  // Whatever would be written to the one is written before this.
  for (const [index, className] of ['resty-ingress', 'internal'].entries()) {
    await lab.apply(ingressOf(`last-${index}`, { className, rules: [{ host: `last-${index}.example`, service: 'shop' }] }))
    await lab.waitFor('the last status', async () => (await publishedAddresses(`last-${index}`)).length === 1)
  }
  assert.deepEqual(await versions(), before)
  assert.deepEqual((await lab.writes()).filter((write) => write.name.startsWith('foreign')), [])
})
