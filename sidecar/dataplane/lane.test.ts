import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Lane } from './lane.ts'

function turns(count: number): Promise<void> {
  return count === 0 ? Promise.resolve() : new Promise((resolve) => setImmediate(() => resolve(turns(count - 1))))
}

test('one in flight, and any number of kicks meanwhile make one more round', async () => {
  const gates: (() => void)[] = []
  let rounds = 0
  const lane = new Lane(
    () => {
      rounds += 1
      return new Promise<void>((resolve) => gates.push(resolve))
    },
    () => {},
  )
  lane.kick()
  await turns(2)
  for (let i = 0; i < 5; i += 1) lane.kick()
  await turns(2)
  assert.equal(rounds, 1)
  gates.shift()?.()
  await turns(4)
  assert.equal(rounds, 2)
  gates.shift()?.()
  await turns(4)
  assert.equal(rounds, 2)
  lane.close()
})

test('failed work is tried again until it succeeds; every failure is told', async () => {
  const failures: unknown[] = []
  const done = Promise.withResolvers<void>()
  let tries = 0
  const lane = new Lane(
    async () => {
      tries += 1
      if (tries < 3) throw new TypeError(`try ${tries}`)
      done.resolve()
    },
    (error) => failures.push(error),
  )
  lane.kick()
  await done.promise
  assert.equal(failures.length, 2)
  lane.close()
})

test('closing ends the tries', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  let tries = 0
  const failed = Promise.withResolvers<void>()
  const lane = new Lane(
    async () => {
      tries += 1
      throw new Error('never')
    },
    () => failed.resolve(),
  )
  lane.kick()
  await failed.promise
  lane.close()
  await turns(2)
  t.mock.timers.tick(60_000)
  await turns(2)
  assert.equal(tries, 1)
})
