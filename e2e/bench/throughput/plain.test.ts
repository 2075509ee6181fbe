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
  peers: ['127.0.0.2:81', '127.0.0.3:81'],
  upstreamName: 'a-b-80',
}

/** A golden configuration, with the listener of the benchmark. */
async function rendered(): Promise<string> {
  const text = await readFile(join(REPOSITORY, 'sidecar/testdata/basic/nginx.conf'), 'utf8')
  return text.replace('listen 0.0.0.0:80 ', 'listen 127.0.0.1:80 ')
}

function linesWith(text: string, word: string): string[] {
  return text.split('\n').filter((line) => line.includes(word))
}

test('the plain configuration is ours without Lua', async () => {
  const ours = await rendered()
  const plain = plainConfig(ours, OPTIONS)
  assert.doesNotMatch(plain, /_by_lua/)
  for (const word of ['proxy_set_header', 'proxy_buffer', 'keepalive', "'$remote_addr"]) {
    assert.deepEqual(linesWith(plain, word), linesWith(ours, word), word)
  }
  assert.deepEqual(linesWith(plain, 'load_module'), ['load_module "/m/ngx_http_headers_more_filter_module.so";'])
  assert.match(plain, /server 127\.0\.0\.2:81;\n *server 127\.0\.0\.3:81;\n/)
  assert.match(plain, /listen 127\.0\.0\.1:9999 /)
})

test('a configuration that has not what is to be replaced is no base for a comparison', async () => {
  const ours = await rendered()
  assert.throws(() => plainConfig(ours.replace('server 0.0.0.1;', ''), OPTIONS), BenchError)
})
