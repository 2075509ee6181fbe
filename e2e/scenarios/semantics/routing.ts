/** Which Ingress, rule and path a request is for. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Controller } from '../controller.ts'
import { ask } from '../http.ts'
import { applyBefore, ingressOf } from '../workload.ts'

/**
 * The service whose pod answered, or the status when none did; 0: there is no connection, since the load balancer
 * leaves out a controller that has not been ready for a while.
 */
export async function destination(controller: Controller, host: string, path = '/'): Promise<string | number> {
  const answer = await ask({ address: controller.address, host, path }).catch(noConnection)
  if (answer?.status !== 200) return answer?.status ?? 0
  return (JSON.parse(answer.body) as { pod: string }).pod.replace(/-[^-]+-[^-]+$/, '')
}

function noConnection(error: NodeJS.ErrnoException): undefined {
  if (!['ECONNREFUSED', 'EHOSTUNREACH'].includes(error.code ?? '')) throw error
}

async function assertDestinations(
  controller: Controller, expected: Readonly<Record<string, string | number>>, ask: (key: string) => [string, string?],
): Promise<void> {
  const found: Record<string, string | number> = {}
  for (const key of Object.keys(expected)) found[key] = await destination(controller, ...ask(key))
  assert.deepEqual(found, expected)
}

/** `one` and `two` are Services of ready pods. */
export function testRouting(controller: Controller): void {
  const { lab } = controller

  test('Exact, Prefix and ImplementationSpecific paths; longest first, Exact before Prefix', async () => {
    const host = 'paths.example'
    await lab.apply(ingressOf('paths', {
      rules: [
        { host, path: '/exact', pathType: 'Exact', service: 'one' },
        { host, path: '/prefix', service: 'one' },
        { host, path: '/prefix/longer/', service: 'two' },
        { host, path: '/own', pathType: 'ImplementationSpecific', service: 'two' },
        { host, path: '/both', service: 'two' },
        { host, path: '/both', pathType: 'Exact', service: 'one' },
      ],
    }))
    await lab.waitFor('the paths', async () => await destination(controller, host, '/both') === 'one')
    await assertDestinations(controller, {
      '/exact': 'one', '/exact?query': 'one', '/exact/': 404, '/exactly': 404, '/EXACT': 404,
      '/prefix': 'one', '/prefix/': 'one', '/prefix/x': 'one', '/prefixed': 404,
      '/prefix/longer': 'two', '/prefix/longer/x': 'two', '/prefix/longest': 'one',
      '/%70refix': 'one', '/x/../prefix/./longer': 'two',
      '/own/x': 'two', '/both': 'one', '/both/x': 'two', '/': 404,
    }, (path) => [host, path])
  })

  test('an exact host before a wildcard, which is one label', async () => {
    await lab.apply(ingressOf('hosts', {
      rules: [{ host: '*.wild.example', service: 'one' }, { host: 'exact.wild.example', path: '/only', service: 'two' }],
    }))
    await lab.waitFor('the hosts', async () => await destination(controller, 'exact.wild.example', '/only') === 'two')
    await assertDestinations(controller, {
      'any.wild.example': 'one', 'ANY.Wild.Example': 'one', 'any.wild.example:80': 'one',
      'two.labels.wild.example': 404, 'wild.example': 404, 'any.wild.example.other': 404,
    }, (host) => [host])
    // The exact host has no such path, and a wildcard does not stand in for it.
    assert.equal(await destination(controller, 'exact.wild.example', '/'), 404)
  })

  test('default backends: of the hosts of an Ingress, and of all other hosts', async () => {
    const host = 'backed.example'
    const own = ingressOf('backed', { rules: [{ host, path: '/declared', service: 'one' }], defaultBackend: 'two' })
    const all = ingressOf('catch-all', { defaultBackend: 'one' })
    await lab.apply([own, all])
    await lab.waitFor('the catch-all', async () => await destination(controller, 'unheard-of.example') === 'one')
    await lab.waitFor('the backed host', async () => await destination(controller, host, '/declared') === 'one')
    assert.equal(await destination(controller, host, '/other'), 'two')
    assert.equal(await destination(controller, 'paths.example', '/nowhere'), 404)
    await lab.delete(all)
    await lab.waitFor('no catch-all', async () => await destination(controller, 'unheard-of.example') === 404)
    assert.equal(await destination(controller, host, '/other'), 'two')
  })

  test('Ingresses share a host: the oldest has a path that two claim, and the other is told', async () => {
    const host = 'shared.example'
    const older = ingressOf('z-older', { rules: [{ host, path: '/both', service: 'one' }] })
    const newer = ingressOf('a-newer', {
      rules: [{ host, path: '/both', service: 'two' }, { host, path: '/newer', service: 'two' }],
    })
    await applyBefore(lab, older)
    await lab.apply(newer)
    await lab.waitFor('the newer path', async () => await destination(controller, host, '/newer') === 'two')
    assert.equal(await destination(controller, host, '/both'), 'one')
    const conflict = (await controller.findings()).find(({ reason }) => reason === 'PathConflict')
    assert.equal(conflict?.origin.name, 'a-newer')
    await lab.delete(older)
    await lab.waitFor('the newer Ingress has it', async () => await destination(controller, host, '/both') === 'two')
    assert.deepEqual((await controller.findings()).filter(({ origin }) => origin.name === 'a-newer'), [])
  })
}
