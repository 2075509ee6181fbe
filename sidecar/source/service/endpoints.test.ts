import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Endpoint } from '../../ir/types.ts'
import { choose, type Candidate } from './endpoints.ts'

const READY = { ready: true, serving: true }
const DRAINING = { ready: false, serving: true }
const GONE = { ready: false, serving: false }

function candidate(last: number, rest: Partial<Candidate>): Candidate {
  return { address: `198.18.1.${last}`, port: 80, family: 'IPv4', pod: '', zones: [], ...READY, ...rest }
}

function shown(endpoints: readonly Endpoint[]): string[] {
  return endpoints.map(({ address, port: _, ...rest }) => [address.slice(-1), ...Object.keys(rest)].join(' '))
}

test('ready endpoints come first, those that terminate and serve after them', () => {
  const list = [candidate(1, DRAINING), candidate(2, READY), candidate(3, GONE), candidate(4, READY)]
  assert.deepEqual(shown(choose(list, 'IPv4', '')), ['2', '4', '1 draining'])
})

test('when no ready endpoint is left, those that terminate and serve are ordinary ones', () => {
  assert.deepEqual(shown(choose([candidate(2, DRAINING), candidate(1, DRAINING), candidate(3, GONE)], 'IPv4', '')), ['1', '2'])
})

test('an address that is ready in one slice and drains in another is ready', () => {
  assert.deepEqual(shown(choose([candidate(1, READY), candidate(1, DRAINING)], 'IPv4', '')), ['1'])
})

test('a pod of both families counts once, ready or draining', () => {
  const second = { address: '2001:db8::1', family: 'IPv6' } as const
  const list = [candidate(1, { pod: 'a' }), candidate(2, { ...DRAINING, pod: 'b' })]
  const others = [candidate(8, { ...second, pod: 'a' }), candidate(9, { ...second, ...DRAINING, pod: 'b' })]
  assert.deepEqual(shown(choose([...list, ...others], 'IPv4', '')), ['1', '2 draining'])
})

const HINTED = [candidate(1, { zones: ['a'] }), candidate(2, { zones: ['b'] }), candidate(3, { zones: ['a', 'b'] })]

test('endpoints for other zones come second', () => {
  assert.deepEqual(shown(choose(HINTED, 'IPv4', 'a')), ['1', '2 priority', '3'])
  assert.deepEqual(shown(choose(HINTED, 'IPv4', 'b')), ['1 priority', '2', '3'])
})

test('hints do not count without a zone, when none names ours, and when a ready endpoint has none', () => {
  for (const zone of ['', 'c']) assert.deepEqual(shown(choose(HINTED, 'IPv4', zone)), ['1', '2', '3'])
  assert.deepEqual(shown(choose([...HINTED, candidate(4, {})], 'IPv4', 'a')), ['1', '2', '3', '4'])
  assert.deepEqual(shown(choose([...HINTED, candidate(4, DRAINING)], 'IPv4', 'a')), ['1', '2 priority', '3', '4 draining'])
})
