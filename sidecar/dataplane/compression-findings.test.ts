/** Brotli without its module is said, and nothing else. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compressionFindings } from './compression-findings.ts'

test('who wants Brotli of a NGINX that does not have it is told what is missing', () => {
  const reasons = (enableBrotli: boolean, brotli?: boolean): string[] =>
    compressionFindings({ enableBrotli }, brotli === undefined ? {} : { brotli }, { namespace: 'edge', name: 'pod' })
      .map(({ reason }) => reason)
  assert.deepEqual(reasons(true), ['NoBrotli'])
  assert.deepEqual(reasons(true, false), ['NoBrotli'])
  assert.deepEqual(reasons(true, true), [])
  assert.deepEqual(reasons(false), [])
})
