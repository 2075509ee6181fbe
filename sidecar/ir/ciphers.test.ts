import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSecureContext } from 'node:tls'
import { cipherList, ciphersAndSuites } from './ciphers.ts'
import { DEFAULT_TLS_SETTINGS } from './tls-settings.ts'

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

const ACCEPTED = [
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384:DHE-RSA-AES128-GCM-SHA256',
  'HIGH:!aNULL:!MD5',
  'HIGH:!aNULL:!eNULL:!EXPORT:!CAMELLIA:!DES:!MD5:!PSK:!RC4:@STRENGTH',
  'EECDH+AESGCM:EDH+AESGCM:!SHA1:-ECDSA:+AES128',
  'ALL:!DHE:!aRSA',
  // Of the documentation of ingress-nginx.
  'ALL:!aNULL:!EXPORT56:RC4+RSA:+HIGH:+MEDIUM:+LOW:+SSLv2:+EXP',
  'DEFAULT:!CHACHA20',
  'ECDHE+CHACHA20:ECDHE+AESGCM',
]

test('what is accepted, OpenSSL loads', () => {
  for (const text of ACCEPTED) {
    const parsed = ciphersAndSuites(text)
    assert.ok('value' in parsed, text)
    createSecureContext({ ciphers: parsed.value.ciphers.join(':'), maxVersion: 'TLSv1.2' })
  }
  createSecureContext({ ciphers: DEFAULT_TLS_SETTINGS.sslCiphers.ciphers.join(':'), maxVersion: 'TLSv1.2' })
})

test('what OpenSSL might not load is refused, and what is no list of ciphers', () => {
  const refused = [
    '', 'x', 'ECDHE-RSA-AES128-GCM-SHA999', 'HIGH:!ECDHE', 'aNULL', 'DHE-RSA-AES128-GCM-SHA256', 'ALL:!ALL', '!ALL',
    'HIGH:-HIGH', '+HIGH', 'HIGH;', 'HIGH:@SECLEVEL=0', 'COMPLEMENTOFDEFAULT', 'HIGH:!ECDSA:!aRSA', '$ssl_cipher',
    '!HIGH:HIGH', `${'HIGH:'.repeat(101)}`, 'A'.repeat(3000), 'ECDHE+ECDHE+ECDHE+ECDHE+ECDHE+ECDHE+ECDHE+ECDHE+ECDHE',
  ]
  for (const text of refused) assert.ok('allowed' in ciphersAndSuites(text), text)
})

test('suites of TLS 1.3 are told apart', () => {
  assert.deepEqual(ciphersAndSuites('TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256'), {
    value: { ciphers: [], suites: ['TLS_AES_256_GCM_SHA384', 'TLS_AES_128_GCM_SHA256'] },
  })
  assert.deepEqual(ciphersAndSuites('TLS_AES_256_GCM_SHA384:HIGH'), {
    value: { ciphers: ['HIGH'], suites: ['TLS_AES_256_GCM_SHA384'] },
  })
})
