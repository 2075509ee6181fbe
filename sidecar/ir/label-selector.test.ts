import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseLabelSelector, selects } from './label-selector.ts'

function selected(selector: string, labels: Readonly<Record<string, string>>): boolean {
  const parsed = parseLabelSelector(selector)
  assert.ok(parsed.ok, selector)
  return selects(parsed.selector, labels)
}

interface Case {
  readonly selector: string
  readonly yes: readonly object[]
  readonly no: readonly object[]
}

const CASES: readonly Case[] = [
  { selector: '', yes: [{}, { a: 'b' }], no: [] },
  { selector: 'a=b', yes: [{ a: 'b' }, { a: 'b', c: 'd' }], no: [{}, { a: 'c' }, { b: 'a' }] },
  { selector: 'a == b', yes: [{ a: 'b' }], no: [{ a: '' }] },
  { selector: 'a=', yes: [{ a: '' }], no: [{}, { a: 'b' }] },
  { selector: 'a!=b', yes: [{}, { a: 'c' }], no: [{ a: 'b' }] },
  { selector: 'a in (b, c),d', yes: [{ a: 'c', d: '' }], no: [{ a: 'd', d: '' }, { a: 'b' }] },
  { selector: 'a notin (b,c)', yes: [{}, { a: 'd' }], no: [{ a: 'b' }] },
  { selector: 'example.com/a,!b', yes: [{ 'example.com/a': 'x' }], no: [{ 'example.com/a': 'x', b: '' }, {}] },
]

for (const { selector, yes, no } of CASES) {
  test(`label selector: ${selector}`, () => {
    for (const labels of yes) assert.ok(selected(selector, { ...labels }), JSON.stringify(labels))
    for (const labels of no) assert.ok(!selected(selector, { ...labels }), JSON.stringify(labels))
  })
}

test('label selector: inherited members are no labels', () => {
  assert.ok(!selected('constructor', {}))
})

for (const wrong of [',', 'a=b,', 'a=b=c', 'a in b', 'a in (b', '!', 'a b', '-a', 'a=b c', 'a>1', '(', 'x'.repeat(5000)]) {
  test(`label selector: refused: ${wrong.slice(0, 20)}`, () => {
    assert.ok(!parseLabelSelector(wrong).ok)
  })
}
