/** What is said of annotations that no policy owns. What policies make of theirs is in the golden cases. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KNOWN_ANNOTATIONS } from '../../compat/annotations.ts'
import { readPolicies, type PolicyReading } from './annotations.ts'
import { isProtection } from './protection.ts'

const PREFIX = 'nginx.ingress.kubernetes.io'
const OBJECT = { kind: 'Ingress', apiVersion: 'networking.k8s.io/v1', namespace: 'prod', name: 'a' }

function read(annotations: Readonly<Record<string, string>>): PolicyReading {
  return readPolicies(annotations, PREFIX, OBJECT, false)
}

test('each known annotation says what it does in ingress-nginx and what to use; those that protect close', () => {
  for (const [name, { there }] of KNOWN_ANNOTATIONS) {
    const { policies, closed, findings } = read({ [`${PREFIX}/${name}`]: 'x' })
    assert.deepEqual(policies, {}, name)
    assert.equal(closed !== undefined, isProtection(name), name)
    const [finding] = findings
    assert.ok(finding !== undefined && findings.length === 1, name)
    const { reason, severity, message, origin } = finding
    assert.deepEqual([reason, severity], ['UnsupportedAnnotation', isProtection(name) ? 'error' : 'warning'], name)
    assert.ok(message.startsWith(`annotation ${PREFIX}/${name} is `) && message.includes(there), message)
    assert.match(message, isProtection(name) ? /; it protects, so the paths .* answer 503; / : /; it has no effect; /)
    assert.equal(origin.field, `metadata.annotations[${PREFIX}/${name}]`)
  }
})

test('a value that asks for what happens anyway is not reported and closes nothing', () => {
  for (const [name, { holds }] of KNOWN_ANNOTATIONS) {
    if (holds === undefined) continue
    const { closed, findings } = read({ [`${PREFIX}/${name}`]: holds })
    assert.deepEqual([closed, findings], [undefined, []], name)
  }
})

function messageOf(name: string): string {
  const { findings } = read({ [`${PREFIX}/${name}`]: 'x' })
  assert.deepEqual(findings.map(({ reason }) => reason), ['UnknownAnnotation'], name)
  return findings[0]?.message ?? ''
}

test('an unknown annotation is told the name that was meant, supported or not', () => {
  assert.match(messageOf('proxy-body-sise'), /is unknown; it has no effect; did you mean proxy-body-size\?$/)
  assert.match(messageOf('configuration-snipet'), /did you mean configuration-snippet\?$/)
  assert.match(messageOf('no-such-thing'), /is unknown; it has no effect$/)
  assert.match(messageOf('__proto__'), /is unknown; it has no effect$/)
  assert.match(messageOf('constructor'), /is unknown; it has no effect$/)
})

test('a misspelled protection closes', () => {
  const { closed, findings } = read({ [`${PREFIX}/limit-rsp`]: '1' })
  assert.ok(closed?.includes('limit-rsp'))
  assert.match(findings[0]?.message ?? '', /; it protects, so .* 503; did you mean limit-rps\?$/)
})

test('names are compared for a bounded number of unknown annotations, and all are reported', () => {
  const annotations = Array.from({ length: 500 }, (_, i) => [`${PREFIX}/proxy-body-siz${i % 10}${'x'.repeat(i % 2)}-${i}`, 'x'])
  const misspelled = Array.from({ length: 40 }, (_, i) => [`${PREFIX}/proxy-body-siz${String.fromCharCode(65 + i)}`, 'x'])
  const { findings } = read(Object.fromEntries([...misspelled, ...annotations]) as Record<string, string>)
  assert.equal(findings.length, 540)
  assert.equal(findings.filter(({ message }) => message.includes('did you mean')).length, 20)
})
