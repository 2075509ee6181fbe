/** Which locations let Lua see the headers of answers: no ordinary one. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CLASS, ingress, service, slice, translated } from '../testing/neighbour.ts'

const FILTER = 'header_filter_by_lua_block'

/** The locations of a configuration that have a line like this, by name. */
function locationsWith(line: string, config: string): string[] {
  const blocks = [...config.matchAll(/^ +location (= )?(\S+) \{\n([^]*?)^ +\}$/gm)]
  assert.ok(blocks.length > 10)
  return blocks.flatMap(([, , name = '', body = '']) => (body.includes(line) ? [name] : []))
}

function configOf(annotations: Record<string, string>): string {
  const objects = [CLASS, service('prod', 'web', annotations), slice('prod', 'web', ['198.18.1.1']), ingress('prod', 'web', {})]
  return translated(objects).config
}

test('without a route that changes answers nothing of it is in the configuration', () => {
  assert.ok(!configOf({}).includes(FILTER))
  assert.ok(!configOf({ conf: 'proxy_set_header X-A b; proxy_read_timeout 5;' }).includes(FILTER))
})

test('with one, its class and the error pages have a filter, and no ordinary location', () => {
  const names = locationsWith(FILTER, configOf({ conf: 'add_header X-A b;' }))
  assert.deepEqual(names.filter((name) => !name.includes('error_') && name !== '//').map((name) => name.replace(/[0-9a-f]{32}$/, 'N')), ['@cN'])
  assert.ok(names.includes('@error_503') && names.includes('//error_400'), names.join(' '))
})

test('all routes that only change answers share a class', () => {
  const one = configOf({ conf: 'add_header X-A b;' })
  assert.equal(configOf({ conf: 'more_clear_headers X-B; expires 5m;' }), one)
})

test('a header that the configuration sends is left out where Lua says it', () => {
  const [name] = locationsWith('proxy_set_header', configOf({ conf: 'proxy_set_header X-Real-IP $http_x_edge;' }))
  assert.match(name ?? '', /^@c/)
  const config = configOf({ conf: 'proxy_set_header X-Real-IP $http_x_edge;' })
  const body = config.slice(config.indexOf(`location ${name}`))
  const headers = [...body.matchAll(/proxy_set_header (\S+)/g)].map(([, header]) => header)
  assert.ok(!headers.includes('X-Real-IP') && headers.includes('X-Request-ID') && headers.includes('Proxy'))
})
