/** The largest value that each grammar takes, and one more: Lua would refuse it, and with it the routes. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KEYS } from '../source/configmap/keys.ts'
import type { Field } from './common/policy.ts'
import { readParameters } from './fastcgi-params.ts'
import { POLICIES } from './registry.ts'

const FIELDS = new Map<string, Field>(
  POLICIES.flatMap(({ fields }) => Object.values(fields).map((field: Field) => [field.annotation, field] as const)),
)

const LETTERS = (count: number): string => 'a'.repeat(count)
const PATH = (count: number): string => `/${LETTERS(count - 1)}`
const NUMBER = String
const LIST = (item: string) => (count: number): string => Array.from({ length: count }, () => item).join(',')

/** By annotation: how much is enough, and what so much looks like. */
const BOUNDS: Readonly<Record<string, readonly [most: number, of: (count: number) => string]>> = {
  'session-cookie-name': [128, LETTERS],
  'session-cookie-path': [512, PATH],
  'session-cookie-max-age': [999_999_999, NUMBER],
  'auth-realm': [256, LETTERS],
  'auth-signin-redirect-param': [64, LETTERS],
  'auth-response-headers': [64, LIST('X-A')],
  'auth-cache-duration': [86_400, (count) => `200 ${count}s`],
  'auth-keepalive': [65_536, NUMBER],
  'auth-tls-verify-depth': [100, NUMBER],
  'canary-by-header': [128, LETTERS],
  'canary-by-header-value': [256, LETTERS],
  'canary-by-cookie': [128, LETTERS],
  'canary-weight-total': [1_000_000, NUMBER],
  'client-body-buffer-size': [16 * 1024 ** 2, NUMBER],
  'cors-allow-headers': [100, LIST('X-A')],
  'cors-max-age': [31_536_000, NUMBER],
  'fastcgi-index': [64, LETTERS],
  'limit-rps': [1_000_000, NUMBER],
  'limit-rpm': [1_000_000, NUMBER],
  'limit-connections': [65_535, NUMBER],
  'limit-burst-multiplier': [1000, NUMBER],
  'limit-allowlist': [256, LIST('198.18.0.1')],
  'limit-rate': [1_000_000_000, NUMBER],
  'denylist-source-range': [1000, LIST('198.18.0.1')],
  'mirror-host': [65_535, (count) => `m.example:${count}`],
  'proxy-body-size': [1024, (count) => `${count}g`],
  'proxy-read-timeout': [31_536_000, NUMBER],
  'slow-start': [3_600, NUMBER],
  'upstream-hash-by-subset-size': [1000, NUMBER],
}

for (const [annotation, [most, of]] of Object.entries(BOUNDS)) {
  test(`${annotation}: up to ${most}`, () => {
    const parse = FIELDS.get(annotation)?.parse
    assert.ok(parse !== undefined)
    assert.ok('value' in parse(of(most)))
    assert.ok('allowed' in parse(of(most + 1)))
  })
}

test('blocked headers: up to 100 patterns of 512 characters', () => {
  const { parse } = KEYS.blockUserAgents
  for (const [most, of] of [[100, LIST('a')], [512, LETTERS]] as const) {
    assert.ok('value' in parse(of(most)))
    assert.ok('allowed' in parse(of(most + 1)))
  }
})

test('parameters of FastCGI: up to 64', () => {
  const data = (count: number): Record<string, string> => Object.fromEntries(Array.from({ length: count }, (_, i) => [`P${i}`, 'x']))
  assert.equal(typeof readParameters(data(64)), 'object')
  assert.equal(typeof readParameters(data(65)), 'string')
})
