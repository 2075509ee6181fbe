import assert from 'node:assert/strict'
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { test, type TestContext } from 'node:test'

const MAIN = join(import.meta.dirname, 'main.ts')
const GOLDEN = join(import.meta.dirname, 'testdata')

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'resty-ingress-'))
  t.after(() => rmSync(path, { recursive: true }))
  return path
}

function run(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8', env: {} })
}

test('translate writes what the golden case says, and lists the findings', (t) => {
  const input = folder(t)
  const output = join(folder(t), 'out')
  writeFileSync(join(input, 'all.yaml'), readFileSync(join(GOLDEN, 'broken/input.yaml')))
  const { status, stdout } = run('translate', input, '--out', output)
  assert.equal(status, 0)
  assert.deepEqual(readdirSync(output).sort(), ['findings.json', 'nginx.conf', 'notes.json', 'records.json'])
  for (const file of ['findings.json', 'nginx.conf', 'records.json']) {
    assert.equal(readFileSync(join(output, file), 'utf8'), readFileSync(join(GOLDEN, 'broken', file), 'utf8'), file)
  }
  assert.match(stdout, /error: Ingress prod\/hosts spec\.rules\[1\]\.host: host /)
})

test('translate says how many Ingresses it leaves out', (t) => {
  const input = folder(t)
  const metadata = { name: 'a', namespace: 'b' }
  writeFileSync(join(input, 'a.json'), JSON.stringify({ apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata, spec: {} }))
  assert.match(run('translate', input, '--out', folder(t)).stdout, /^Ingresses and Proxies left out, .*: 1$/m)
  assert.doesNotMatch(run('translate', input, '--out', folder(t), '--watch-ingress-without-class').stdout, /left out/)
})

test('translate never writes a private key', (t) => {
  const input = folder(t)
  const output = folder(t)
  writeFileSync(join(input, 'all.yaml'), readFileSync(join(GOLDEN, 'tls/input.yaml')))
  assert.equal(run('translate', input, '--out', output).status, 0)
  for (const file of readdirSync(output)) {
    assert.doesNotMatch(readFileSync(join(output, file), 'utf8'), /PRIVATE KEY/, file)
  }
})

test('input that cannot be read: exit code 2 and a sentence', (t) => {
  const input = folder(t)
  writeFileSync(join(input, 'half.yaml'), 'kind: [')
  const broken = run('translate', input, '--out', folder(t))
  assert.equal(broken.status, 2)
  assert.match(broken.stdout, /half\.yaml:\d+/)
  const missing = run('translate', join(input, 'nowhere'), '--out', folder(t))
  assert.equal(missing.status, 2)
  assert.match(missing.stderr, /^resty-ingress: cannot translate .*nowhere/)
})

test('wrong usage: exit code 2, a sentence, no stack', () => {
  const { status, stderr } = run('run', '--htpp-port=80')
  assert.equal(status, 2)
  assert.match(stderr, /htpp-port/)
  assert.doesNotMatch(stderr, /\n {4}at /)
})

test('no API server: exit code 1 and a sentence', () => {
  const { status, stderr } = run('run', '--healthz-port=0')
  assert.equal(status, 1)
  assert.match(stderr, /^resty-ingress: no Kubernetes API server/)
})

interface Started {
  readonly process: ChildProcess
  /** Of health and metrics. */
  readonly url: string
}

/** A sidecar without OpenResty, once its admin server answers. */
async function start(t: TestContext, grace: number): Promise<Started> {
  const flags = [`--manifests=${folder(t)}`, `--run-dir=${folder(t)}`, `--shutdown-grace-period=${grace}`]
  const child = spawn(process.execPath, [MAIN, 'run', '--healthz-host=127.0.0.1', '--healthz-port=0', ...flags], { env: {} })
  t.after(() => child.kill('SIGKILL'))
  for await (const line of createInterface({ input: child.stdout })) {
    const { msg, port } = JSON.parse(line) as { msg: string; port?: number }
    if (msg.startsWith('health')) return { process: child, url: `http://127.0.0.1:${port}` }
  }
  throw new Error('the sidecar has ended')
}

async function isLeaving(url: string): Promise<boolean> {
  const answer = await fetch(`${url}/readyz`)
  return (await answer.text()).includes('shutting down') && answer.status === 503
}

test('SIGTERM: not ready at once, alive for the grace period, which a second signal ends', async (t) => {
  const { process: child, url } = await start(t, 9999)
  assert.equal(await isLeaving(url), false)
  child.kill('SIGTERM')
  while (!(await isLeaving(url))) await sleep(10)
  assert.equal((await fetch(`${url}/healthz`)).status, 200)
  child.kill('SIGTERM')
  assert.deepEqual(await once(child, 'exit'), [0, null])
})

test('SIGTERM without a grace period, and SIGINT, end it at once', async (t) => {
  for (const [signal, grace] of [['SIGTERM', 0], ['SIGINT', 9999]] as const) {
    const { process: child } = await start(t, grace)
    child.kill(signal)
    assert.deepEqual(await once(child, 'exit'), [0, null])
  }
})
