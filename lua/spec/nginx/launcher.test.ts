/** openresty/start: what it writes, what it refuses, and that it starts again after anything. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { backend, endpoints, host, route } from './backends.ts'
import { ask } from './client.ts'
import { everyVariant, LAUNCHER, program, serve, start, until, type DataPlane, type Setup } from './harness.ts'

/** Far more than a start takes on a machine that does much else. */
const TIMEOUT_MS = 60_000

const RECORDS = { 'host/default/a.example': host([route()]) }

function temporary(test: TestContext, prefix = 'resty-ingress-'): string {
  const folder = mkdtempSync(join(tmpdir(), prefix))
  test.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** The launcher's message when it refuses to start. */
function refused(setup: Setup, env: Record<string, string>): string {
  const result = spawnSync(LAUNCHER, {
    env: { PATH: process.env['PATH'] ?? '', NGINX: program(setup.variant), ...env },
    encoding: 'utf8',
    timeout: TIMEOUT_MS,
  })
  assert.equal(result.status, 1, result.stderr)
  assert.equal(result.stderr.trim().split('\n').length, 1)
  return result.stderr
}

async function again(test: TestContext, setup: Setup, folder: string): Promise<DataPlane> {
  const plane = await start(setup.variant, { folder })
  test.after(() => plane.stop())
  return plane
}

everyVariant('launcher', (setup) => {
  test('after a kill of the master it starts again in the same folder, on the same ports', async (t) => {
    const { plane, http } = await serve(t, setup)
    const hash = (await plane.status()).config_hash
    const instance = (await plane.status()).instance
    process.kill(plane.master, 'SIGKILL')
    await plane.ended()
    assert.ok(existsSync(join(plane.folder, 'control.sock')))
    const next = await again(t, setup, plane.folder)
    const status = await next.status()
    assert.equal(status.config_hash, hash)
    assert.equal(status.revision, 0)
    assert.notEqual(status.instance, instance)
    assert.equal((await ask(http)).status, 503)
    const web = await backend(t, 'web')
    await next.put({ ...RECORDS, 'backend/test/web/80': endpoints(web) })
    assert.equal((await ask(http)).status, 200)
    const errors = next.errors().filter((line) => !/Address already in use/.test(line))
    assert.deepEqual(errors, [])
  })

  test('workers end with their master, whatever ended it', async (t) => {
    const { plane } = await serve(t, setup)
    const workers = (await plane.status()).workers.map((worker) => worker.pid)
    process.kill(plane.master, 'SIGKILL')
    await plane.ended()
    await until('the workers are gone', () =>
      workers.every((pid) => !existsSync(`/proc/${pid}/exe`)))
  })

  test('a kept configuration that cannot be loaded gives way to the bootstrap', async (t) => {
    const folder = temporary(t)
    writeFileSync(join(folder, 'nginx.conf'), '# resty-ingress config abc\nno_such_directive on;\n')
    const plane = await again(t, setup, folder)
    const status = await plane.status()
    assert.equal(status.config_hash, '0')
    assert.equal(status.generation, 1)
  })

  test('a stranger\'s nginx.conf is replaced, a second start refused', async (t) => {
    const folder = temporary(t)
    writeFileSync(join(folder, 'nginx.conf'), 'events {}\n')
    const plane = await again(t, setup, folder)
    assert.equal((await plane.status()).config_hash, '0')
    assert.match(refused(setup, { RESTY_INGRESS_RUN: folder }), /NGINX already runs in/)
    assert.equal((await plane.status()).generation, 1)
    assert.deepEqual(plane.errors(), [])
  })

  test('folders: closed to others, odd names quoted or refused', async (t) => {
    const odd = temporary(t, "resty ingress 'x' #1 {a}-")
    chmodSync(odd, 0o777)
    const plane = await again(t, setup, odd)
    assert.equal(statSync(odd).mode & 0o777, 0o750)
    assert.equal((await plane.status()).generation, 1)
    assert.match(refused(setup, { RESTY_INGRESS_RUN: '/tmp/a;b' }), /cannot be in nginx.conf/)
    assert.match(refused(setup, { RESTY_INGRESS_RUN: '/tmp/a"b' }), /cannot be in nginx.conf/)
    assert.match(refused(setup, { RESTY_INGRESS_RUN: '/tmp/a\nb' }), /cannot be in/)
    assert.match(refused(setup, { RESTY_INGRESS_RUN: 'relative' }), /must be an absolute path/)
    assert.match(refused(setup, { RESTY_INGRESS_RUN: `/tmp/${'x'.repeat(100)}` }), /is longer than/)
    const size = refused(setup, { RESTY_INGRESS_RUN: odd, RESTY_INGRESS_RECORDS_SIZE: '1m;' })
    assert.match(size, /must be a size/)
    assert.match(refused(setup, { RESTY_INGRESS_RUN: odd, NGINX: '/no/such' }), /NGINX is no program/)
  })

  test('a pod address that is none is said at the start', (t) => {
    const folder = temporary(t)
    const result = spawnSync(LAUNCHER, {
      env: {
        PATH: process.env['PATH'] ?? '', NGINX: program(setup.variant), RESTY_INGRESS_RUN: folder,
        RESTY_INGRESS_POD_IPS: 'pod-a',
      },
      encoding: 'utf8', timeout: TIMEOUT_MS,
    })
    assert.notEqual(result.status, 0)
    assert.match(result.stderr, /RESTY_INGRESS_POD_IPS: "pod-a" is no IP address/)
  })
})
