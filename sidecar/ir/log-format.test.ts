import assert from 'node:assert/strict'
import { test } from 'node:test'
import { logFormat as argument } from '../syntax/directive.ts'
import { fc } from '../testing/property.ts'
import { logFormat } from './log-format.ts'

function printed(text: string): string | undefined {
  const reading = logFormat(text)
  return 'value' in reading ? argument(reading.value).join(' ') : undefined
}

const ACCEPTED: readonly (readonly [text: string, printed: string])[] = [
  ['$status', "'$status'"],
  ['${status}', "'$status'"],
  ['${request_time}s', "'${request_time}s'"],
  ['"$request" it\'s \\n', "'\"$request\" it\\'s \\\\n'"],
  ['{"path": "$location_path", "ns": "$namespace"}', '\'{"path": "$location_path", "ns": "$namespace"}\''],
  ['$http_x_tenant|$cookie_sid|$arg_q', "'$http_x_tenant|$cookie_sid|$arg_q'"],
  ['$the_real_ip', "'$remote_addr'"],
  ['übung $status', "'übung $status'"],
]

for (const [text, expected] of ACCEPTED) {
  test(`log format ${text}`, () => assert.equal(printed(text), expected))
}

const REFUSED = ['$nothing', '$', 'costs 5$', '$$status', '${status', '$http_', 'a\nb', "';\u0000", 'x'.repeat(5000), '$1', `$arg_${'x'.repeat(80)}`]

for (const text of REFUSED) {
  test(`log format ${JSON.stringify(text.slice(0, 20))} is refused`, () => assert.equal(printed(text), undefined))
}

/** NGINX's lexer, inside of single quotes: where the argument ends, and what it is. */
function unquoted(text: string): string | undefined {
  let value = ''
  for (let i = 1; i < text.length; i += 1) {
    if (text[i] === "'") return i === text.length - 1 ? value : undefined
    if (text[i] === '\\' && /['"\\]/.test(text[i + 1] ?? '')) i += 1
    value += text[i]
  }
  return undefined
}

test('no argument is longer than NGINX reads', () => {
  const text = `${"'".repeat(4000)} $status`
  const parts = logFormat(text)
  assert.ok('value' in parts)
  const made = argument(parts.value)
  assert.ok(made.every((it) => Buffer.byteLength(it) < 4096))
  assert.equal(made.map(unquoted).join(''), text)
})

test('whatever is accepted is one argument that says the same', () => {
  const piece = fc.oneof(fc.constantFrom("'", '"', '\\', '{', '}', ';', '#', '\n', '$status', '${uri}', '$', ' '), fc.string())
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const text = pieces.join('')
      const made = printed(text)
      if (made === undefined) return
      assert.equal(unquoted(made)?.replace(/\$\{(\w+)\}/g, '$$$1'), text.replace(/\$\{(\w+)\}/g, '$$$1'))
    }),
  )
})
