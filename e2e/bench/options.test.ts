import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BenchError, parseCommand } from './options.ts'

test('a name alone takes the defaults', () => {
  const parsed = parseCommand(['endpoints'])
  assert.ok(parsed.command === 'run')
  assert.equal(parsed.name, 'endpoints')
  assert.equal(parsed.options.variant, 'next')
  assert.ok(parsed.options.changes >= 200)
  assert.equal(parsed.options.reloads, 20)
  assert.deepEqual(parsed.options.only, [])
  assert.equal(parsed.options.hosts, 10_000)
})

test('options are read', () => {
  const parsed = parseCommand(['throughput', '--variant', 'system', '--rounds=2', '--only', 'small,tls'])
  assert.ok(parsed.command === 'run')
  assert.equal(parsed.options.variant, 'system')
  assert.equal(parsed.options.rounds, 2)
  assert.deepEqual(parsed.options.only, ['small', 'tls'])
})

test('without a name, or with --help, help is asked for', () => {
  assert.equal(parseCommand([]).command, 'help')
  assert.equal(parseCommand(['routes', '--help']).command, 'help')
})

test('what makes no sense is said', () => {
  for (const args of [
    ['routes', 'reload'], ['routes', '--variant', 'old'], ['routes', '--changes', '1'], ['routes', '--rounds', 'x'],
    ['routes', '--unknown'],
  ]) {
    assert.throws(() => parseCommand(args), BenchError, args.join(' '))
  }
})
