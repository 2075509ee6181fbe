/** What a host has only so many of, and routes that count only under conditions. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Fragment, Route, RouteMatch } from '../ir/types.ts'
import { buildVirtualHost } from './virtual-host.ts'

const HOST = 'a.example'

function route(path: string, rest: Partial<Route> = {}): Route {
  const origin = { kind: 'Proxy', apiVersion: 'v1', namespace: 'prod', name: 'main', field: path }
  return { host: HOST, path, pathType: 'Prefix', backends: [], policies: {}, sources: {}, origin, ...rest }
}

function fragment(namespace: string, routes: readonly Route[], claims = true): Fragment {
  const origin = { kind: 'Proxy', apiVersion: 'v1', namespace, name: 'main', field: '' }
  const owned = routes.map((it) => ({ ...it, origin: { ...it.origin, namespace } }))
  const age = { created: '2026-01-01T00:00:00Z', name: `${namespace}/main` }
  return { age, origin, hosts: claims ? [HOST] : [], routes: owned, arms: [], tls: [], secrets: [], findings: [] }
}

function built(...fragments: readonly Fragment[]): { paths: string[]; reasons: string[] } {
  const { routes, findings } = buildVirtualHost(HOST, () => fragments, () => undefined)
  return { paths: routes.map(({ path }) => path), reasons: findings.map(({ reason }) => reason) }
}

function many(count: number, match: (i: number) => RouteMatch): Route[] {
  return Array.from({ length: count }, (_, i) => route(`/${i}`, { match: match(i) }))
}

test('a host has so many routes with conditions, and so many patterns', () => {
  const conditional = built(fragment('prod', many(1002, () => ({ methods: ['GET'] }))))
  assert.deepEqual([conditional.paths.length, conditional.reasons], [1000, ['TooManyRoutes', 'TooManyRoutes']])
  const patterns = built(fragment('prod', many(150, () => ({ headers: [{ name: 'x', pattern: '1' }], query: [{ name: 'y', pattern: '2' }] }))))
  assert.deepEqual([patterns.paths.length, patterns.reasons.length], [100, 50])
})

test('more conditions first, then the older; the same conditions in another order are the same', () => {
  const x = { name: 'x', value: '1' }
  const y = { name: 'y' }
  const matches: readonly (RouteMatch | undefined)[] = [
    undefined, { query: [x] }, { headers: [x, y] }, { methods: ['GET'] }, { headers: [y] },
    { methods: ['PUT'], query: [x, y] }, { headers: [y, x] },
  ]
  const asked = matches.map((match) => route('/', match && { match }))
  const { routes, findings } = buildVirtualHost(HOST, () => [fragment('prod', asked)], () => undefined)
  assert.deepEqual(routes.map(({ match }) => match), [5, 3, 2, 4, 1, 0].map((i) => matches[i]))
  assert.deepEqual(findings.map(({ reason }) => reason), ['PathConflict'])
})

test('what changes a host as a whole counts for its owner, and a vacant name only while it is vacant', () => {
  const owners = route('/', { pathType: 'Exact', owners: true })
  assert.deepEqual(built(fragment('b', [route('/x')]), fragment('a', [owners])), { paths: ['/x'], reasons: ['HostOwnedByOther'] })
  const vacant = fragment('a', [route('/', { vacant: true })], false)
  assert.deepEqual(built(vacant), { paths: ['/'], reasons: [] })
  assert.deepEqual(built(vacant, fragment('b', [route('/x')])), { paths: ['/x'], reasons: ['HostClaimed'] })
})

test('conditions on a path that another namespace has take nothing from it', () => {
  const asked = (namespace: string, rest: Partial<Route>, year: number): Fragment => {
    const made = fragment(namespace, [route('/', rest)])
    return { ...made, age: { ...made.age, created: `${year}-01-01T00:00:00Z` } }
  }
  const get = { match: { methods: ['GET'] } }
  const winners = (...fragments: readonly Fragment[]): string[] =>
    buildVirtualHost(HOST, () => fragments, () => undefined).routes.map(({ origin }) => origin.namespace)
  const reasons = (...fragments: readonly Fragment[]): string[] => built(...fragments).reasons
  assert.deepEqual(winners(asked('stranger', get, 2026), asked('prod', {}, 2025)), ['prod'])
  assert.deepEqual(reasons(asked('stranger', get, 2026), asked('prod', {}, 2025)), ['PathConflict'])
  assert.deepEqual(winners(asked('prod', get, 2026), asked('prod', {}, 2025)), ['prod', 'prod'])
  const fallback = asked('other', { fallback: true }, 2026)
  assert.deepEqual(winners(asked('prod', get, 2025), fallback), ['prod', 'other'])
})
