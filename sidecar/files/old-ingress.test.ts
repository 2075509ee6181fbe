import assert from 'node:assert/strict'
import { test } from 'node:test'
import { convertOldIngress, isOldIngress } from './old-ingress.ts'

const BACKEND = { serviceName: 'web', servicePort: 80 }

test('only the old versions of Ingress are old', () => {
  for (const apiVersion of ['extensions/v1beta1', 'networking.k8s.io/v1beta1']) {
    assert.ok(isOldIngress({ kind: 'Ingress', apiVersion }))
    assert.ok(!isOldIngress({ kind: 'IngressClass', apiVersion }))
  }
  assert.ok(!isOldIngress({ kind: 'Ingress', apiVersion: 'networking.k8s.io/v1' }))
})

test('every field that is written otherwise today is named with its new value', () => {
  const paths = [{ path: '/a', backend: BACKEND }, { path: '/b', pathType: 'Exact', backend: { serviceName: 'web', servicePort: 'http' } }]
  const spec = { backend: BACKEND, tls: [{ hosts: ['a.example'] }], rules: [{ host: 'a.example', http: { paths } }, { host: 'b.example' }] }
  const { object, changes } = convertOldIngress({ kind: 'Ingress', apiVersion: 'extensions/v1beta1', metadata: { name: 'a' }, spec })
  assert.deepEqual(object, {
    kind: 'Ingress',
    apiVersion: 'networking.k8s.io/v1',
    metadata: { name: 'a' },
    spec: {
      tls: [{ hosts: ['a.example'] }],
      defaultBackend: { service: { name: 'web', port: { number: 80 } } },
      rules: [
        {
          host: 'a.example',
          http: {
            paths: [
              { path: '/a', pathType: 'ImplementationSpecific', backend: { service: { name: 'web', port: { number: 80 } } } },
              { path: '/b', pathType: 'Exact', backend: { service: { name: 'web', port: { name: 'http' } } } },
            ],
          },
        },
        { host: 'b.example' },
      ],
    },
  })
  assert.deepEqual(changes, [
    'apiVersion: networking.k8s.io/v1',
    'spec.defaultBackend: { service: { name: web, port: { number: 80 } } }',
    'spec.rules[0].http.paths[0].pathType: ImplementationSpecific',
    'spec.rules[0].http.paths[0].backend: { service: { name: web, port: { number: 80 } } }',
    'spec.rules[0].http.paths[1].backend: { service: { name: web, port: { name: http } } }',
  ])
})

test('what is no Ingress at all stays what it is', () => {
  for (const spec of [undefined, null, 'text', [], { rules: 'text' }, { rules: [null, 7, { http: null }, { http: { paths: {} } }] }]) {
    convertOldIngress({ kind: 'Ingress', apiVersion: 'extensions/v1beta1', spec })
  }
})

test('of thousands of paths some are shown', () => {
  const paths = Array.from({ length: 5000 }, () => ({ backend: BACKEND }))
  const { changes } = convertOldIngress({ kind: 'Ingress', apiVersion: 'extensions/v1beta1', spec: { rules: [{ http: { paths } }] } })
  assert.equal(changes.length, 21)
  assert.equal(changes.at(-1), 'and 9981 more of the same')
})
