import assert from 'node:assert/strict'
import { test } from 'node:test'
import { printReport } from './report.ts'

test('columns line up, and the last line is JSON', () => {
  const text = printReport({
    tables: [{ title: 'speed', columns: ['', 'ours', 'plain'], rows: [['cpu us', 12.5, 11], ['requests', 100, '-']] }],
    notes: ['A remark.'],
    json: { cpu_ratio: 1.1, nginx: '1.30.6' },
  })
  assert.deepEqual(text.split('\n'), [
    'speed',
    '            ours  plain',
    '  cpu us    12.5     11',
    '  requests   100      -',
    '',
    'A remark.',
    '',
    '{"cpu_ratio":1.1,"nginx":"1.30.6"}',
    '',
  ])
})
