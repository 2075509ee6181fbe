/**
 * Every annotation of ingress-nginx, in one controller with one NGINX: what it does, that a bad value is told and opens
 * nothing, and that others do not notice. One more annotation is one more row in a file `*-rows.ts` of this folder;
 * what needs more than one request has a file of its own, which the row names.
 */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { KNOWN_ANNOTATIONS } from '../../../../sidecar/compat/annotations.ts'
import type { Finding } from '../../../../sidecar/ir/origin.ts'
import type { Field } from '../../../../sidecar/policy/policy.ts'
import { isProtection } from '../../../../sidecar/policy/protection.ts'
import { POLICIES } from '../../../../sidecar/policy/registry.ts'
import { backend, type Handler } from '../backends.ts'
import { ask, type Reply } from '../client.ts'
import { manifest, secretObject, siteObjects } from '../cluster-objects.ts'
import { everyVariant } from '../harness.ts'
import { sidecar } from '../sidecar.ts'
import { BACKEND_ROWS } from './backend-rows.ts'
import { PROTECTION_ROWS } from './protection-rows.ts'
import { ROUTING_ROWS } from './routing-rows.ts'
import type { Probe, Row } from './row.ts'

const ROWS = new Map<string, Row>(Object.entries({ ...ROUTING_ROWS, ...BACKEND_ROWS, ...PROTECTION_ROWS }))
/** Annotations of our own, which ingress-nginx does not know. */
const OWN = new Set(['slow-start', 'canary-hash-by'])

/** In each namespace, so that a login that is not closed by a bad value answers 401. */
const USERS = { auth: 'alice:{SHA}0JQeaNqPOBUf+Gph/Fn3xc+fyqI=' }

/** Says what it got; parameters of the query become headers of its answer. */
const echo: Handler = (request, response) => {
  const { searchParams } = new URL(request.url ?? '', 'http://echo')
  for (const [name, text] of searchParams) response.setHeader(name, text)
  request.resume()
  response.end(JSON.stringify({ ...request.headers, url: request.url, version: request.httpVersion }))
}

/** Another namespace's Ingress for the path `/near` of a host. */
function near(host: string): object {
  const to = { service: { name: 'near', port: { number: 80 } } }
  return {
    apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata: { name: host, namespace: 'near' },
    spec: { rules: [{ host: `${host}.example`, http: { paths: [{ path: '/near', pathType: 'Prefix', backend: to }] } }] },
  }
}

function objects(port: number): object[] {
  const cases = [...ROWS].flatMap(([annotation, { beside, good, bad, shows }]) => [
    ...(typeof shows === 'string' ? [] : [[`good-${annotation}`, { ...beside, [annotation]: good }] as const]),
    [`bad-${annotation}`, { ...beside, [annotation]: bad }] as const,
  ])
  const without = [...KNOWN_ANNOTATIONS.keys()].map((annotation) => [`bad-${annotation}`, { [annotation]: 'a value' }] as const)
  const sites = [...cases, ...without].flatMap(([name, annotations]) =>
    [...siteObjects({ name, namespace: name, port, annotations }), secretObject('users', USERS, name), near(name)])
  return [...siteObjects({ name: 'near', namespace: 'near', port }), ...sites]
}

function assertReply({ status, text, headers }: Reply, probe: Probe): void {
  assert.equal(status, probe.status ?? 200, text)
  for (const [name, expected] of Object.entries(probe.answer ?? {})) {
    const got = headers[name]
    if (expected instanceof RegExp) assert.match(String(got), expected)
    else assert.equal(got, expected, name)
  }
  if (probe.seen === undefined) return
  const got = JSON.parse(text) as Readonly<Record<string, string>>
  for (const [name, expected] of Object.entries(probe.seen)) assert.equal(got[name], expected, name)
}

test('each annotation has a row, or a sentence that says what it is not', () => {
  const supported = POLICIES.flatMap(({ fields }) => Object.values(fields).map(({ annotation }: Field) => annotation))
  const names = supported.filter((name) => !OWN.has(name))
  assert.deepEqual(names.filter((name) => !ROWS.has(name)), [])
  assert.deepEqual([...ROWS.keys()].filter((name) => KNOWN_ANNOTATIONS.has(name)), [])
  for (const [name, { shows }] of ROWS) {
    assert.ok(typeof shows !== 'string' || existsSync(join(import.meta.dirname, '..', shows)), `${name}: ${shows}`)
  }
})

everyVariant('annotations of ingress-nginx', ({ variant }) => {
  test('each one: what it does, a bad value, and its neighbours', async (t) => {
    const web = await backend(t, 'web', echo)
    const it = await sidecar(t, variant, { 'objects.yaml': manifest(...objects(web.port)) })
    const { findings } = await it.admin<{ findings: Finding[] }>('/v1/findings')
    const get = async (name: string, probe: Probe = {}): Promise<Reply> => {
      const { prefix = '', path = '/', method = 'GET', headers = {}, body } = probe
      return await ask(it.http, { host: `${prefix}${name}.example`, path, method, headers, ...(body === undefined ? {} : { body }) })
    }
    const told = (name: string): readonly Finding[] => findings.filter(({ origin }) => origin.namespace === name)
    const neighbour = async (name: string): Promise<void> => {
      for (const [host, path] of [['near', '/'], [name, '/near']] as const) {
        assertReply(await get(host, { path }), { seen: { host: `${host}.example`, url: path }, answer: { 'set-cookie': undefined } })
      }
    }
    const refused = async (annotation: string, probe: Probe): Promise<void> => {
      const name = `bad-${annotation}`
      const found = told(name).filter(({ origin }) => origin.field.endsWith(`/${annotation}]`))
      assert.equal(found.length, 1, JSON.stringify(told(name)))
      assert.ok(found[0]?.message.includes(annotation))
      assertReply(await get(name, probe), probe)
      await neighbour(name)
    }
    for (const [annotation, { shows, then = {} }] of ROWS) {
      await t.test(annotation, async () => {
        if (typeof shows !== 'string') {
          for (const probe of shows) assertReply(await get(`good-${annotation}`, probe), probe)
          assert.deepEqual(told(`good-${annotation}`), [])
          await neighbour(`good-${annotation}`)
        }
        await refused(annotation, then === 503 ? { status: 503 } : then)
      })
    }
    for (const annotation of KNOWN_ANNOTATIONS.keys()) {
      await t.test(`${annotation}, without effect`, () => refused(annotation, { status: isProtection(annotation) ? 503 : 200 }))
    }
    assert.deepEqual(it.plane.errors().filter((line) => line.includes('lua')), [])
  })
})
