import assert from 'node:assert/strict'
import { test } from 'node:test'
import { conditionsOf } from './conditions.ts'
import type { ConditionsWish } from './conditions.ts'
import { PROXY, asRawObject } from './resource.ts'

const THEN = '2026-01-01T00:00:00Z'
const NOW = '2026-01-02T03:04:05Z'
const kind = conditionsOf(PROXY, () => new Date(NOW))

const WISH: ConditionsWish = {
  generation: 2,
  conditions: {
    Accepted: { status: true, reason: 'Accepted', message: 'the spec is understood' },
    Programmed: { status: false, reason: 'RecordRejected', message: 'refused:\nx' },
  },
}
const ACCEPTED = {
  type: 'Accepted', status: 'True', observedGeneration: 2, reason: 'Accepted', message: 'the spec is understood',
}
const PROGRAMMED = {
  type: 'Programmed', status: 'False', observedGeneration: 2, reason: 'RecordRejected', message: 'refused: x',
}

function change(...conditions: readonly object[]): unknown {
  return kind.change(WISH, kind.see(asRawObject({ metadata: { name: 'shop' }, status: { conditions } })))
}

test('conditions: of an object that has none', () => {
  assert.deepEqual(kind.change(WISH, kind.see(asRawObject({ metadata: { name: 'shop' } }))), {
    conditions: [{ ...ACCEPTED, lastTransitionTime: NOW }, { ...PROGRAMMED, lastTransitionTime: NOW }],
  })
})

test('conditions: what is so already is not written', () => {
  const there = [{ ...PROGRAMMED, lastTransitionTime: THEN }, { ...ACCEPTED, lastTransitionTime: THEN }]
  assert.equal(change(...there), undefined)
  assert.equal(change(...there, { type: 'Foreign', status: 'True' }), undefined)
})

test('conditions: the time of the last transition is that of a change of status, not of the rest', () => {
  const old = { ...ACCEPTED, observedGeneration: 1, message: 'before', lastTransitionTime: THEN }
  const flipped = { ...PROGRAMMED, status: 'True', lastTransitionTime: THEN }
  assert.deepEqual(change(old, flipped), {
    conditions: [{ ...ACCEPTED, lastTransitionTime: THEN }, { ...PROGRAMMED, lastTransitionTime: NOW }],
  })
})

test('conditions: those of others stay', () => {
  const foreign = { type: 'Foreign', status: 'True', extra: 1 }
  assert.deepEqual(change(foreign), {
    conditions: [{ ...ACCEPTED, lastTransitionTime: NOW }, { ...PROGRAMMED, lastTransitionTime: NOW }, foreign],
  })
})

test('conditions: garbage in a status is replaced, without a throw', () => {
  assert.deepEqual(change({ type: 'Accepted', lastTransitionTime: 7 }, {}), {
    conditions: [{ ...ACCEPTED, lastTransitionTime: NOW }, { ...PROGRAMMED, lastTransitionTime: NOW }, {}],
  })
})
