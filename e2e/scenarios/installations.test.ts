/** Whose an Ingress is: by class, default class, annotation, namespace; and two controllers side by side. */

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { enterLab } from '../lab/enter.ts'
import { startLab } from '../lab/lab.ts'
import { startController, variantUnderTest } from './controller.ts'
import { installController } from './installation.ts'
import { destination } from './semantics/routing.ts'
import { publishedAddresses } from './semantics/status.ts'
import { ingressOf, startEcho, type Ingress } from './workload.ts'

const variant = variantUnderTest()
await enterLab({ variant })
const lab = await startLab({ variant })
after(async () => { await lab.close() })

const TEAM = 'team-a'

const ours = await startController(lab)
await lab.apply([
  ingressClass('nginx', 'k8s.io/ingress-nginx'),
  { apiVersion: 'v1', kind: 'Namespace', metadata: { name: TEAM } },
])
const takeover = await installController(lab, 'takeover', [
  '--controller-class=k8s.io/ingress-nginx', '--ingress-class=nginx', `--watch-namespace=${TEAM}`,
  '--watch-ingress-without-class', '--update-status=false',
])
await startEcho(lab, 'one')
await startEcho(lab, 'one', { namespace: TEAM })

function ingressClass(name: string, controller: string, annotations: Readonly<Record<string, string>> = {}): object {
  return {
    apiVersion: 'networking.k8s.io/v1', kind: 'IngressClass', metadata: { name, annotations: { ...annotations } },
    spec: { controller },
  }
}

interface Claim {
  readonly namespace?: string
  readonly className?: string | null
  /** The old one. */
  readonly annotation?: string
}

function claimOf(name: string, { annotation, ...options }: Claim): Ingress {
  const annotations = annotation === undefined ? {} : { 'kubernetes.io/ingress.class': annotation }
  return ingressOf(name, { className: null, ...options, annotations, rules: [{ host: `${name}.example`, service: 'one' }] })
}

/** Which of the two controllers serve the host of this Ingress. */
async function servers(name: string): Promise<string[]> {
  const all = { ours, takeover }
  const answers = await Promise.all(Object.entries(all).map(async ([server, controller]) =>
    await destination(controller, `${name}.example`) === 'one' ? [server] : []))
  return answers.flat()
}

const CLAIMS: Readonly<Record<string, { readonly claim: Claim, readonly servers: readonly string[] }>> = {
  'by-class': { claim: { className: 'resty-ingress' }, servers: ['ours'] },
  'by-annotation': { claim: { annotation: 'resty-ingress' }, servers: ['ours'] },
  'no-class': { claim: {}, servers: [] },
  'unknown-class': { claim: { className: 'unknown' }, servers: [] },
  'foreign-annotation': { claim: { annotation: 'traefik' }, servers: [] },
  'nginx-elsewhere': { claim: { className: 'nginx' }, servers: [] },
  'nginx-by-class': { claim: { className: 'nginx', namespace: TEAM }, servers: ['takeover'] },
  'nginx-by-annotation': { claim: { annotation: 'nginx', namespace: TEAM }, servers: ['takeover'] },
  'no-class-in-team': { claim: { namespace: TEAM }, servers: ['takeover'] },
  'ours-in-team': { claim: { className: 'resty-ingress', namespace: TEAM }, servers: ['ours'] },
}

test('each Ingress is served by whom it names', async () => {
  await lab.apply(Object.entries(CLAIMS).map(([name, { claim }]) => claimOf(name, claim)))
  // The newest of each: when these are served, the others have been looked at.
  await lab.apply([
    claimOf('last-of-ours', { className: 'resty-ingress' }), claimOf('last-of-nginx', { className: 'nginx', namespace: TEAM }),
  ])
  await lab.waitFor('the last ones', async () =>
    (await servers('last-of-ours')).length === 1 && (await servers('last-of-nginx')).length === 1)
  for (const [name, claim] of Object.entries(CLAIMS)) {
    const expected = claim.servers
    await lab.waitFor(`${name}: ${expected.join()}`, async () => (await servers(name)).join() === expected.join())
  }
})

test('status is written to what is served, unless --update-status=false', async () => {
  await lab.waitFor('our address', async () => (await publishedAddresses(ours, 'by-class')).includes(ours.address))
  await lab.waitFor('our address', async () => (await publishedAddresses(ours, 'last-of-ours')).includes(ours.address))
  assert.deepEqual(await publishedAddresses(takeover, 'nginx-by-class', TEAM), [])
  assert.deepEqual(await publishedAddresses(ours, 'no-class'), [])
  assert.deepEqual(await publishedAddresses(ours, 'nginx-elsewhere'), [])
})

test('an Ingress moves from one controller to the other with its class', async () => {
  await lab.apply(claimOf('nginx-by-class', { className: 'resty-ingress', namespace: TEAM }))
  await lab.waitFor('the move', async () => (await servers('nginx-by-class')).join() === 'ours')
  await lab.apply(claimOf('ours-in-team', { className: 'nginx', namespace: TEAM }))
  await lab.waitFor('the move', async () => (await servers('ours-in-team')).join() === 'takeover')
})

test('a class that goes takes its Ingresses along, and brings them back', async () => {
  const { metadata } = await lab.client.get('networking.k8s.io/v1/IngressClass', { name: 'resty-ingress' })
  assert.ok(metadata?.labels)
  await lab.client.delete('networking.k8s.io/v1/IngressClass', { name: 'resty-ingress' })
  await lab.waitFor('nobody', async () => (await servers('by-class')).length === 0)
  assert.deepEqual(await servers('by-annotation'), ['ours'])
  await lab.apply(ingressClass('resty-ingress', 'resty-ingress.io/ingress-controller'))
  await lab.waitFor('its return', async () => (await servers('by-class')).join() === 'ours')
})

test('the default class is that of Ingresses without one, older ones included', async () => {
  assert.deepEqual(await servers('no-class'), [])
  const isDefault = { 'ingressclass.kubernetes.io/is-default-class': 'true' }
  await lab.apply(ingressClass('resty-ingress', 'resty-ingress.io/ingress-controller', isDefault))
  await lab.waitFor('the older one', async () => (await servers('no-class')).join() === 'ours')
  await lab.apply(claimOf('no-class-later', {}))
  await lab.waitFor('a newer one', async () => (await servers('no-class-later')).join() === 'ours')
  assert.deepEqual(await servers('foreign-annotation'), [])
})
