import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { REPOSITORY } from '../../lab/tools.ts'
import { BenchError } from '../options.ts'
import { plainConfig } from './plain.ts'

const OPTIONS = {
  modules: 'load_module "/m/ngx_http_lua_module.so";\nload_module "/m/ngx_http_headers_more_filter_module.so";\n',
  httpPort: 9999,
  httpsPort: 9998,
  certificate: '/c/crt',
  key: '/c/key',
  peers: ['127.0.0.2:81', '127.0.0.3:81'],
  upstreamName: 'a-b-80',
}

/** A golden configuration, with the listeners of the benchmark. */
async function rendered(): Promise<string> {
  const text = await readFile(join(REPOSITORY, 'sidecar/testdata/basic/nginx.conf'), 'utf8')
  return text.replaceAll('listen 0.0.0.0:', 'listen 127.0.0.1:').replaceAll(/^ *listen \[.*\n/gm, '')
}

function linesWith(text: string, word: string): string[] {
  return text.split('\n').filter((line) => line.includes(word))
}

test('the plain configuration is ours without Lua', async () => {
  const ours = await rendered()
  const plain = plainConfig(ours, OPTIONS)
  assert.doesNotMatch(plain, /_by_lua/)
  for (const word of ['proxy_set_header', 'proxy_buffer', 'keepalive', "'$remote_addr", 'http2', 'ssl_session']) {
    assert.deepEqual(linesWith(plain, word), linesWith(ours, word), word)
  }
  assert.deepEqual(linesWith(plain, 'load_module'), ['load_module "/m/ngx_http_headers_more_filter_module.so";'])
  assert.match(plain, /server 127\.0\.0\.2:81;\n *server 127\.0\.0\.3:81;\n/)
  assert.deepEqual(linesWith(plain, 'listen ').map((line) => line.trim()), [
    'listen 127.0.0.1:9999 default_server backlog=4096;', 'listen 127.0.0.1:9998 default_server backlog=4096 ssl;',
  ])
  assert.match(plain, /ssl_certificate \/c\/crt;\n *ssl_certificate_key \/c\/key;\n/)
})

test('a configuration that has not what is to be replaced is no base for a comparison', async () => {
  const ours = await rendered()
  assert.throws(() => plainConfig(ours.replace('server 0.0.0.1;', ''), OPTIONS), BenchError)
})
