import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import type { Kind, KubeObject, ObjectSink } from '../collection/objects.ts'
import { Pipeline } from '../pipeline/pipeline.ts'
import { GOLDEN_OPTIONS } from '../testing/inputs.ts'
import { Handover } from './handover.ts'

const SECONDS = 10
const KEY = 'Ingress/prod/shop'

interface Setup {
  readonly pipeline: Pipeline
  readonly handover: Handover
  readonly calls: string[]
  readonly isServed: () => boolean
}

function setUp(context: TestContext, seconds = SECONDS): Setup {
  context.mock.timers.enable({ apis: ['setTimeout'] })
  const pipeline = new Pipeline(GOLDEN_OPTIONS)
  const calls: string[] = []
  const flushed = (change: () => void): void => {
    change()
    pipeline.graph.flush()
  }
  const sink: ObjectSink = {
    replace: (kind, objects, scope) => flushed(() => pipeline.objects.replace(kind, objects, scope)),
    set: (object) => flushed(() => pipeline.objects.set(object)),
    delete: (kind, namespace, name) => flushed(() => pipeline.objects.delete(kind, namespace, name)),
  }
  const handover = new Handover({
    sink,
    pipeline,
    classes: GOLDEN_OPTIONS,
    seconds,
    began: (key) => calls.push(`began ${key}`),
    returned: (key) => calls.push(`returned ${key}`),
  })
  sink.set(object('IngressClass', '', 'resty-ingress', { spec: { controller: GOLDEN_OPTIONS.controllerClass } }))
  sink.set(object('IngressClass', '', 'other', { spec: { controller: 'example.com/other' } }))
  return { pipeline, handover, calls, isServed: () => pipeline.fragments.get(KEY) !== undefined }
}

function object(kind: Kind, namespace: string, name: string, rest: object): KubeObject {
  return { apiVersion: 'v1', kind, metadata: { namespace, name, uid: 'u1' }, ...rest }
}

let version = 0

function ingress(className: string, uid = 'u1'): KubeObject {
  version += 1
  const rules = [{ host: `v${version}.example`, http: { paths: [] } }]
  const metadata = { namespace: 'prod', name: 'shop', uid, resourceVersion: String(version) }
  return { ...object('Ingress', 'prod', 'shop', { spec: { ingressClassName: className, rules } }), metadata }
}

test('handover: what moves to another class is served on for a while, its status is the other\'s at once', (context) => {
  const { handover, calls, isServed } = setUp(context)
  handover.set(ingress('resty-ingress'))
  handover.set(ingress('other'))
  handover.set(ingress('other'))
  assert.ok(isServed())
  assert.deepEqual(calls, [`began ${KEY}`])
  context.mock.timers.tick(SECONDS * 1000)
  assert.ok(!isServed())
  handover.set(ingress('other'))
  assert.deepEqual(calls, [`began ${KEY}`])
})

test('handover: one that comes back in time is ours, as it is then', (context) => {
  const { pipeline, handover, calls, isServed } = setUp(context)
  handover.set(ingress('resty-ingress'))
  handover.set(ingress('other'))
  const back = ingress('resty-ingress')
  handover.set(back)
  assert.deepEqual(calls, [`began ${KEY}`, `returned ${KEY}`])
  context.mock.timers.tick(SECONDS * 1000)
  assert.ok(isServed())
  assert.equal(pipeline.objects.of('Ingress').get('prod/shop'), back)
})

test('handover: not to a class that nobody has, and not of another object of the same name', (context) => {
  const { handover, calls, isServed } = setUp(context)
  handover.set(ingress('resty-ingress'))
  handover.set(ingress('nobody'))
  assert.ok(!isServed())
  handover.set(ingress('resty-ingress'))
  handover.set(ingress('other', 'u2'))
  assert.ok(!isServed())
  assert.deepEqual(calls, [])
})

test('handover: what is deleted is gone at once, and stays away', (context) => {
  const { handover, isServed } = setUp(context)
  handover.set(ingress('resty-ingress'))
  handover.set(ingress('other'))
  handover.delete('Ingress', 'prod', 'shop')
  assert.ok(!isServed())
  context.mock.timers.tick(SECONDS * 1000)
  assert.ok(!isServed())
})

test('handover: a list tells as much as single changes do', (context) => {
  const { handover, calls, isServed } = setUp(context)
  handover.replace('Ingress', [ingress('resty-ingress')])
  handover.replace('Ingress', [ingress('other')])
  assert.ok(isServed())
  assert.deepEqual(calls, [`began ${KEY}`])
  handover.replace('Ingress', [])
  assert.ok(!isServed())
  context.mock.timers.tick(SECONDS * 1000)
  assert.ok(!isServed())
})

test('handover: off', (context) => {
  const { handover, calls, isServed } = setUp(context, 0)
  handover.set(ingress('resty-ingress'))
  handover.set(ingress('other'))
  assert.ok(!isServed())
  assert.deepEqual(calls, [])
})
