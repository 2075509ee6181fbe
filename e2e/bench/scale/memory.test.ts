import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseMemory } from './memory.ts'

test('kibibytes of the kernel become MiB', () => {
  const status = 'Name:\tnode\nVmHWM:\t  204800 kB\nVmRSS:\t  102400 kB\nRssAnon:\t   51200 kB\nRssFile:\t   40960 kB\nRssShmem:\t   10240 kB\n'
  assert.deepEqual(parseMemory(status), { resident: 100, anonymous: 50, file: 40, shared: 10, peak: 200 })
})

test('a kernel that does not tell is an error, not a zero', () => {
  assert.throws(() => parseMemory('Name:\tnode\n'), /VmRSS/)
})
