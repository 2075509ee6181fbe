import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseManifest, type Manifest } from './manifest.ts'

const SERVICE = 'apiVersion: v1\nkind: Service\nmetadata: {name: shop}\n'

function parse(text: string): Manifest {
  const parsed = parseManifest('a.yaml', text)
  assert.ok('manifest' in parsed, 'failure' in parsed ? parsed.failure.message : '')
  return parsed.manifest
}

function failure(text: string): string {
  const parsed = parseManifest('a.yaml', text)
  assert.ok('failure' in parsed)
  return parsed.failure.message
}

function messages(text: string): string[] {
  return parse(text).findings.map(({ severity, reason, message }) => `${severity} ${reason} ${message}`)
}

test('one object: the namespace is default, the age is unknown', () => {
  const [located, ...more] = parse(SERVICE).objects
  assert.deepEqual(more, [])
  assert.equal(located?.line, 1)
  assert.deepEqual(located?.object, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'shop', namespace: 'default', creationTimestamp: '' },
  })
})

test('many objects, empty documents, lists of both forms, and JSON', () => {
  const list = 'kind: List\napiVersion: v1\nitems:\n- {apiVersion: v1, kind: Service, metadata: {name: b}}\n'
  const typed =
    'kind: IngressList\napiVersion: networking.k8s.io/v1\nitems:\n- metadata: {name: c, namespace: shop}\n- metadata: {name: d}\n'
  const json = '{"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": "e"}}\n'
  const { objects, findings } = parse(['', SERVICE, '# nothing\n', list, typed, json].join('---\n'))
  assert.deepEqual(findings, [])
  const seen = objects.map(({ object, line }) => [object.kind, object.metadata.namespace, object.metadata.name, line])
  assert.deepEqual(seen, [
    ['Service', 'default', 'shop', 2],
    ['Service', 'default', 'b', 11],
    ['Ingress', 'shop', 'c', 16],
    ['Ingress', 'default', 'd', 17],
    ['IngressClass', '', 'e', 19],
  ])
})

test('what only a server can know is dropped: an edit of an exported object is seen', () => {
  const meta = 'metadata: {name: a, uid: x, resourceVersion: "7", generation: 2, creationTimestamp: "2026-01-31T12:00:00Z"'
  const last = 'kubectl.kubernetes.io/last-applied-configuration: "{}"'
  const text = `apiVersion: v1\nkind: Service\n${meta}, annotations: {${last}, a: b}}\nspec: {type: ClusterIP}\nstatus: {}\n`
  const [located] = parse(text).objects
  assert.deepEqual(located?.object, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name: 'a', namespace: 'default', creationTimestamp: '2026-01-31T12:00:00Z', annotations: { a: 'b' },
    },
    spec: { type: 'ClusterIP' },
  })
})

test('stringData of a Secret becomes data and wins', () => {
  const head = 'apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n'
  const [located] = parse(`${head}data: {a: eA==, b: eQ==}\nstringData: {b: zz}\n`).objects
  assert.deepEqual(located?.object.data, { a: 'eA==', b: 'eno=' })
  assert.equal('stringData' in (located?.object ?? {}), false)
})

test('a syntax error names file, line and reason', () => {
  assert.match(failure(`${SERVICE}spec:\n  a: [1, 2\nb: 3\n`), /^a\.yaml:6:\d+: .+/)
  assert.match(failure(`${SERVICE}kind: Service\n`), /^a\.yaml:4:1: Map keys must be unique/)
})

test('a finding never repeats the text of the file', () => {
  const secret = 'MIIEvQIBADANBgkqhkiG9w0BAQ'
  for (const bad of [`a: {b: c}${secret}\n`, `a: "${secret}\n`, `a: @${secret}\n`, `a: *${secret}\n`, `- a\n${secret}\n`]) {
    assert.equal(failure(bad).includes(secret), false, failure(bad))
  }
  const notText = `apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {key: {${secret}: 1}}\n`
  assert.equal(messages(notText).join().includes(secret), false)
})

test('a small file cannot become a large object', () => {
  const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]']
  for (let level = 1; level < 9; level++) {
    lines.push(`a${level}: &a${level} [${Array.from({ length: 10 }, () => `*a${level - 1}`).join(', ')}]`)
  }
  assert.match(failure(lines.join('\n')), /^a\.yaml: an alias/)
  assert.match(failure('['.repeat(100_000)), /^a\.yaml/)
  assert.match(failure(`${SERVICE}spec: &a [*a]\n`), /^a\.yaml: an alias/)
})

test('unknown kinds and versions are ignored with a warning', () => {
  assert.deepEqual(messages(`apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\n---\n${SERVICE}`), [
    'warning UnknownKind a.yaml:1: kind "Deployment" is none that is read here; ignored',
  ])
  assert.deepEqual(messages('apiVersion: networking.k8s.io/v2\nkind: Ingress\nmetadata: {name: a}\n'), [
    'warning UnknownVersion a.yaml:1: apiVersion of Ingress must be networking.k8s.io/v1, ' +
      'not "networking.k8s.io/v2"; ignored',
  ])
  assert.match(messages('just text\n').join(), /^warning UnknownKind a\.yaml:1: kind nothing/)
  assert.match(messages('{apiVersion: v1, kind: constructor}\n').join(), /^warning UnknownKind/)
})

test('an Ingress of an old version is read, and it is said how to write it today', () => {
  const head = 'apiVersion: extensions/v1beta1\nkind: Ingress\nmetadata: {name: a}\n'
  const text = `${head}spec: {backend: {serviceName: web, servicePort: 80}}\n`
  const [located] = parse(text).objects
  assert.equal(located?.object.apiVersion, 'networking.k8s.io/v1')
  assert.deepEqual(located?.object.spec, { defaultBackend: { service: { name: 'web', port: { number: 80 } } } })
  assert.deepEqual(messages(text), [
    'warning OldVersion a.yaml:1: apiVersion extensions/v1beta1 is read from files only; today it is written: ' +
      'apiVersion: networking.k8s.io/v1; spec.defaultBackend: { service: { name: web, port: { number: 80 } } }',
  ])
  assert.deepEqual(messages(text.replace('name: a', 'name: A')), [
    'error ObjectInvalid a.yaml:1: Ingress ignored: metadata.name "A" is not a name of Kubernetes: labels of a-z, 0-9 and - joined by dots',
  ])
})

test('what an API server refuses is refused, and its neighbours stay', () => {
  const bad: [string, RegExp][] = [
    ['{}', /metadata\.name nothing/],
    ['{name: a/b}', /metadata\.name "a\/b"/],
    ['{name: 7}', /metadata\.name 7/],
    ['{name: a, namespace: ../b}', /metadata\.namespace/],
    ['{name: a, namespace: 7}', /metadata\.namespace/],
    ['{name: a, creationTimestamp: yesterday}', /metadata\.creationTimestamp/],
    ['{name: a, annotations: {ssl-redirect: false}}', /the value of "ssl-redirect" is not text; put it in quotes/],
    ['{name: a, labels: [a]}', /metadata\.labels is not a map/],
  ]
  for (const [metadata, pattern] of bad) {
    const { objects, findings } = parse(`apiVersion: v1\nkind: ConfigMap\nmetadata: ${metadata}\n---\n${SERVICE}`)
    assert.deepEqual(objects.map(({ object }) => object.kind), ['Service'])
    assert.equal(findings.length, 1)
    assert.match(findings[0]?.message ?? '', pattern)
    assert.equal(findings[0]?.severity, 'error')
  }
})

test('a key named __proto__ is only a key', () => {
  const [located] = parse('apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {__proto__: x}\n').objects
  assert.ok(located !== undefined)
  assert.equal(Object.getPrototypeOf(located.object.data), Object.prototype)
  assert.deepEqual(Object.keys(located.object.data as object), ['__proto__'])
})
