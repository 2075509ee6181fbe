import assert from 'node:assert/strict'
import { test } from 'node:test'
import { template } from './template.ts'

const PARSED: Readonly<Record<string, readonly object[]>> = {
  '$remote_addr': [{ var: 'remote_addr' }],
  'a-$1b_${ARG_User}$host-c': [
    { text: 'a-' }, { capture: 1 }, { text: 'b_' }, { var: 'arg_user' }, { var: 'host' }, { text: '-c' },
  ],
  '${2}0$http_x_user': [{ capture: 2 }, { text: '0' }, { var: 'http_x_user' }],
}

for (const [text, value] of Object.entries(PARSED)) {
  test(`template ${text}`, () => assert.deepEqual(template(text), { value }))
}

test('template: an unknown variable is empty, and that is told', () => {
  assert.deepEqual(template('$nowhere-$host'), {
    value: [{ text: '-' }, { var: 'host' }],
    warning: '"$nowhere" is not known and counts as empty',
  })
})

const REFUSED = [
  '', 'constant', '$nowhere', '$', '$$host', '${host', '$host}', '{$host}', '$host $uri', '$host;', '$host\n', '$host"',
  '$höst', '$http_', '$host'.padEnd(257, 'x'), '$host'.repeat(17), '${host}}', '$(host)', '$arg_'.padEnd(80, 'x'),
]

for (const text of REFUSED) {
  test(`template refused: ${JSON.stringify(text.slice(0, 40))}`, () => assert.ok('allowed' in template(text)))
}
