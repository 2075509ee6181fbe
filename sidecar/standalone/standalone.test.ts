/** `npm start` as a user has it: a real process, real ports, real files. */
import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { test, type TestContext } from 'node:test'
import { request } from 'undici'
import { freePort } from '../../lua/spec/nginx/ports.ts'

const MAIN = join(import.meta.dirname, 'main.ts')
const DEMO = join(import.meta.dirname, 'demo')

/** A copy of the demo, whose backends listen on a port that is free. */
async function demo(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'demo-'))
  t.after(() => rm(dir, { recursive: true, force: true }))
  await cp(DEMO, dir, { recursive: true })
  const port = await freePort()
  for (const name of ['account-user.yaml', 'book-server.yaml']) {
    await edit(join(dir, name), (text) => text.replaceAll('18080', String(port)))
  }
  return dir
}

/** As an editor does it: a new file takes the place of the old one. */
async function edit(path: string, change: (text: string) => string): Promise<void> {
  await writeFile(`${path}.tmp`, change(await readFile(path, 'utf8')))
  await rename(`${path}.tmp`, path)
}

class Started {
  readonly http: number
  readonly temporary: string
  readonly ended: Promise<number>
  readonly process: ChildProcess
  output = ''

  constructor(process: ChildProcess, http: number, temporary: string) {
    this.process = process
    this.http = http
    this.temporary = temporary
    for (const stream of [process.stdout, process.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.output += chunk.toString()
        process.emit('output')
      })
    }
    this.ended = once(process, 'close').then(([code]) => Number(code))
  }

  async until(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.output)) {
      // Made here, where somebody waits for it: it rejects at every end, also when the text has been there for long.
      const died = this.ended.then((code) => assert.fail(`ended with ${code} before ${pattern}:\n${this.output}`))
      await Promise.race([once(this.process, 'output'), died])
    }
  }

  async get(host: string, path: string): Promise<{ status: number; text: string; header: (name: string) => string }> {
    const { statusCode, headers, body } = await request(`http://127.0.0.1:${this.http}${path}`, { headers: { host } })
    return { status: statusCode, text: await body.text(), header: (name) => String(headers[name]) }
  }

  /** Asks until the answer is the one that is waited for; the test's own limit ends it. */
  async eventually(host: string, path: string, pattern: RegExp): Promise<void> {
    while (!pattern.test((await this.get(host, path)).text)) await sleep(5)
  }

  /** Processes whose command line or environment names our temporary folder. */
  async processes(): Promise<string[]> {
    const found: string[] = []
    for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
      const [command, environment] = await Promise.all(
        ['cmdline', 'environ'].map((file) => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '')),
      )
      if (`${command}${environment}`.includes(this.temporary)) found.push(`${pid} ${command?.replaceAll('\0', ' ')}`)
    }
    return found
  }

  async pids(command: RegExp): Promise<number[]> {
    return (await this.processes()).filter((line) => command.test(line)).map((line) => Number.parseInt(line, 10))
  }

  /** Nothing runs, and nothing lies around. */
  async assertGone(): Promise<void> {
    assert.deepEqual(await this.processes(), [])
    assert.deepEqual(await readdir(this.temporary), [])
  }
}

async function start(t: TestContext, flags: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Started> {
  const temporary = await mkdtemp(join(tmpdir(), 'start-'))
  await chmod(temporary, 0o711)
  const http = await freePort()
  const args = [`--port=${http}`, `--https-port=${await freePort()}`, ...flags]
  // What belongs to us carries our folder in its environment.
  const child = spawn(process.execPath, [MAIN, ...args], { env: { ...process.env, ...env, TMPDIR: temporary } })
  const started = new Started(child, http, temporary)
  t.after(async () => {
    child.kill('SIGTERM')
    await started.ended
    await rm(temporary, { recursive: true })
  })
  return started
}

async function startDemo(t: TestContext, flags: readonly string[] = []): Promise<Started> {
  return startOn(t, await demo(t), flags)
}

async function startOn(
  t: TestContext, dir: string, flags: readonly string[] = [], env: NodeJS.ProcessEnv = {},
): Promise<Started> {
  // Others may run `npm start` on this machine.
  const started = await start(t, [`--manifests=${dir}`, `--healthz-port=${await freePort()}`, ...flags], env)
  await started.until(/Ctrl-C ends all of it/)
  return started
}

/** Runs a command line that was printed. */
async function paste(line: string, env: NodeJS.ProcessEnv = {}): Promise<string> {
  const options = { env: { ...process.env, ...env } }
  const child = spawn('sh', ['-c', `${line} --silent --fail --max-time 60`], options)
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const [code] = await once(child, 'close')
  assert.equal(code, 0, line)
  return output
}

test('the demo: printed lines work, requests are spread, Ctrl-C leaves nothing', async (t) => {
  const started = await startDemo(t)
  const lines = started.output.split('\n').filter((line) => line.startsWith('  curl '))
  assert.equal(lines.length, 8)
  for (const line of lines) assert.match(await paste(line.trim()), / answers GET /)
  const seen = new Set<string>()
  for (let count = 0; count < 30; count++) seen.add((await started.get('api.domain.com', '/userInfo')).text)
  assert.equal(seen.size, 3, [...seen].join())
  assert.match((await started.get('backoffice.domain.com', '/')).text, /^account-user at /)
  assert.match((await started.get('test.domain.com', '/web/')).header('request-id'), /^[0-9a-f]{32}$/)
  const proxied = await started.get('shop.domain.com', '/v2/x')
  assert.match(`${proxied.text} served by ${proxied.header('x-served-by')}`, / GET shop\.domain\.com\/x\s+served by shop\.domain\.com$/)
  assert.equal((await started.get('shop.domain.com', '/v1/x')).header('location'), 'http://shop.domain.com/v2/x')
  assert.equal((await started.get('api.domain.com', '/other')).status, 404)
  const admin = /Admin: +(http:\/\/127\.0\.0\.1:\d+)\/v1\/routes/.exec(started.output)?.[1]
  assert.equal((await request(`${admin}/v1/findings`)).statusCode, 200)
  started.process.kill('SIGINT')
  assert.equal(await started.ended, 0)
  await started.assertGone()
})

test('a proxy of the environment is not asked; edits: a path, a new file, an endpoint with its backend, a broken file', async (t) => {
  const dir = await demo(t)
  const proxies = { http_proxy: 'http://127.0.0.1:9', https_proxy: 'http://127.0.0.1:9', no_proxy: '' }
  const started = await startOn(t, dir, [], proxies)
  const lines = started.output.split('\n').filter((line) => line.startsWith('  curl '))
  for (const line of [lines.at(0), lines.at(-1)]) assert.match(await paste(line ?? '', proxies), / answers GET /)
  await edit(join(dir, 'ingress.yaml'), (text) => text.replace('/userInfo', '/whoami'))
  await started.eventually('api.domain.com', '/whoami', /^account-user/)
  assert.equal((await started.get('api.domain.com', '/userInfo')).status, 404)
  await writeFile(join(dir, 'new.yaml'), INGRESS.replace('HOST', 'new.domain.com'))
  await started.eventually('new.domain.com', '/', /^book-server/)
  await edit(join(dir, 'book-server.yaml'), (text) => text.replace('127.0.0.22', '127.0.0.29'))
  await started.eventually('new.domain.com', '/', /^book-server at 127\.0\.0\.29/)
  // At once: a file that is only cut off for a while says that its Ingress is gone.
  await edit(join(dir, 'new.yaml'), () => 'a: [\n')
  await started.until(/warning: new\.yaml:2:1: /)
  assert.equal((await started.get('new.domain.com', '/')).status, 200)
  await rm(join(dir, 'new.yaml'))
  await started.eventually('new.domain.com', '/', /404/)
})

const INGRESS = `apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: new, namespace: shop}
spec:
  rules:
  - host: HOST
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: book-server, port: {number: 80}}}}]}
`

test('records without room: the log says what is needed, the old ones serve, and a set that fits gets through', async (t) => {
  const dir = await demo(t)
  const hosts = async (prefix: string, count: number): Promise<void> => {
    const rule = { http: { paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name: 'account-user', port: { number: 80 } } } }] } }
    const items = Array.from({ length: count }, (_, i) => ({
      apiVersion: 'networking.k8s.io/v1',
      kind: 'Ingress',
      metadata: { name: `${prefix}${i}`, namespace: 'shop' },
      spec: { rules: [{ host: `${prefix}${i}.example`, ...rule }] },
    }))
    await writeFile(join(dir, 'hosts.json.tmp'), JSON.stringify({ apiVersion: 'v1', kind: 'List', items }))
    await rename(join(dir, 'hosts.json.tmp'), join(dir, 'hosts.json'))
  }
  await hosts('a', 1500)
  const started = await start(t, [`--manifests=${dir}`], { RESTY_INGRESS_RECORDS_SIZE: '1m' })
  await started.until(/Ctrl-C ends all of it/)
  await hosts('a', 9000)
  await started.until(/no room for the newest records.*\d+ bytes are needed.*RESTY_INGRESS_RECORDS_SIZE/)
  await started.eventually('a1499.example', '/', /^account-user at/)
  // Old and new hosts together would not fit.
  await hosts('b', 1500)
  await started.eventually('b1499.example', '/', /^account-user at/)
  await started.eventually('a1499.example', '/', /404/)
})

test('flags of `resty-ingress run` arrive', async (t) => {
  const started = await startDemo(t, ['--controller-class', 'example.com/other', '--disable-catch-all'])
  assert.match(started.output, /no route leads to an endpoint yet/)
  assert.equal((await started.get('api.domain.com', '/userInfo')).status, 404)
})

test('SIGTERM, twice: nothing is left', async (t) => {
  const started = await startDemo(t)
  started.process.kill('SIGTERM')
  started.process.kill('SIGTERM')
  assert.equal(await started.ended, 0)
  await started.assertGone()
})

test('a second Ctrl-C does not wait for programs that hang', async (t) => {
  const started = await startDemo(t)
  for (const pid of await started.pids(/nginx: |main\.ts run/)) process.kill(pid, 'SIGSTOP')
  started.process.kill('SIGINT')
  await started.until(/stopping/)
  // A signal sooner than this counts as the same one; npm passes each on twice.
  await sleep(1_100)
  started.process.kill('SIGINT')
  assert.equal(await started.ended, 0)
  await started.assertGone()
})

test('when OpenResty or the sidecar dies, all ends and says so', async (t) => {
  for (const [program, name] of [[/nginx: master/, 'OpenResty'], [/main\.ts run/, 'sidecar']] as const) {
    const started = await startDemo(t)
    const [pid = 0] = await started.pids(program)
    process.kill(pid, 'SIGKILL')
    assert.equal(await started.ended, 1)
    assert.match(started.output, new RegExp(`^npm start: ${name} ended with SIGKILL`, 'm'))
    await started.assertGone()
  }
})

test('when nobody reads the output any more, all ends', async (t) => {
  const started = await startDemo(t)
  started.process.stdout?.destroy()
  const [sidecar = 0] = await started.pids(/main\.ts run/)
  process.kill(sidecar, 'SIGKILL')
  await started.ended
  await started.assertGone()
})

test('killed without a chance to clean up: its programs end all the same', async (t) => {
  const started = await startDemo(t)
  started.process.kill('SIGKILL')
  await started.ended
  while ((await started.processes()).length > 0) await sleep(10)
})

test('what is in the way is one sentence, exit code 1, and nothing is left', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  t.after(() => taken.close())
  const { port } = taken.address() as AddressInfo
  const broken = await demo(t)
  await mkdir(join(broken, 'sub'))
  await writeFile(join(broken, 'sub', 'bad.yaml'), 'kind: Service\nmetadata: {name: [}\n')
  const busy = await demo(t)
  await edit(join(busy, 'account-user.yaml'), (text) =>
    text.replace(/port: \d+$/gm, `port: ${port}`).replace('127.0.0.11', '127.0.0.1'),
  )
  const cases: [readonly string[], RegExp][] = [
    [[`--port=${port}`], new RegExp(`port ${port} of 127.0.0.1 is in use; .*--port$`, 'm')],
    [['--https-port', String(port)], new RegExp(`port ${port} of 127.0.0.1 is in use; .*--https-port$`, 'm')],
    [[`--healthz-port=${port}`], new RegExp(`port ${port} of 127.0.0.1 is in use; .*--healthz-port$`, 'm')],
    [['--manifests', busy], new RegExp(`demo backend of account-user cannot listen on 127.0.0.1:${port}: .*in use`)],
    [['--manifests', '/nonexistent/manifests'], /folder of manifests \/nonexistent\/manifests .* does not exist/],
    [['--manifests', MAIN], /is not a folder/],
    [['--manifests', broken], /^npm start: .*sub\/bad\.yaml:2:\d+: /m],
    [['--nginx', '/nonexistent/nginx'], /no program \/nonexistent\/nginx; --nginx/],
    [['--nginx', '/bin/true'], /the Lua module|ended with exit code/],
    [['--bind-address', '198.51.100.7'], /198\.51\.100\.7 is no address of this machine/],
    [['--no-such-flag'], /no-such-flag/],
    [['--port=http'], /--http-port must be a port number/],
  ]
  for (const [flags, sentence] of cases) {
    const started = await start(t, ['--manifests', await demo(t), ...flags])
    assert.equal(await started.ended, 1, `${flags.join(' ')}:\n${started.output}`)
    assert.match(started.output, sentence)
    assert.doesNotMatch(started.output, /^ +at /m)
    await started.assertGone()
  }
})
