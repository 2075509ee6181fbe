import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DEFAULT_SETTINGS } from '../ir/settings.ts'
import type { NginxInput, RequestCounting } from './input.ts'
import { renderConfig } from './render.ts'

const COUNTING: RequestCounting = {
  timeBuckets: [0.005, 10], lengthBuckets: [10], sizeBuckets: [100, 1_000_000],
  perHost: true, perUndefinedHost: false, statusClasses: false, sampling: true, excluded: ['header_duration_seconds'],
}

function render(counting?: RequestCounting): string {
  const input: NginxInput = {
    settings: DEFAULT_SETTINGS,
    classes: [],
    listeners: { addresses: [], httpPort: 80, httpsPort: 443 },
    capabilities: {
      http2_directive: true, keepalive_min_timeout: true, headers_more: true, ipv6: true,
      stream: true, stream_lua: true, stream_realip: false,
    },
    ...(counting === undefined ? {} : { counting }),
  }
  return renderConfig(input).text
}

test('requests are counted: a log phase for all, and the numbers for Lua', () => {
  const text = render(COUNTING)
  assert.match(text, /^ {8}log_by_lua_block \{ return resty_ingress\.log_request\("default"\) \}$/m)
  assert.match(text, /time = \{ 0\.005, 10, \}, length = \{ 10, \},\n +size = \{ 100, 1000000, \}, per_host = true,/)
  assert.match(text, /undefined_hosts = false, status_classes = false,\n +sampling = true \}\) \}/)
})

test('NGINX is not asked for what nobody wants to see', () => {
  const [, stats] = /map "" \$stats \{ default "([^"]*)"; \}/.exec(render(COUNTING)) ?? []
  assert.equal(stats, '$request_length $bytes_sent $upstream_connect_time;-;$upstream_response_time;')
})

test('requests are not counted: no trace of it', () => {
  assert.doesNotMatch(render(), /log_request|\$stats|per_host/)
})
