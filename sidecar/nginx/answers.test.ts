/** Which directives the settings of answers become. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DEFAULT_SETTINGS, type Settings } from '../ir/settings.ts'
import { translateConfigMap } from '../source/configmap/translate.ts'
import { CURRENT_CAPABILITIES } from '../translate.ts'
import { answerLines, hstsView, serverHeaderView } from './answers.ts'
import { print } from '../syntax/directive.ts'

function lines(settings: Partial<Settings>, brotli = false): string[] {
  return answerLines({ ...DEFAULT_SETTINGS, ...settings }, { ...CURRENT_CAPABILITIES, brotli }).map(print)
}

test('by default answers are not compressed, nothing more is hidden, and TLS is asked for during a year', () => {
  assert.deepEqual(lines({}), ['server_tokens off;'])
  const year = { max_age: 31_536_000, subdomains: true, preload: false, from_backend: true }
  assert.deepEqual(hstsView(DEFAULT_SETTINGS), year)
})

test('without types of its own NGINX compresses text/html alone', () => {
  assert.ok(lines({ useGzip: true }).some((line) => line.startsWith('gzip_types ')))
  assert.ok(!lines({ useGzip: true, gzipTypes: [] }).some((line) => line.startsWith('gzip_types ')))
})

test('what backends say of TLS is hidden where it is named', () => {
  const settings = { ...DEFAULT_SETTINGS, hideHeaders: ['strict-transport-security'] }
  assert.equal(hstsView(settings)?.['from_backend'], false)
  assert.equal(hstsView({ ...settings, hsts: false }), undefined)
  assert.ok(lines(settings).includes('proxy_hide_header strict-transport-security;'))
})

test('no name of a header or type that is none becomes an argument', () => {
  for (const text of ['x;', 'a b', '$host', 'a"', '{', '', 'x'.repeat(47)]) {
    assert.throws(() => lines({ hideHeaders: [text] }), TypeError)
    assert.throws(() => lines({ useGzip: true, gzipTypes: [text] }), TypeError)
  }
})

test('a NGINX that cannot change Server is told nothing of it', () => {
  const capabilities = { ...CURRENT_CAPABILITIES, headers_more: false }
  const neither = { hide_server_header: false, only_server_of_backend: false }
  assert.deepEqual(serverHeaderView(DEFAULT_SETTINGS, capabilities), neither)
  assert.deepEqual(serverHeaderView({ ...DEFAULT_SETTINGS, allowBackendServerHeader: true }, capabilities), neither)
})

test('Brotli is asked of a NGINX that has it, and of no other', () => {
  const data = { 'enable-brotli': 'true', 'brotli-level': '11', 'brotli-min-length': '100', 'brotli-types': 'text/css' }
  const { settings } = translateConfigMap({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace: 'ops', name: 'settings' }, data })
  assert.deepEqual(lines(settings), ['server_tokens off;'])
  assert.deepEqual(lines(settings, true), [
    'server_tokens off;', 'brotli on;', 'brotli_comp_level 11;', 'brotli_min_length 100;', 'brotli_types text/css;',
    'gzip_vary on;',
  ])
  const both = lines({ ...settings, useGzip: true }, true)
  assert.equal(both.filter((line) => line === 'gzip_vary on;').length, 1)
  assert.ok(both.includes('gzip on;') && both.includes('brotli on;'))
  assert.throws(() => lines({ ...settings, brotliTypes: ['x;'] }, true), TypeError)
})
