import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Changeover } from './changeover.ts'

function answer(connection: number, sent: number, body: string) {
  return { connection, sent, received: sent + 0.5, body, status: 200 }
}

test('the slowest connection counts, from its last old answer on', async () => {
  const changeover = new Changeover(2, ({ body }) => body === 'new')
  for (const sent of [1, 2, 3, 4]) changeover.add(answer(0, sent, 'new'))
  changeover.add(answer(1, 5, 'new'))
  changeover.add(answer(1, 6, 'old'))
  for (const sent of [7, 8, 9]) changeover.add(answer(1, sent, 'new'))
  assert.equal(await changeover.done, 7)
})

test('an old answer on a connection that had changed over starts it again', async () => {
  const changeover = new Changeover(2, ({ body }) => body === 'new')
  for (const sent of [1, 2, 3]) changeover.add(answer(0, sent, 'new'))
  changeover.add(answer(0, 4, 'old'))
  for (const sent of [5, 6, 7]) changeover.add(answer(1, sent, 'new'))
  for (const sent of [8, 9, 10]) changeover.add(answer(0, sent, 'new'))
  assert.equal(await changeover.done, 8)
})
