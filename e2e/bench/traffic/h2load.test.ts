import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseH2load } from './h2load.ts'

const PRINTED = `starting benchmark...
TLS Protocol: TLSv1.2
Application protocol: h2

finished in 1.50s, 4000.00 req/s, 1.03MB/s
requests: 6005 total, 6028 started, 6004 done, 4000 succeeded, 2005 failed, 5 errored, 0 timeout
status codes: 4000 2xx, 0 3xx, 0 4xx, 2000 5xx
`
const LOG = '1795623415566412\t200\t185\n1795623415566413\t200\t209\n1795623415566413\t503\t21\n'

test('counts come from what it prints, latencies from its log', () => {
  const expected = { requests: 6004, microseconds: 1_500_000, errors: 2005, p50: 185, p99: 209 }
  assert.deepEqual(parseH2load(PRINTED, LOG), expected)
  assert.equal(parseH2load(PRINTED.replace('1.50s', '750.20ms'), LOG).microseconds, 750_200)
})

test('figures of another protocol, or none, are refused', () => {
  assert.throws(() => parseH2load(PRINTED.replace('h2\n', 'http/1.1\n'), LOG), /h2load spoke http\/1.1/)
  assert.throws(() => parseH2load(PRINTED.replace('finished in', 'stopped after'), LOG), /nothing like/)
})
