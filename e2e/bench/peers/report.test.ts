import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Figures } from '../traffic/rounds.ts'
import { makeReport, type PeerResult } from './report.ts'

const figures = (cpu: number, rps: number): Figures => ({ cpu, rps, p50: 10, p99: 20, errors: 0 })
const result = (name: string, more: Partial<PeerResult> = {}): PeerResult =>
  ({ name, title: name.toUpperCase(), memory: 12.34, target: undefined, changes: undefined, ...more })

const ROUNDS = [{ ours: figures(10, 300), fast: figures(8, 400), slow: figures(40, 100) }]
const RESULTS = [
  result('ours', { changes: { way: 'file', durations: [2, 3, 4] } }), result('fast', { target: 1 }), result('slow', { target: 0.4 }),
]

test('each peer is told by our ratio to it and by its own figures', () => {
  const { json } = makeReport(RESULTS, ROUNDS, [])
  assert.deepEqual(json['slow'], { cpu_ratio: 0.25, rps_ratio: 3, cpu_us: 40, rps: 100, p50_us: 10, p99_us: 20, rss_mb: 12.3 })
  const { change_p50_ms: p50, change_p99_ms: p99 } = json['ours'] as Record<string, number>
  assert.deepEqual([p50, p99], [3, 4])
})

test('what is missing and which targets were missed is said', () => {
  const { notes, tables } = makeReport(RESULTS, ROUNDS, ['OTHER is missing: no wheel.'])
  assert.deepEqual(notes, ['OTHER is missing: no wheel.', 'Target missed: CPU per request at most 1 x FAST.'])
  assert.deepEqual(tables.map(({ rows }) => rows.length), [3, 1])
})
