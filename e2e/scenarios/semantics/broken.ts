/** One Ingress of every broken kind: it is told what is wrong, and nobody else is touched. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CoreV1Event } from '@kubernetes/client-node'
import type { KubernetesObject } from '../../lab/client.ts'
import { assertNoFailures } from '../../load/load.ts'
import type { Controller } from '../controller.ts'
import { underLoad } from '../traffic.ts'
import { applyBefore, ingressOf, type IngressOptions, type Rule } from '../workload.ts'
import { destination } from './routing.ts'

const PREFIX = 'nginx.ingress.kubernetes.io'
/** A label of 64 characters: the apiserver takes it, DNS does not. */
const LONG_LABEL = `${'x'.repeat(64)}.example`
const NEIGHBOUR = 'neighbour.example'

interface Broken {
  readonly reason: string
  /** What the host of this name answers at /bad, where something of it is left; and at / it must be fine. */
  readonly status?: number
  readonly options: Pick<IngressOptions, 'annotations' | 'tls'>
  readonly rule: Partial<Rule>
}

const UNSUPPORTED_PROTECTION = { [`${PREFIX}/enable-modsecurity`]: 'true' }

/** By name; each also has a good rule for the host `<name>.example`. */
const KINDS: Readonly<Record<string, Broken>> = {
  'bad-regex': {
    reason: 'InvalidRegex', options: { annotations: { [`${PREFIX}/use-regex`]: 'true' } },
    rule: { path: '/bad(', pathType: 'ImplementationSpecific' },
  },
  'missing-secret': {
    reason: 'SecretNotFound', options: { tls: [{ hosts: ['missing-secret.example'], secretName: 'nowhere' }] }, rule: {},
  },
  'junk-secret': {
    reason: 'InvalidSecret', options: { tls: [{ hosts: ['junk-secret.example'], secretName: 'junk' }] }, rule: {},
  },
  'missing-service': { reason: 'ServiceNotFound', status: 503, options: {}, rule: { service: 'nowhere' } },
  'missing-port': { reason: 'ServicePortNotFound', status: 503, options: {}, rule: { port: 'nowhere' } },
  'conflicting-path': { reason: 'PathConflict', options: {}, rule: { host: NEIGHBOUR, path: '/' } },
  'impossible-path': { reason: 'InvalidPath', options: {}, rule: { path: '/a%2fb', pathType: 'ImplementationSpecific' } },
  'long-label': { reason: 'InvalidHost', options: {}, rule: { host: LONG_LABEL } },
  'bad-annotation': {
    reason: 'InvalidAnnotation', options: { annotations: { [`${PREFIX}/proxy-body-size`]: '8 lots; } evil { ' } }, rule: {},
  },
}

function brokenIngress(name: string, { options, rule }: Broken): KubernetesObject {
  const host = `${name}.example`
  const annotations = { [`${PREFIX}/ssl-redirect`]: 'false', ...options.annotations }
  return ingressOf(name, {
    ...options, annotations, rules: [{ host, service: 'one' }, { host, path: '/bad', service: 'two', ...rule }],
  })
}

export function testBrokenIngresses(controller: Controller): void {
  const { lab } = controller

  async function eventsOf(name: string): Promise<string[]> {
    const events = await lab.client.list<CoreV1Event & object>('v1/Event', {
      namespace: 'default', fieldSelector: `involvedObject.name=${name},involvedObject.kind=Ingress`,
    })
    return events.map(({ reason }) => reason ?? '')
  }

  async function waitToBeTold(name: string, reason: string): Promise<void> {
    await lab.waitFor(`the finding ${reason} of ${name}`, async () =>
      (await controller.findings()).some((finding) => finding.origin.name === name && finding.reason === reason))
    await lab.waitFor(`the Event ${reason} of ${name}`, async () => (await eventsOf(name)).includes(reason))
  }

  const junk = {
    apiVersion: 'v1', kind: 'Secret', type: 'kubernetes.io/tls', metadata: { name: 'junk' },
    stringData: { 'tls.crt': 'no certificate', 'tls.key': 'no key' },
  } as KubernetesObject

  test('every broken Ingress is told so, what is good of it is served, and no neighbour is touched', async () => {
    await lab.apply(junk)
    await applyBefore(lab, ingressOf('neighbour', { rules: [{ host: NEIGHBOUR, service: 'one' }] }))
    await lab.waitFor('the neighbour', async () => await destination(controller, NEIGHBOUR) === 'one')
    const before = { conf: await controller.nginxConf(), generation: await controller.generation() }

    const report = await underLoad({ address: controller.podAddress, requests: [{ host: NEIGHBOUR }] }, async () => {
      await lab.apply(Object.entries(KINDS).map(([name, broken]) => brokenIngress(name, broken)))
      for (const [name, { reason, status }] of Object.entries(KINDS)) {
        await waitToBeTold(name, reason)
        await lab.waitFor(`what is good of ${name}`, async () => await destination(controller, `${name}.example`) === 'one')
        if (status !== undefined) assert.equal(await destination(controller, `${name}.example`, '/bad'), status, name)
      }
      // The older one has it.
      assert.equal(await destination(controller, NEIGHBOUR), 'one')
      assert.equal(await destination(controller, LONG_LABEL, '/bad'), 404)
    })

    assertNoFailures(report)
    assert.equal(await controller.nginxConf(), before.conf)
    assert.deepEqual(await controller.generation(), before.generation)
    await lab.delete(Object.entries(KINDS).map(([name, broken]) => brokenIngress(name, broken)))
    await lab.waitFor('no findings about them', async () =>
      (await controller.findings()).every(({ origin }) => KINDS[origin.name] === undefined))
  })

  test('a protection that is not supported closes the paths of its Ingress, and only those', async () => {
    const host = 'shared-protection.example'
    await lab.apply([
      ingressOf('open', { rules: [{ host, path: '/open', service: 'one' }] }),
      ingressOf('closed', { annotations: UNSUPPORTED_PROTECTION, rules: [{ host, path: '/closed', service: 'one' }] }),
    ])
    await waitToBeTold('closed', 'UnsupportedAnnotation')
    await lab.waitFor('the open path', async () => await destination(controller, host, '/open') === 'one')
    await lab.waitFor('the closed path', async () => await destination(controller, host, '/closed') === 503)
    await lab.apply(ingressOf('closed', { rules: [{ host, path: '/closed', service: 'one' }] }))
    await lab.waitFor('it opens without it', async () => await destination(controller, host, '/closed') === 'one')
  })
}
