import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { cached, cacheKey } from './cache.ts'
import { withRetries } from './command.ts'
import { withoutProxies } from './enter.ts'
import { findDebianMirror } from './next-root.ts'

async function ownCache(t: TestContext): Promise<string> {
  const before = process.env['XDG_CACHE_HOME']
  const folder = await mkdtemp(join(tmpdir(), 'resty-ingress-cache-'))
  process.env['XDG_CACHE_HOME'] = folder
  t.after(async () => {
    if (before === undefined) delete process.env['XDG_CACHE_HOME']
    else process.env['XDG_CACHE_HOME'] = before
    await rm(folder, { recursive: true })
  })
  return join(folder, 'resty-ingress')
}

test('an entry is made once, also when two ask for it at the same time', async (t) => {
  await ownCache(t)
  let made = 0
  const make = async (folder: string): Promise<void> => {
    made++
    await writeFile(join(folder, 'file'), 'text')
  }
  const entries = await Promise.all([cached('entry', make), cached('entry', make), cached('entry', make)])
  assert.equal(made, 1)
  assert.equal(new Set(entries).size, 1)
  assert.equal(await readFile(join(entries[0], 'file'), 'utf8'), 'text')
})

test('a failed attempt leaves no entry, and what it left does not get into the next one', async (t) => {
  const cache = await ownCache(t)
  await assert.rejects(cached('entry', async (folder) => {
    await writeFile(join(folder, 'half'), '')
    throw new Error('aborted')
  }), /aborted/)
  assert.equal(existsSync(join(cache, 'entry')), false)
  const entry = await cached('entry', async (folder) => { await writeFile(join(folder, 'whole'), '') })
  assert.deepEqual(await readdir(entry), ['whole'])
})

test('the key depends on each part and on where parts end', () => {
  assert.match(cacheKey('a'), /^[0-9a-f]{16}$/)
  assert.notEqual(cacheKey('ab', 'c'), cacheKey('a', 'bc'))
})

test('the mirror of the main archive is found in both formats of apt', () => {
  const other = 'deb [signed-by=/k.gpg] https://apt.example/cloud main main\n'
  const security = 'Types: deb\nURIs: http://mirror.example/debian-security\nSuites: bookworm-security\n'
  const oneLine = '# deb http://old.example/debian sid main\ndeb [arch=amd64] http://mirror.example/debian bookworm main\n'
  const deb822 = 'Types: deb deb-src\nURIs: http://mirror.example/debian/\nSuites: bookworm\n'
  assert.equal(findDebianMirror([other, security, oneLine]), 'http://mirror.example/debian')
  assert.equal(findDebianMirror([other, security, deb822]), 'http://mirror.example/debian/')
  assert.equal(findDebianMirror([other, security]), undefined)
})

test('what needs a network is tried again, and fails with its last words', async () => {
  let tries = 0
  const tryUntil = async (last: number): Promise<void> => {
    if (++tries < last) throw new Error(`no answer to try ${tries}`)
  }
  await withRetries(async () => { await tryUntil(3) }, 1)
  assert.equal(tries, 3)
  await assert.rejects(withRetries(async () => { await tryUntil(Infinity) }, 1), /no answer to try 6/)
})

test('proxies stay outside of the lab', () => {
  const env = { PATH: '/bin', http_proxy: 'http://127.0.0.1:9', HTTPS_PROXY: 'x', all_proxy: 'x', NONE: undefined }
  assert.deepEqual(withoutProxies(env), { PATH: '/bin' })
})
