import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errorsOf, medianOf, ratioOf, takeTurns, type Figures } from './rounds.ts'

const figures = (cpu: number, errors = 0): Figures => ({ cpu, rps: 1, p50: 1, p99: 1, errors })

test('competitors take turns, and who begins alternates', async () => {
  const order: string[] = []
  const rounds = await takeTurns(['a', 'b'], 3, async (name) => figures(order.push(name)))
  assert.deepEqual(order, ['a', 'b', 'b', 'a', 'a', 'b'])
  assert.deepEqual(rounds.map(({ a, b }) => [a.cpu, b.cpu]), [[1, 2], [4, 3], [5, 6]])
})

test('a ratio is the median of the rounds, not the ratio of the medians', () => {
  const rounds = [
    { a: figures(10), b: figures(10) }, { a: figures(30), b: figures(20) }, { a: figures(60), b: figures(30) },
  ]
  assert.equal(medianOf(rounds, 'a', 'cpu'), 30)
  assert.equal(ratioOf(rounds, 'a', 'b', 'cpu'), 1.5)
  assert.equal(ratioOf([...rounds, { a: figures(5), b: figures(10) }, { a: figures(5), b: figures(10) }], 'a', 'b', 'cpu'), 1)
})

test('errors of all rounds count', () => {
  const rounds = [{ a: figures(1, 2), b: figures(1) }, { a: figures(1), b: figures(1, 3) }]
  assert.equal(errorsOf(rounds, ['a', 'b']), 5)
  assert.equal(errorsOf(rounds, ['b']), 3)
})
