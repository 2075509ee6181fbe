import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pushWithin, readPushes } from './pushes.ts'

const LOG = [
  '{"level":30,"time":1000,"msg":"watching the API server"}',
  '{"level":20,"time":2005,"records":1,"milliseconds":1.5,"msg":"records pushed"}',
  '{"level":20,"time":3005,"records":2,"milliseconds":2.5,"msg":"records pushed"}',
  '',
].join('\n')

test('pushes are read from the log, and found by time', () => {
  const pushes = readPushes(LOG)
  assert.deepEqual(pushes, [{ sent: 2003.5, answered: 2005 }, { sent: 3002.5, answered: 3005 }])
  assert.equal(pushWithin(pushes, 2001, 2003)?.answered, 2005)
  assert.equal(pushWithin(pushes, 2006, 2010), undefined)
  assert.equal(pushWithin(pushes, 2006, 3010)?.answered, 3005)
})
