/** `configuration-snippet`: typed directives or nothing, and never a byte of the configuration. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GOLDEN_OPTIONS } from '../../testing/inputs.ts'
import { CLEAN, ingress, NEIGHBOUR, nasty, RUNS, service, withoutClasses } from '../../testing/neighbour.ts'
import { fc } from '../../testing/property.ts'
import { translate, type Translation } from '../../translate.ts'
import { readSnippet } from './snippet.ts'

const NAME = 'nginx.ingress.kubernetes.io/configuration-snippet'
const OBJECT = { kind: 'Ingress', apiVersion: 'networking.k8s.io/v1', namespace: 'bad', name: 'stranger' }

function withSnippet(text: string, snippets: 'off' | 'typed', prefix = NAME): Translation {
  const stranger = [service('bad', 'web'), ingress('bad', 'stranger', { host: 'bad.example.com', annotations: { [prefix]: text } })]
  return translate({
    objects: [...NEIGHBOUR, ...stranger],
    options: { ...GOLDEN_OPTIONS, snippets },
    listeners: { addresses: [], httpPort: 80, httpsPort: 443 },
  })
}

function policiesOf({ records }: Translation): unknown {
  const record = records['host/default/bad.example.com'] as { routes: { policies?: unknown }[] } | undefined
  return record?.routes[0]?.policies
}

test('without the flag nothing of it is read', () => {
  const { findings, ...rest } = withSnippet('proxy_read_timeout 5s;', 'off')
  assert.deepEqual(policiesOf({ findings, ...rest }), {})
  assert.deepEqual(findings.map(({ reason }) => reason), ['UnsupportedAnnotation'])
})

test('one bad line costs all of them, wherever it stands', () => {
  const good = 'proxy_read_timeout 5s;'
  assert.notDeepEqual(policiesOf(withSnippet(good, 'typed')), {})
  for (const bad of ['root /etc;', 'add_header A;', 'if ($x) { return 200; }', 'proxy_read_timeout', 'include x;', '}', '"']) {
    for (const text of [`${good}\n${bad}`, `${bad}\n${good}`]) {
      const result = withSnippet(text, 'typed')
      assert.deepEqual(policiesOf(result), {}, text)
      assert.ok(result.findings.length > 0, text)
    }
  }
})

test('what protects closes the paths', () => {
  for (const text of ['deny all;', 'proxy_read_timeout 5s;\nallow 10.0.0.0/8', 'auth_basic x;']) {
    const record = withSnippet(text, 'typed').records['host/default/bad.example.com'] as { routes: { closed?: string }[] } | undefined
    assert.match(record?.routes[0]?.closed ?? '', /configuration-snippet/)
  }
})

test('ours wins over the other prefix, and neither is left for the other readers', () => {
  const own = 'resty-ingress.io/configuration-snippet'
  const annotations = { [NAME]: 'proxy_read_timeout 1;', [own]: 'proxy_read_timeout 2;', other: 'x' }
  const snippet = readSnippet(annotations, 'nginx.ingress.kubernetes.io', OBJECT)
  assert.deepEqual(snippet?.reading.policies, { timeouts: { read: 2 } })
  assert.deepEqual(snippet.annotations, { other: 'x' })
  assert.equal(readSnippet({ [NAME]: ' ', other: 'x' }, 'nginx.ingress.kubernetes.io', OBJECT), undefined)
})

test('whatever stands in it, it becomes data or findings, never NGINX syntax', () => {
  const line = fc.tuple(fc.constantFrom('more_set_headers', 'proxy_cookie_path', 'proxy_redirect', 'return', 'add_header'), nasty, fc.constantFrom(';', ''))
  const text = fc.oneof(nasty, fc.array(line.map(([name, rest, end]) => `${name} ${rest}${end}`), { maxLength: 4 }).map((all) => all.join('\n')))
  fc.assert(fc.property(text, (snippet) => {
    const { config, records, findings } = withSnippet(snippet, 'typed')
    assert.equal(withoutClasses(config), withoutClasses(CLEAN.config))
    for (const [key, record] of Object.entries(CLEAN.records)) assert.deepEqual(records[key], record)
    for (const { origin } of findings) assert.equal(origin.namespace, 'bad')
  }), RUNS)
})
