import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fc } from '../testing/property.ts'
import { Graph, type Collection, type Source } from './graph.ts'

interface Item {
  readonly group: string
  readonly ref: string
  readonly value: number
}

function pipeline(): { items: Source<Item>; extras: Source<number>; outputs: Collection<unknown>[]; graph: Graph } {
  const graph = new Graph()
  const items = graph.source<Item>()
  const extras = graph.source<number>()
  const mapped = graph.map(items, (item, read) =>
    item.value < 0 ? undefined : { group: item.group, sum: item.value + (read.get(extras, item.ref) ?? 0) },
  )
  const byGroup = mapped.index((value) => [value.group, '*'])
  const grouped = graph.group(byGroup, (key, values) => ({ key, total: values().reduce((a, v) => a + v.sum, 0) }))
  const shares = graph.map(items, (item, read) => ({
    peers: read.lookup(byGroup, item.group).length,
    extras: read.all(extras).length,
  }))
  const totals = graph.map(grouped, ({ total }) => total)
  const joined = graph.mapAll([
    { prefix: 'extra', input: extras, compute: (extra) => (extra < 0 ? undefined : extra) },
    { prefix: 'group', input: totals, compute: (total, read) => total + read.all(items).length },
  ])
  return { items, extras, outputs: [mapped, grouped, shares, joined] as Collection<unknown>[], graph }
}

function content(outputs: readonly Collection<unknown>[]): unknown {
  return outputs.map((output) => output.keys().map((key) => [key, output.get(key)]))
}

test('incremental = from scratch, under random changes and batches', () => {
  const name = fc.constantFrom('a', 'b', 'c', 'd')
  const change = fc.oneof(
    fc.record({ key: name, item: fc.record({ group: name, ref: name, value: fc.integer({ min: -2, max: 9 }) }) }),
    fc.record({ key: name }),
    fc.record({ extra: name, number: fc.option(fc.integer(), { nil: undefined }) }),
    fc.constant('flush' as const),
  )
  fc.assert(
    fc.property(fc.array(change, { maxLength: 60 }), (changes) => {
      const running = pipeline()
      for (const step of changes) {
        if (step === 'flush') running.graph.flush()
        else if ('extra' in step) {
          if (step.number === undefined) running.extras.delete(step.extra)
          else running.extras.set(step.extra, step.number)
        } else if ('item' in step) running.items.set(step.key, step.item)
        else running.items.delete(step.key)
      }
      running.graph.flush()
      const fresh = pipeline()
      for (const key of running.items.keys().reverse()) fresh.items.set(key, running.items.get(key) as Item)
      for (const key of running.extras.keys()) fresh.extras.set(key, running.extras.get(key) as number)
      fresh.graph.flush()
      assert.deepEqual(content(running.outputs), content(fresh.outputs))
    }),
  )
})

test('only dependents are computed again, and only differences go on', () => {
  const graph = new Graph()
  const numbers = graph.source<number>()
  let computed = 0
  const parity = graph.map(numbers, (value) => {
    computed += 1
    return value % 2
  })
  const seen: string[] = []
  parity.subscribe((key, value) => seen.push(`${key}=${String(value)}`))
  for (let i = 0; i < 100; i += 1) numbers.set(`n${i}`, i)
  graph.flush()
  assert.equal(computed, 100)
  seen.length = 0
  numbers.set('n2', 4)
  graph.flush()
  assert.equal(computed, 101)
  assert.deepEqual(seen, [])
  numbers.set('n2', 5)
  numbers.delete('n3')
  graph.flush()
  assert.deepEqual(seen, ['n2=1', 'n3=undefined'])
})

test('what is made of several collections stands together, each input under its own prefix', () => {
  const { items, extras, outputs, graph } = pipeline()
  items.set('x', { group: 'a/b', ref: 'x', value: 7 })
  extras.set('a/b', 5)
  graph.flush()
  assert.deepEqual(content(outputs.slice(3)), [[['extra/a/b', 5], ['group/*', 8], ['group/a/b', 8]]])
})
