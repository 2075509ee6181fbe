import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Fragment, Json, Route } from '../../ir/types.ts'
import { checkTls } from './check-protocol.ts'

const REF = { namespace: 'prod', service: 'web', port: '80' }
const ORIGIN = { kind: 'Ingress', namespace: 'prod', name: 'web', field: '' }

function user(created: string, protocol: string, tls: Json = {}, service = 'web'): Fragment {
  const policies = { backend_protocol: { protocol }, backend_tls: tls }
  const route: Route = {
    host: 'a.example', path: '/', pathType: 'Prefix', policies, sources: {}, origin: ORIGIN, backends: [{ ...REF, service, weight: 1 }],
  }
  const age = { created, name: created }
  return { age, origin: ORIGIN, hosts: [], routes: [route], arms: [], tls: [], secrets: [], findings: [] }
}

test('checks are by TLS where all routes are, as the oldest object says it', () => {
  const tls = { secret: 'prod/tls', identity: true, name: 'web.internal', server_name: true }
  assert.equal(checkTls(REF, []), undefined)
  assert.equal(checkTls(REF, [user('1', 'HTTP')]), undefined)
  assert.deepEqual(checkTls(REF, [user('1', 'HTTPS')]), {})
  assert.deepEqual(checkTls(REF, [user('1', 'HTTPS', { name: 'web.internal' })]), {})
  assert.deepEqual(checkTls(REF, [user('2', 'HTTPS'), user('1', 'HTTPS', tls)]), { name: 'web.internal', identity: 'prod/tls' })
  assert.deepEqual(checkTls(REF, [user('1', 'GRPCS'), user('2', 'HTTPS', tls)]), { handshake: true })
  for (const protocol of ['HTTP', 'AUTO_HTTP', 'GRPC', 'FCGI']) {
    assert.equal(checkTls(REF, [user('1', 'HTTPS'), user('2', protocol)]), undefined)
  }
  assert.deepEqual(checkTls(REF, [user('1', 'HTTPS'), user('2', 'HTTP', {}, 'other')]), {})
})
