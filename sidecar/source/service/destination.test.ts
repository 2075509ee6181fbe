import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BackendRecord } from '../../dynamic/records.ts'
import { GOLDEN_OPTIONS } from '../../testing/inputs.ts'
import { CLASS, ingress, service, slice } from '../../testing/neighbour.ts'
import { translate } from '../../translate.ts'

const OWN = '198.18.1.9'

/** Endpoints of a Service whose only one is at our address, at port 8080. */
function endpoints(podPorts: readonly number[]): BackendRecord['endpoints'] | undefined {
  const objects = [CLASS, service('good', 'web'), slice('good', 'web', [OWN]), ingress('good', 'web', {})]
  const options = { ...GOLDEN_OPTIONS, podAddresses: [OWN], podPorts }
  const { records } = translate({ objects, options, listeners: { addresses: [], httpPort: 80, httpsPort: 443 } })
  return (records['backend/good/web/80'] as BackendRecord | undefined)?.endpoints
}

test('a pod is no destination of its own, at any port', () => {
  assert.deepEqual(endpoints([]), [])
})

test('in the network of a node only our own ports are none: what else listens there may be a backend', () => {
  assert.deepEqual(endpoints([80, 8080]), [])
  assert.deepEqual(endpoints([80, 443]), [[OWN, 8080]])
})

test('nor is a check sent to one of our own ports', () => {
  const checked = (port: string): readonly [boolean, readonly string[]] => {
    const { metadata, ...rest } = service('good', 'web')
    const annotations = { 'resty-ingress.io/health-check-path': '/', 'resty-ingress.io/health-check-port': port }
    const annotated = { ...rest, metadata: { ...metadata, annotations } }
    const objects = [CLASS, annotated, slice('good', 'web', [OWN]), ingress('good', 'web', {})]
    const options = { ...GOLDEN_OPTIONS, podAddresses: [OWN], podPorts: [443, 10_254] }
    const listeners = { addresses: [], httpPort: 80, httpsPort: 443 }
    const { records, findings } = translate({ objects, options, listeners })
    const backend = records['backend/good/web/80'] as BackendRecord | undefined
    assert.deepEqual(backend?.endpoints, [[OWN, 8080]])
    return [backend?.health_check !== undefined, findings.map(({ message }) => message)]
  }
  assert.deepEqual(checked('9100'), [true, []])
  const [isChecked, [message = '']] = checked('10254')
  assert.equal(isChecked, false)
  assert.match(message, /-port: port 10254 of "198\.18\.1\.9" is an address of this controller itself; .* not checked$/)
})

test('addresses that are refused are findings, but not thousands of them', () => {
  const addresses = Array.from({ length: 5000 }, (_, i) => `127.0.${i >> 8}.${i & 255}`)
  const objects = [CLASS, service('bad', 'web'), slice('bad', 'web', addresses), ingress('bad', 'web', {})]
  const listeners = { addresses: [], httpPort: 80, httpsPort: 443 }
  const { findings } = translate({ objects, options: GOLDEN_OPTIONS, listeners })
  assert.equal(findings.length, 17)
  assert.match(findings[0]?.message ?? '', /"127\.0\.0\.0".* is a loopback address/)
})

test('a Service with nothing but endpoints of a family that the pod has not is told', () => {
  const told = (addresses: readonly string[]): string[] => {
    const slices = addresses.map((address, i) => {
      const { metadata, ...rest } = slice('six', 'web', [address])
      return { ...rest, metadata: { ...metadata, name: `web-${i}` }, addressType: address.includes(':') ? 'IPv6' : 'IPv4' }
    })
    const objects = [CLASS, service('six', 'web'), ...slices, ingress('six', 'web', {})]
    const options = { ...GOLDEN_OPTIONS, podAddresses: [OWN] }
    const { findings } = translate({ objects, options, listeners: { addresses: [], httpPort: 80, httpsPort: 443 } })
    return findings.map(({ reason }) => reason)
  }
  assert.deepEqual(told(['fd00::1']), ['UnreachableEndpoints'])
  assert.deepEqual(told(['fd00::1', '198.18.1.1']), [])
  assert.deepEqual(told([]), [])
})
