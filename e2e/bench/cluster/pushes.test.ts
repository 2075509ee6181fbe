import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pushWithin, readPushes } from './pushes.ts'

const LOG = [
  '{"level":30,"time":1000,"msg":"watching the API server"}',
  '{"level":20,"time":2003,"at":2003.25,"milliseconds":0.5,"msg":"objects translated"}',
  '{"level":20,"time":2005,"at":2005.25,"records":1,"milliseconds":1.5,"msg":"records pushed"}',
  '{"level":20,"time":3002,"at":3002,"milliseconds":1,"msg":"objects translated"}',
  '{"level":20,"time":3004,"at":3004,"milliseconds":1,"msg":"objects translated"}',
  '{"level":20,"time":3005,"at":3005,"records":2,"milliseconds":2.5,"msg":"records pushed"}',
  '',
].join('\n')

test('pushes are read from the log, each with its translation, and found by time', () => {
  const pushes = readPushes(LOG)
  assert.deepEqual(pushes, [
    { begun: 2002.75, sent: 2003.75, answered: 2005.25 },
    { begun: 3001, sent: 3002.5, answered: 3005 },
  ])
  assert.equal(pushWithin(pushes, 2001, 2003)?.answered, 2005.25)
  assert.equal(pushWithin(pushes, 2006, 2010), undefined)
  assert.equal(pushWithin(pushes, 2006, 3010)?.answered, 3005)
})
