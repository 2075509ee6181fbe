/**
 * Every annotation of ingress-nginx, in one controller with one NGINX: what it does, that a bad value is told and opens
 * nothing, and that others do not notice. One more annotation is one more row in a file `*-rows.ts` of this folder;
 * the few whose effect no request shows name the test that does.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KNOWN_ANNOTATIONS } from '../../../../sidecar/compat/annotations.ts'
import type { Finding } from '../../../../sidecar/ir/origin.ts'
import type { Field } from '../../../../sidecar/policy/common/policy.ts'
import { isProtection } from '../../../../sidecar/policy/set/protection.ts'
import { POLICIES } from '../../../../sidecar/policy/registry.ts'
import { manifest } from '../cluster-objects.ts'
import { everyVariant } from '../harness.ts'
import { sidecar } from '../sidecar.ts'
import * as authentication from './authentication-rows.ts'
import { BACKEND_ROWS, BALANCING_ROWS } from './backend-rows.ts'
import { assertTest, casesOf, neighbour, objectsOf, type Case } from './objects.ts'
import { Prober } from './prober.ts'
import { ACCESS_ROWS, CORS_ROWS } from './protection-rows.ts'
import { CANARY_ROWS, ROUTING_ROWS } from './routing-rows.ts'
import type { Probe, Row, Scene } from './row.ts'
import { world } from './world.ts'

const ROWS = new Map<string, Row>(Object.entries(Object.assign(
  {}, ROUTING_ROWS, CANARY_ROWS, BACKEND_ROWS, BALANCING_ROWS, ACCESS_ROWS, CORS_ROWS, ...Object.values(authentication),
)))
/** Annotations of our own, which ingress-nginx does not know. */
const OWN = new Set(['slow-start', 'canary-hash-by'])
const SETTINGS = {
  apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings', namespace: 'edge' },
  // Who is not heard connecting waits for longer than a neighbour for an answer.
  data: { 'global-allowed-response-headers': 'X-Custom', 'ssl-expiry-warning-days': '0', 'proxy-connect-timeout': '61' },
}
const FLAGS = ['--configmap=edge/settings', '--enable-ssl-passthrough', '--https-redirect-port=443']
/** Some rows wait for a timeout, which costs nothing while others are asked. */
const AT_ONCE = 8

const WITHOUT_EFFECT: readonly Case[] = [...KNOWN_ANNOTATIONS.keys()].map((annotation) =>
  ({ name: `bad-${annotation}`, annotations: { [annotation]: 'a value' }, scene: {} }))

test('each annotation has a row, or a sentence that says what it is not', () => {
  const supported = POLICIES.flatMap(({ fields }) => Object.values(fields).map(({ annotation }: Field) => annotation))
  const names = supported.filter((name) => !OWN.has(name))
  assert.deepEqual(names.filter((name) => !ROWS.has(name)), [])
  assert.deepEqual([...ROWS.keys()].filter((name) => KNOWN_ANNOTATIONS.has(name)), [])
})

test('tests that rows point to are there', () => {
  for (const { shows } of ROWS.values()) {
    if (typeof shows === 'string') assertTest(shows)
  }
})

everyVariant('annotations of ingress-nginx', ({ variant }) => {
  test('each one: what it does, a bad value, and its neighbours', { concurrency: AT_ONCE }, async (t) => {
    const around = await world(t)
    const cases = [...[...ROWS].flatMap(([annotation, row]) => casesOf(annotation, row)), ...WITHOUT_EFFECT]
    const objects = [SETTINGS, ...neighbour(around), ...cases.flatMap((it) => objectsOf(it, around))]
    const it = await sidecar(t, variant, { 'objects.yaml': manifest(...objects) }, FLAGS)
    const { findings } = await it.admin<{ findings: Finding[] }>('/v1/findings')
    const told = (name: string): readonly Finding[] => findings.filter(({ origin }) => origin.namespace === name)
    const served = async (name: string, probes: readonly Probe[], { hostwide, tls }: Scene): Promise<void> => {
      const prober = new Prober(it, around, name)
      for (const probe of probes) await prober.check(probe)
      const unchanged = { by: 'web', body: '' }
      await new Prober(it, around, 'near').check({ seen: unchanged, answer: { 'set-cookie': undefined } })
      if (hostwide === true) return
      const there = { path: '/near', ...(tls === undefined ? {} : { tls }) }
      await prober.check({ ...there, seen: { ...unchanged, host: `${name}.example` }, answer: { 'set-cookie': undefined } })
    }
    const refused = async (annotation: string, probes: readonly Probe[], scene: Scene): Promise<void> => {
      const name = `bad-${annotation}`
      const found = told(name).filter(({ origin }) => origin.field.endsWith(`/${annotation}]`))
      assert.equal(found.length, 1, JSON.stringify(told(name)))
      assert.ok(found[0]?.message.includes(annotation))
      await served(name, probes, scene)
    }
    const rows = [...ROWS].map(([annotation, { shows, then = {}, scene = {} }]) => t.test(annotation, async () => {
      if (typeof shows !== 'string') {
        assert.deepEqual(told(`good-${annotation}`), [])
        await served(`good-${annotation}`, shows, scene)
      }
      await refused(annotation, then === 503 ? [{ status: 503 }] : [then].flat(), scene)
    }))
    const others = [...KNOWN_ANNOTATIONS.keys()].map((annotation) => t.test(`${annotation}, without effect`, () =>
      refused(annotation, [{ status: isProtection(annotation) ? 503 : 200 }], {})))
    await Promise.all([...rows, ...others])
    assert.deepEqual(it.plane.errors().filter((line) => line.includes('lua')), [])
  })
})
