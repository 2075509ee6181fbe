import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fc } from '../testing/property.ts'
import { SmallSet } from './small-set.ts'

test('it is a Set, whatever is added and deleted', () => {
  const step = fc.record({ adds: fc.boolean(), member: fc.constantFrom('a', 'b', 'c') })
  fc.assert(fc.property(fc.array(step), (steps) => {
    const set = new SmallSet<string>()
    const model = new Set<string>()
    for (const { adds, member } of steps) {
      set[adds ? 'add' : 'delete'](member)
      model[adds ? 'add' : 'delete'](member)
      assert.deepEqual([...set], [...model])
      assert.equal(set.size, model.size)
      assert.equal(set.has('a'), model.has('a'))
    }
  }))
})
