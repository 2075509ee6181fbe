/** Errors inside a request: it alone is answered 500, it is counted, and the log names the object, once a second. */
import assert from 'node:assert/strict'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { backend, endpoints, host, route } from './backends.ts'
import { ask } from './client.ts'
import { everySetup, serve, type DataPlane, type Json, type Served, type Setup } from './harness.ts'

const SOURCE = join(import.meta.dirname, '../../../lua')

/** A data plane whose Lua has a bug: text in place of what a module has before it returns. */
async function withBug(t: TestContext, setup: Setup, module: string, bug: string): Promise<Served> {
  const home = await mkdtemp(join(tmpdir(), 'resty-ingress-home-'))
  t.after(() => rm(home, { recursive: true, force: true }))
  await cp(join(SOURCE, 'ingress'), join(home, 'lua/ingress'), { recursive: true })
  const file = join(home, `lua/ingress/${module}.lua`)
  const text = await readFile(file, 'utf8')
  assert.match(text, /\nreturn _M\n$/)
  await writeFile(file, text.replace(/\nreturn _M\n$/, `\n${bug}\nreturn _M\n`))
  return serve(t, setup, { env: { RESTY_INGRESS_HOME: home } })
}

async function errorCount(plane: DataPlane): Promise<number> {
  const { counts } = JSON.parse((await plane.call('GET', '/v1/health')).text) as { counts: Record<string, number> }
  return counts['lua_errors'] ?? -1
}

async function pids(plane: DataPlane): Promise<readonly number[]> {
  return (await plane.status()).workers.map(({ pid }) => pid).sort()
}

const MANY = 50

/** Asks often for what fails: each is 500, counted, and the log has a line a second a worker that names the object. */
async function assertContained(served: Served, setup: Setup, name: string): Promise<void> {
  const { plane, http } = served
  const before = { pids: await pids(plane), time: Date.now() }
  for (let i = 0; i < MANY; i += 1) assert.equal((await ask(http, { path: '/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx' })).status, 500)
  assert.equal((await ask(http, { host: 'b.example' })).status, 200)
  const seconds = Math.ceil((Date.now() - before.time) / 1000)
  const lines = plane.errors()
  assert.ok(lines.length >= 1 && lines.length <= setup.workers * (seconds + 1), `${lines.length} lines`)
  for (const line of lines) assert.ok(line.includes(`${name}: `), line)
  assert.equal(await errorCount(plane), MANY)
  assert.deepEqual(await pids(plane), before.pids)
}

everySetup('faults', (setup) => {
  test('a policy that fails', async (t) => {
    const served = await withBug(t, setup, 'policy/tls_redirect', 'function _M.apply() error("a bug") end')
    const web = await backend(t, 'web')
    const policies: Json = { tls_redirect: { code: 308, port: 443 } }
    await served.plane.put({
      'backend/test/web/80': endpoints(web),
      'host/default/a.example': host([route({ policies })]),
      'host/default/b.example': host([route()]),
    })
    await assertContained(served, setup, 'Ingress test/demo')
  })

  test('a balancing algorithm that fails', async (t) => {
    const served = await withBug(t, setup, 'picker/round_robin', 'function _M:pick() error("a bug") end')
    const web = await backend(t, 'web')
    await served.plane.put({
      'backend/test/web/80': endpoints(web),
      'backend/test/other/80': endpoints(web),
      'host/default/a.example': host([route()]),
      'host/default/b.example': host([route({ backend: 'other', policies: { load_balance: { algorithm: 'random' } } })]),
    })
    await assertContained(served, setup, 'backend test-web-80')
  })

  test('a regular expression that takes too long', async (t) => {
    const served = await serve(t, setup)
    const web = await backend(t, 'web')
    await served.plane.put({
      'backend/test/web/80': endpoints(web),
      'host/default/a.example': host([route({ path: '/(x+)+[yz]', pathType: 'Regex' })]),
      'host/default/b.example': host([route()]),
    })
    await assertContained(served, setup, 'host a.example')
  })
})
