import assert from 'node:assert/strict'
import { test } from 'node:test'
import { requestCounting } from './metrics.ts'
import { parseCommand, UsageError, type Options } from './options.ts'

async function run(...args: string[]): Promise<Options> {
  const command = await parseCommand(['run', ...args], '1.2.3', { POD_IPS: '198.18.1.1,2001:db8::1', POD_NAME: 'p' })
  assert.equal(command?.name, 'run')
  return command.options
}

test('ports that Proxies may open', async () => {
  assert.deepEqual((await run())['proxy-ports'], [])
  assert.deepEqual((await run('--proxy-ports=5432,9000-9100'))['proxy-ports'], [[5432, 5432], [9000, 9100]])
  for (const text of ['x', '0', '9100-9000', '1-70000', '5432;5433']) {
    await assert.rejects(run(`--proxy-ports=${text}`), /--proxy-ports must be ports and ranges/, text)
  }
})

test('in the network of a node the environment says which ports are ours', async () => {
  const command = await parseCommand(['run'], '1.2.3', { POD_IPS: '198.18.0.1', POD_PORTS: '80,443,10254' })
  assert.ok(command?.name === 'run')
  assert.deepEqual(command.options.podPorts, [80, 443, 10254])
})

test('defaults, and the environment of a pod', async () => {
  const options = await run()
  assert.equal(options['controller-class'], 'resty-ingress.io/ingress-controller')
  assert.equal(options['http-port'], 80)
  assert.equal(options['update-status'], true)
  assert.deepEqual(options['bind-address'], [])
  assert.deepEqual(options.podAddresses, ['198.18.1.1', '2001:db8::1'])
  assert.deepEqual(options.ignored, [])
})

test('flags as ingress-nginx users write them', async () => {
  const options = await run('--update-status=false', '--ingress-class=nginx', '--v=2', '--election-id=x', '--profiling', '--bind-address=::1,198.18.0.1')
  assert.equal(options['update-status'], false)
  assert.equal(options['ingress-class'], 'nginx')
  assert.deepEqual(options['bind-address'], ['::1', '198.18.0.1'])
  assert.deepEqual(options.ignored, ['profiling', 'v'])
})

test('flags about replicas and namespaces', async () => {
  const options = await run('--election-id=x', '--election-ttl=1m30s', '--watch-namespace-selector=team in (a, b),!off')
  assert.equal(options['election-id'], 'x')
  assert.equal(options['election-ttl'], 90)
  assert.equal(options['watch-namespace-selector'], 'team in (a, b),!off')
  assert.equal((await run())['election-ttl'], 10)
})

test('flags about metrics: requests are counted only when somebody wants that', async () => {
  assert.equal(requestCounting(await run()), undefined)
  const options = await run('--enable-metrics', '--time-buckets=0.1,1', '--bucket-factor=2')
  const excluded = '--exclude-socket-metrics=nginx_ingress_controller_bytes_sent,request_size'
  assert.deepEqual(requestCounting(options)?.timeBuckets, [0.1, 1])
  assert.equal(requestCounting(options)?.perHost, true)
  assert.deepEqual(options.ignored, ['bucket-factor'])
  assert.deepEqual(requestCounting(await run('--enable-metrics', excluded))?.excluded, ['bytes_sent', 'request_size'])
})

test('the language of the machine changes no sentence', async (t) => {
  const { LC_ALL: before } = process.env
  t.after(() => {
    if (before === undefined) delete process.env.LC_ALL
    else process.env.LC_ALL = before
  })
  process.env.LC_ALL = 'de_DE.UTF-8'
  await assert.rejects(parseCommand(['translate'], '1.2.3', {}), /an argument is missing/)
  await assert.rejects(parseCommand(['run', '--no-such-flag=1'], '1.2.3', {}), /Unknown argument: no-such-flag/)
})

test('what is wrong is said in a sentence', async () => {
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [['run', '--no-such-flag=1'], /no-such-flag/],
    [['run', '--http-port=70000'], /--http-port must be a port number from 1 to 65535, not 70000$/],
    [['run', '--http-port=x'], /--http-port must be a port number from 1 to 65535$/],
    [['run', '--http-port=443'], /must differ/],
    [['run', '--healthz-port=80'], /must differ/],
    [['run', '--http-port'], /--http-port needs a value/],
    [['run', '--configmap', '--enable-metrics'], /--configmap needs a value/],
    [['run', '--enable-metrics=yes'], /--enable-metrics must be true or false, not yes/],
    [['translate'], /an argument is missing/],
    [['run', '--shutdown-grace-period=-1'], /--shutdown-grace-period must be seconds up to/],
    [['run', '--shutdown-grace-period=x'], /--shutdown-grace-period must be seconds up to/],
    [['run', '--configmap=x'], /namespace\/name/],
    [['run', '--bind-address=localhost'], /not an IP address/],
    [['run', '--log-level=loud'], /log-level/],
    [['run', '--election-ttl=1500ms'], /--election-ttl must be whole seconds/],
    [['run', '--election-ttl=30'], /--election-ttl must be whole seconds/],
    [['run', '--watch-namespace-selector=a=b=c'], /a=b=c is not understood/],
    [['run', '--watch-namespace-selector=a', '--watch-namespace=b'], /exclude each other/],
    [['run', '--status-update-interval=0'], /--status-update-interval must be seconds/],
    [['run', '--dns-server=ns.example'], /--dns-server must be IP addresses/],
    [['run', '--dns-server=198.18.0.1:70000'], /--dns-server must be IP addresses/],
    [['run', '--dns-server=198.18.0.1,[::1]:53,::1,198.18.0.1:53', '--dns-interval=0'], /--dns-interval must be seconds/],
    [['run', '--time-buckets=1,1'], /--time-buckets must be .* ascending/],
    [['run', '--size-buckets=x'], /--size-buckets must be/],
    [['run', '--length-buckets='], /--length-buckets must be/],
    [['run', '--metrics-per-undefined-host', '--metrics-per-host=false'], /needs --metrics-per-host/],
    [['translate', 'x'], /out/],
    [['dance'], /dance/],
    [[], /say what to do/],
  ]
  for (const [args, message] of cases) {
    await assert.rejects(parseCommand(args, '1.2.3', {}), (error) => {
      assert.ok(error instanceof UsageError, String(error))
      assert.match(error.message, message)
      return true
    })
  }
})
