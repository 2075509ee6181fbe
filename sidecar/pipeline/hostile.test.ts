/** Whatever anybody writes into an object is a finding or data: no syntax, no crash, no harm to a neighbour. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { check } from '../testing/hostile/invariants.ts'
import { cases } from '../testing/hostile/objects.ts'
import { assertVocabulary } from '../testing/hostile/vocabulary.ts'
import { CLEAN } from '../testing/neighbour.ts'
import { fc } from '../testing/property.ts'

/** Always the same cases, as long as the code is the same; `npm run fuzz` has others. */
const SEED = 1

test('10 000 hostile cases', () => {
  const numRuns = Number(process.env.HOSTILE_RUNS ?? 10_000)
  fc.assert(fc.property(cases, (one) => void check(one)), { numRuns, seed: SEED })
})

test('the vocabulary tells what is none of ours', () => {
  const { config } = CLEAN
  assertVocabulary(config)
  const broken = [
    config.replace('location / {', 'location / {\n alias /etc;'),
    config.replace('location / {', 'location /x {'),
    config.replace('sendfile on;', 'sendfile on evil;'),
    config.replace('# Constant:', '# zq9'),
    config.replace('resty_ingress.balancer()', 'os.execute("x")'),
    config.replace('sendfile on;', 'sendfile "on;'),
    config.replace('sendfile on;', 'sendfile on\\;'),
    `${config}}`,
  ]
  for (const text of broken) assert.notEqual(text, config)
  for (const text of broken) assert.throws(() => assertVocabulary(text), text.slice(0, 20))
})
