/** Further names of hosts: who may give them, and what they lead to, in whatever order objects come. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Alias, Fragment, Route, VirtualHost } from '../ir/types.ts'
import { fc } from '../testing/property.ts'
import { buildVirtualHost } from './virtual-host.ts'
import { routedHosts } from './by-host.ts'

interface Said {
  readonly namespace: string
  readonly day: number
  readonly host: string
  readonly names?: readonly string[]
  /** Hosts of `spec.tls`, and the Secret for them. */
  readonly tls?: readonly string[]
}

function fragment({ namespace, day, host, names = [], tls = [] }: Said): Fragment {
  const name = `${host}-${day}`
  const origin = { kind: 'Ingress', apiVersion: 'networking.k8s.io/v1', namespace, name, field: '' }
  const route: Route = { host, path: `/${day}`, pathType: 'Prefix', backends: [], policies: {}, sources: {}, origin }
  const aliases = names.map((it): Alias => ({ name: it, host, origin }))
  return {
    age: { created: `2026-01-0${day}T00:00:00Z`, name: `${namespace}/${name}` },
    origin,
    hosts: [host],
    routes: [route],
    arms: [],
    tls: tls.map((it) => ({ host: it, named: true, secret: { namespace, name: `for-${it}` }, origin })),
    aliases,
    secrets: [],
    findings: [],
  }
}

interface Served extends VirtualHost {
  readonly paths: string[]
  readonly reasons: string[]
}

/** What is served under a name, by namespace and path. */
function served(name: string, all: readonly Said[]): Served {
  const fragments = all.map(fragment)
  const claimants = (host: string): readonly Fragment[] => fragments.filter((it) =>
    routedHosts(it).includes(host) || it.tls.some((claim) => claim.host === host))
  const built = buildVirtualHost(name, claimants, (secret, host) => (secret.name === `for-${host}` ? 'ec' : undefined))
  const paths = built.routes.map(({ path, origin }) => `${origin.namespace}${path}`)
  return { ...built, paths: paths.sort(), reasons: built.findings.map(({ reason }) => reason) }
}

const MAIN: Said = { namespace: 'prod', day: 2, host: 'main.example', names: ['alias.example', '*.alias.example'] }

test('all of the host is served under a name, whichever object gives it', () => {
  const all: readonly Said[] = [
    MAIN,
    { namespace: 'other', day: 3, host: 'main.example' },
    { namespace: 'prod', day: 4, host: 'main.example', names: ['more.example'] },
  ]
  for (const name of ['main.example', 'alias.example', '*.alias.example', 'more.example']) {
    const { paths, reasons } = served(name, all)
    assert.deepEqual([paths, reasons], [['other/3', 'prod/2', 'prod/4'], []], name)
  }
  assert.equal(served('alias.example', all).unclaimed, undefined)
})

test('a host of any object beats a name, whoever is older', () => {
  for (const day of [1, 9]) {
    const { paths, reasons } = served('alias.example', [MAIN, { namespace: 'other', day, host: 'alias.example' }])
    assert.deepEqual([paths, reasons], [[`other/${day}`], ['HostClaimed']])
  }
})

test('only the owner of the host gives it names, and of two hosts the older has one', () => {
  const stranger: Said = { namespace: 'other', day: 3, host: 'main.example', names: ['stolen.example'] }
  const stolen = served('stolen.example', [MAIN, stranger])
  assert.deepEqual([stolen.paths, stolen.reasons, stolen.unclaimed], [[], ['HostOwnedByOther'], true])
  const older: Said = { namespace: 'other', day: 1, host: 'older.example', names: ['alias.example'] }
  const both = served('alias.example', [MAIN, older])
  assert.deepEqual([both.paths, both.reasons], [['other/1'], ['AliasConflict']])
})

test('a name has a certificate that covers it, of the owner, or the default one', () => {
  const with_ = (tls: readonly string[]): Said => ({ ...MAIN, tls })
  const plain = served('alias.example', [with_(['main.example'])])
  assert.deepEqual([plain.tls, plain.certificate], [false, undefined])
  const covered = served('alias.example', [with_(['main.example', 'alias.example'])])
  assert.deepEqual([covered.tls, covered.certificate?.name], [true, 'for-alias.example'])
  const foreign = served('alias.example', [MAIN, { namespace: 'other', day: 1, host: 'x.example', tls: ['alias.example'] }])
  assert.deepEqual([foreign.tls, foreign.certificate, foreign.paths], [false, undefined, ['prod/2']])
})

const HOSTS = ['a.example', 'b.example', 'c.example', '*.example']
const said = fc.record({
  namespace: fc.constantFrom('x', 'y'),
  day: fc.integer({ min: 1, max: 9 }),
  host: fc.constantFrom(...HOSTS),
  names: fc.subarray(HOSTS),
}).map((it): Said => ({ ...it, names: it.names.filter((name) => name !== it.host) }))

test('names never change what a host that is claimed serves, and do not depend on the order of objects', () => {
  const all = fc.uniqueArray(said, { maxLength: 6, selector: ({ namespace, day, host }) => `${namespace} ${host} ${day}` })
  fc.assert(fc.property(all, (objects) => {
    const bare = objects.map(({ names: _, ...rest }) => rest)
    for (const host of HOSTS) {
      const now = served(host, objects)
      assert.deepEqual(served(host, objects.toReversed()).paths, now.paths)
      if (objects.some((it) => it.host === host)) assert.deepEqual(now.paths, served(host, bare).paths)
      for (const { namespace } of now.routes.map(({ origin }) => origin)) assert.ok(['x', 'y'].includes(namespace))
    }
  }))
})
