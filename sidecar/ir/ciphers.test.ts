import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSecureContext } from 'node:tls'
import { cipherList } from './ciphers.ts'

const INTERMEDIATE =
  'ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:'
  + 'ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384'

test('lists that people write, which OpenSSL reads', () => {
  for (const text of [INTERMEDIATE, 'DEFAULT', 'HIGH:!aNULL:!MD5', 'EECDH+AESGCM:EDH+AESGCM', 'ECDHE:!SHA:!kRSA:-3DES']) {
    assert.deepEqual(cipherList(text), { value: text })
    createSecureContext({ ciphers: text })
  }
})

test('lists that leave nothing over, or are none', () => {
  const refused = ['', 'ALL:!ALL', '!aNULL', 'NOT-A-CIPHER', 'HIGH:!HIGH', 'AES128-SHA', 'HIGH;', 'HIGH:', `HIGH${':HIGH'.repeat(300)}`, 'HIGH !MD5']
  for (const text of refused) assert.ok('allowed' in cipherList(text), text)
})
