import assert from 'node:assert/strict'
import { test } from 'node:test'
import { plot, roundUp } from './plot.ts'

test('the top of an axis is a round number', () => {
  assert.deepEqual([0, 0.3, 1, 1.1, 4.9, 51, 100, 501].map(roundUp), [1, 0.5, 1, 2, 5, 100, 100, 1000])
})

test('points stand where their values are, on a logarithmic axis', () => {
  const line = { label: 'a < b', points: [[100, 0], [1000, 5], [10_000, 10]] as const }
  const svg = plot([{ title: 'memory', across: 'Ingresses', unit: 'MiB', lines: [line] }])
  assert.match(svg, /d="M56 224L220 130L384 36"/)
  assert.match(svg, /a &lt; b/)
  assert.match(svg, /^<svg [^>]*viewBox="0 0 800 280"/)
})
