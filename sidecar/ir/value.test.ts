import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fc } from '../testing/property.ts'
import { cidrs, classifyAddress, formatAddress, isInRange, parseAddress, parseCidr } from './address.ts'
import { isHost, isPortName } from './names.ts'
import { regularExpression } from './regex.ts'
import { boolean, buffers, duration, integer, list, onOff, seconds, size, word, type Parser } from './value.ts'

function accepts<T>(parse: Parser<T>, cases: Readonly<Record<string, T>>): void {
  for (const [text, value] of Object.entries(cases)) assert.deepEqual(parse(text), { value }, JSON.stringify(text))
}

function refuses(parse: Parser<unknown>, texts: readonly string[]): void {
  for (const text of texts) assert.ok('allowed' in parse(text), JSON.stringify(text))
}

test('single values', () => {
  accepts(boolean, { true: true, T: true, '1': true, False: false, '0': false })
  refuses(boolean, ['', 'yes', 'TRUe', ' true', 'true\n', 'on'])
  accepts(integer(0, 100), { '0': 0, '100': 100, '007': 7 })
  refuses(integer(0, 100), ['101', '-1', '+1', '1.0', '1e1', ' 1', '', '9'.repeat(400), '１'])
  accepts(seconds(1, 60), { '1': 1, '60s': 60 })
  refuses(seconds(1, 60), ['61', '1m', 's', '60ss'])
  accepts(duration(1, 7200), { '90': 90, '90s': 90, '15m': 900, '2h': 7200 })
  refuses(duration(1, 7200), ['0', '3h', '1d', '1w', '1 h', '', 'h', '1h30m'])
  accepts(onOff, { on: true, off: false })
  refuses(onOff, ['true', 'On', ''])
  accepts(size(0, 2 ** 40), { '0': 0, '8m': 8 * 2 ** 20, '1G': 2 ** 30, '10b': 10, '16k': 16384 })
  refuses(size(0, 2 ** 40), ['8mb', '-8m', '1t', '', 'm', '9999999g', '8m;'])
  accepts(word('on', 'off'), { on: 'on' })
  refuses(word('on', 'off'), ['ON', 'on ', 'on;', 'onoff'])
  accepts(buffers, { '4 8k': { number: 4, size: 8192 } })
  refuses(buffers, ['4', '4 8k 1', '4  8k', '0 8k', 'x 8k'])
  accepts(list(integer(1, 9), 3), { '1,2': [1, 2], ' 1 2\n3 ': [1, 2, 3] })
  refuses(list(integer(1, 9), 3), ['1,2,3,4', '1,x', '', ' , '])
})

test('names', () => {
  for (const name of ['a', 'a.b', '*.a.b', 'x-1.example.com', '1a']) assert.ok(isHost(name), name)
  const long = `${'a'.repeat(64)}.com`
  for (const name of ['', '*', '*.', '*.*.a', 'A', 'a_b', 'a..b', '.a', 'a.', '-a', 'a-', 'ä.de', long]) {
    assert.ok(!isHost(name), name)
  }
  assert.ok(isPortName('http-2'))
  for (const name of ['80', 'a--b', 'toolongtoolongtoo', 'UP', '']) assert.ok(!isPortName(name), name)
})

test('addresses are judged by their bytes, whatever their spelling', () => {
  const classes = {
    '127.0.0.1': 'loopback', '127.255.0.9': 'loopback', '::1': 'loopback', '::ffff:127.0.0.1': 'loopback',
    '0.0.0.0': 'unspecified', '::': 'unspecified', '0:0:0:0:0:0:0:1': 'loopback',
    '169.254.169.254': 'link-local', 'fe80::1': 'link-local', '::ffff:a9fe:a9fe': 'link-local',
    '224.0.0.1': 'multicast', 'ff02::1': 'multicast', '255.255.255.255': 'multicast',
    '100.100.100.200': 'metadata', '::ffff:168.63.129.16': 'metadata', '192.0.0.192': 'metadata',
    'fd00:ec2::254': 'metadata', 'fd20:ce::254': 'metadata', 'fd00:ec2::253': 'ordinary', '100.100.100.201': 'ordinary',
    '64:ff9b::127.0.0.1': 'loopback', '64:ff9b::a9fe:a9fe': 'link-local', '64:ff9b::192.0.2.1': 'ordinary',
    '2002:7f00:1::': 'loopback', '2002:a9fe:a9fe::1': 'link-local', '2002:c000:201::1': 'ordinary',
    '198.18.0.1': 'ordinary', '2001:db8::1': 'ordinary', '10.0.0.1': 'ordinary',
  }
  for (const [text, expected] of Object.entries(classes)) {
    const bytes = parseAddress(text)
    assert.ok(bytes, text)
    assert.equal(classifyAddress(bytes), expected, text)
  }
  const wrong = ['', 'localhost', '1.2.3', '1.2.3.4.5', '01.2.3.4', '256.1.1.1', '0x7f.1', '127.1', ':::1', '1::2::3']
  for (const text of [...wrong, '12345::', 'fe80::1%eth0', '[::1]', '1:2:3:4:5:6:7', '1:2:3:4:5:6:7:8:9', '::1.2.3']) {
    assert.equal(parseAddress(text), undefined, text)
  }
  assert.equal(formatAddress(parseAddress('2001:DB8::1') ?? []), '2001:db8:0:0:0:0:0:1')
  assert.equal(formatAddress(parseAddress('::ffff:1.2.3.4') ?? []), '1.2.3.4')
})

test('an address is in a range by its bits, also one that only leads to an IPv4 address', () => {
  const isIn = (address: string, range: string): boolean => isInRange(parseAddress(address) ?? [], range)
  for (const [address, range] of [
    ['10.1.2.3', '10.0.0.0/8'], ['10.1.2.3', '10.1.2.3'], ['::ffff:10.1.2.3', '10.1.2.2/31'], ['1.2.3.4', '0.0.0.0/0'],
    ['64:ff9b::10.1.2.3', '10.0.0.0/8'], ['2002:a01:203::', '10.0.0.0/8'], ['2001:db8:8000::1', '2001:db8:8000::/33'],
  ] as const) assert.ok(isIn(address, range), `${address} ${range}`)
  for (const [address, range] of [
    ['11.1.2.3', '10.0.0.0/8'], ['10.1.2.4', '10.1.2.3'], ['2001:db8::1', '0.0.0.0/0'], ['1.2.3.4', '::/0'],
    ['2001:db8:7fff::1', '2001:db8:8000::/33'], ['2001:db8::2', '2001:db8:0:0:0:0:0:1'],
  ] as const) assert.ok(!isIn(address, range), `${address} ${range}`)
})

test('ranges are printed again from their bytes', () => {
  assert.equal(parseCidr('198.18.7.9/15'), '198.18.0.0/15')
  assert.equal(parseCidr('198.18.7.9'), '198.18.7.9')
  assert.equal(parseCidr('0.0.0.0/0'), '0.0.0.0/0')
  assert.equal(parseCidr('2001:db8:ffff::/33'), '2001:db8:8000:0:0:0:0:0/33')
  for (const text of ['', '/8', '1.2.3.4/33', '1.2.3.4/-1', '1.2.3.4/8/8', '::/129', '1.2.3.4/08', '1.2.3.0/24;']) {
    assert.equal(parseCidr(text), undefined, text)
  }
})

test('printing an address and reading it again changes nothing', () => {
  const bytes = fc.oneof(
    fc.array(fc.integer({ min: 0, max: 255 }), { minLength: 4, maxLength: 4 }),
    fc.array(fc.integer({ min: 0, max: 255 }), { minLength: 16, maxLength: 16 }),
  )
  fc.assert(fc.property(bytes, (address) => {
    const text = formatAddress(address)
    assert.equal(formatAddress(parseAddress(text) ?? []), text)
  }))
})

test('regular expressions of the safe subset', () => {
  const good = ['/', '/a+b*c?', '/(a|b)/[^/]+', '/v\\d{1,3}', '/(?:x)$', '/a{2,}', '/[a-z\\]]', '/x*?', '/\\$']
  for (const text of good) assert.deepEqual(regularExpression(text), { value: text }, text)
  refuses(regularExpression, [
    '(', ')', '[', 'a**', 'a{1,9999}', 'a{9,1}', '(?=a)', '(?!a)', '(?<=a)', '(?<n>a)', '(?P<n>a)', '(?R)', '(?i)a', '(a)\\1',
    '\\K', '\\Qx\\E', '\\x41', '(*FAIL)', '+a', '[z-a]', '[[:alpha:]]', 'a\nb', '\0', 'a'.repeat(513), '('.repeat(30), '\\', 'a{', '[]',
    '\ud800',
  ])
})

test('no text makes a parser throw or take long', () => {
  const numbers = [integer(0, 9), seconds(0, 9), size(0, 9)]
  const parsers: readonly Parser<unknown>[] = [boolean, ...numbers, buffers, regularExpression]
  fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 600 }), (text) => {
    for (const parse of parsers) assert.ok('value' in parse(text) || 'allowed' in parse(text))
  }))
})

test('a mapped range of addresses is the range of IPv4 that it maps, and no wider one is', () => {
  assert.equal(parseCidr('::ffff:10.1.2.3'), '10.1.2.3')
  assert.equal(parseCidr('::ffff:10.1.2.3/104'), '10.0.0.0/8')
  assert.equal(parseCidr('::ffff:0:0/96'), '0.0.0.0/0')
  assert.equal(parseCidr('::ffff:0:0/95'), '0:0:0:0:0:fffe:0:0/95')
  assert.equal(parseCidr('::/0'), '0:0:0:0:0:0:0:0/0')
})

test('a list of ranges is right as a whole, or names the entry that is wrong', () => {
  const read = cidrs(3)
  assert.deepEqual(read('10.1.2.3/8 ,2001:DB8::/32'), { value: ['10.0.0.0/8', '2001:db8:0:0:0:0:0:0/32'] })
  for (const [text, entry] of [['', '1, ""'], ['10.0.0.0/8,', '2, ""'], ['10.0.0.1,,::1', '2, ""'], ['1.2.3.4 5.6.7.8', '1, '],
    ['10.0.0.1,10.0.0.01', '2, '], ['10.0.0.0/33', '1, '], ['::/129', '1, '], ['localhost', '1, '], ['1.2.3.4;', '1, ']] as const) {
    const parsed = read(text)
    assert.ok('allowed' in parsed && parsed.allowed.includes(`(entry ${entry}`), text)
  }
  assert.ok('allowed' in read('::1,::1,::1,::1'))
  const huge = read(`${'10.0.0.1,'.repeat(100_000)}::1`)
  assert.ok('allowed' in huge && huge.allowed.length < 200)
})
