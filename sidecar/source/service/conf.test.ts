/** Text in NGINX's syntax: how it is read, and that nothing but policies and findings comes of it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KubeObject } from '../../collection/objects.ts'
import { assertContract } from '../../testing/contract.ts'
import { CLEAN, ingress, NEIGHBOUR, nasty, RUNS, service, translated, withoutClasses } from '../../testing/neighbour.ts'
import { fc } from '../../testing/property.ts'
import { CONF_DIRECTIVES } from './conf-directives.ts'
import { readDirectives } from './conf-tokens.ts'
import { serviceConf } from './conf.ts'

function wordsOf(text: string): readonly (readonly string[])[] {
  const { directives, error } = readDirectives(text)
  assert.equal(error, undefined)
  return directives.map(({ words }) => words)
}

test('words, quotes, escapes and comments are those of NGINX', () => {
  const cases: readonly (readonly [text: string, words: readonly (readonly string[])[]])[] = [
    ['', []],
    ['  # only; a comment', []],
    ['a;b  c;', [['a'], ['b', 'c']]],
    ['a\n\tb\r\nc;', [['a', 'b', 'c']]],
    ['a "b c" \'d "e"\';', [['a', 'b c', 'd "e"']]],
    ['a "";', [['a', '']]],
    ['a b#c; # d;\ne;', [['a', 'b#c'], ['e']]],
    [String.raw`a "\"\'\\" '\'' \"b;`, [['a', '"\'\\', "'", '"b']]],
    [String.raw`a "x\ty\nz\rw" \q b\;c;`, [['a', 'x\ty\nz\rw', String.raw`\q`, String.raw`b\;c`]]],
    ['a $b ${c}d "${e}";', [['a', '$b', '${c}d', '${e}']]],
    ['a b"c;', [['a', 'b"c']]],
  ]
  for (const [text, words] of cases) assert.deepEqual(wordsOf(text), words, text)
})

test('a directive knows its line, one with a block leaves that out', () => {
  const { directives } = readDirectives('a;\n\nif ($x) {\n  b "}";\n  c { d; }\n}\ne\n f;')
  assert.deepEqual(directives.map(({ words, line, block }) => [words[0], line, block]), [['a', 1, false], ['if', 3, true], ['e', 7, false]])
})

test('what comes before an error stands, and nothing after it', () => {
  const cases: readonly (readonly [text: string, line: number, column: number, message: RegExp])[] = [
    ['good;\n a b', 2, 5, /ends without ";"/],
    ['good;\n "b', 2, 2, /never closed/],
    ['good;\na "b"c; d;', 2, 6, /right behind a closing quote/],
    ['good;\n;', 2, 1, /out of place/],
    ['good; } d;', 1, 7, /out of place/],
    ['good; a }', 1, 9, /out of place/],
    ['good; { d; }', 1, 7, /out of place/],
    ['good; a { b;', 1, 13, /ends without "}"/],
    [`good; a ${'b '.repeat(100)};`, 1, 135, /more than 64 words/],
  ]
  for (const [text, line, column, message] of cases) {
    const { directives, error } = readDirectives(text)
    assert.deepEqual(directives.map(({ words }) => words), [['good']], text)
    assert.deepEqual([error?.line, error?.column], [line, column], text)
    assert.match(error?.message ?? '', message)
  }
  assert.equal(readDirectives('a;'.repeat(101)).directives.length, 100)
  assert.match(readDirectives('a;'.repeat(101)).error?.message ?? '', /more than 100 directives/)
  assert.match(readDirectives(' '.repeat(16_385)).error?.message ?? '', /longer than/)
})

/** A word between quotes, escaped as NGINX wants it. */
function quotedWord(word: string): string {
  return `"${word.replace(/["\\]/g, String.raw`\$&`)}"`
}

test('any words can be written, and are read again', () => {
  const word = fc.string({ unit: 'binary', maxLength: 20 })
  fc.assert(fc.property(fc.array(fc.array(word, { minLength: 1, maxLength: 4 }), { maxLength: 4 }), (lists) => {
    assert.deepEqual(wordsOf(lists.map((words) => `${words.map(quotedWord).join(' ')};`).join('\n')), lists)
  }), RUNS)
})

const directive = fc.constantFrom(...CONF_DIRECTIVES.keys(), 'if', 'rewrite', 'deny')
const name = fc.oneof({ arbitrary: directive, weight: 5 }, { arbitrary: nasty, weight: 1 })
const argument = fc.oneof(
  nasty,
  nasty.map((text) => `X-A: ${text}`),
  fc.constantFrom('X-A: b', 'X-A:', 'Host: $host', 'X-*', '-s', '404', '-t', 'text/html', 'always', '10s', '1m', 'on', '200',
    '301', 'https://a.example/$request_uri', 'modified', 'max', '$req_id', '"', "'"),
)
const line = fc.tuple(name, fc.array(argument.map(quotedWord), { minLength: 1, maxLength: 3 }), fc.constantFrom(';', ';', ';', ';', '', ' {', '}'))
  .map(([first, rest, end]) => `${[first, ...rest].join(' ')}${end}`)
const good = fc.constantFrom('more_set_headers "A: b";', 'proxy_read_timeout 5s;', 'add_header A "$uri" always;', 'return 200 x;')
const lines = fc.array(fc.oneof(good, line), { maxLength: 8 }).map((all) => all.join('\n'))
const conf = fc.oneof({ arbitrary: nasty, weight: 1 }, { arbitrary: lines, weight: 4 })

test('whatever stands in conf, it becomes data or findings, never NGINX syntax', () => {
  let acting = 0
  fc.assert(fc.property(conf, fc.constantFrom('conf', 'resty-ingress.io/conf'), (text, annotation) => {
    const stranger = [service('bad', 'web', { [annotation]: text }), ingress('bad', 'stranger', { host: 'bad.example.com' })]
    const result = translated([...NEIGHBOUR, ...stranger])
    assertContract(result.records)
    assert.doesNotMatch(JSON.stringify(result.records), /\\ud[89a-f]/)
    assert.equal(withoutClasses(result.config), withoutClasses(CLEAN.config))
    for (const [key, record] of Object.entries(CLEAN.records)) assert.deepEqual(result.records[key], record)
    for (const { origin } of result.findings) assert.equal(origin.namespace, 'bad')
    if (Object.keys(serviceConf(stranger[0] as KubeObject)?.policies ?? {}).length > 0) acting += 1
  }), RUNS)
  assert.ok(acting > RUNS.numRuns / 20, `${acting} of ${RUNS.numRuns} did anything: a test of refusals alone is none`)
})

test('a text of any shape is read to its end once', () => {
  for (const part of ['"', "'", '\\', '{', '}', ';', '$', '${', '#', ' ', '\n', 'a', '"a" ', 'a{', 'more_set_headers "X: ']) {
    const text = part.repeat(Math.floor(16_384 / part.length))
    const reading = serviceConf(service('bad', 'web', { conf: text }))
    assert.ok((reading?.findings.length ?? 0) <= 101)
  }
})

test('ours wins over the bare key, an empty one is not set', () => {
  const of = (annotations: Record<string, string>): unknown => serviceConf(service('prod', 'web', annotations))?.policies.body_size
  assert.equal(of({}), undefined)
  assert.equal(of({ conf: ' ' }), undefined)
  assert.deepEqual(of({ 'conf': 'client_max_body_size 1;', 'resty-ingress.io/conf': 'client_max_body_size 2;' }), { max: 2 })
  assert.deepEqual(of({ 'conf': 'client_max_body_size 1;', 'resty-ingress.io/conf': '' }), { max: 1 })
})

function readingOf(conf: string): { readonly closed: string | undefined; readonly messages: readonly string[] } {
  const reading = serviceConf({ ...service('prod', 'web'), metadata: { namespace: 'prod', name: 'web', annotations: { conf } } })
  assert.ok(reading !== undefined)
  return { closed: reading.closed, messages: reading.findings.map(({ message }) => message) }
}

test('a protection that cannot be read closes the routes', () => {
  for (const conf of ['expires 1h;\ndeny all', 'proxy_read_timeout 10m\ndeny all;', '"a"b;\nexpires 1h; allow 10.0.0.0/8;']) {
    const { closed, messages } = readingOf(conf)
    assert.match(String(closed), /^(deny|allow) in annotation conf may protect/, conf)
    assert.match(String(messages[0]), /"(deny|allow)" may protect, so routes .* answer 503$/, conf)
  }
  assert.equal(readingOf('add_header X-Frame-Options deny').closed, undefined)
})

test('a directive behind a missing semicolon is not taken for the names of headers', () => {
  const conf = 'more_set_headers "A: 1"\n  proxy_read_timeout 10m;\nadd_header B c;'
  const { messages: [swallowed, ...rest] } = readingOf(conf)
  assert.match(String(swallowed), /: a ";" is missing in front of proxy_read_timeout in line 2, .*no effect$/)
  assert.deepEqual(rest, [])
  assert.deepEqual(readingOf('more_clear_headers\n  etag\n  expires;\nmore_set_headers "A: 1"\n  "B: 2";').messages, [])
})

test('what is not supported has an alternative, protections too', () => {
  const all = ['allow 10.0.0.0/8;', 'deny all;', 'auth_basic x;', 'auth_request /a;', 'fastcgi_pass x;', 'error_page 404 /a;']
  for (const conf of all) {
    assert.match(String(readingOf(conf).messages[0]), /; instead: the annotations? .*, or \w+ of a Proxy$/, conf)
  }
})

test('a name that is mistyped is told the right one, another one where they are listed', () => {
  const { messages: [mistyped, unknown, large] } = readingOf('more_set_haeders "A: b";\nnothing_like_it;\nExpires 1h;')
  assert.match(String(mistyped), /"more_set_haeders" is not supported; .*; did you mean more_set_headers\?$/)
  assert.match(String(unknown), /docs\/services\.md lists/)
  assert.match(String(large), /did you mean expires\?$/)
})
