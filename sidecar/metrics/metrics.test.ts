import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pino } from 'pino'
import { Controller } from '../controller/controller.ts'
import { parseCommand } from '../options/options.ts'
import { parseExposition, type Family, type Sample } from '../testing/exposition.ts'
import { metricsOptions } from './metrics.ts'
import type { DataPlaneMetrics, MetricsOptions } from './page.ts'
import { metricsPage } from './page.ts'

const HISTOGRAMS = [
  ['request_duration_seconds', 0.001], ['response_duration_seconds', 0.001], ['header_duration_seconds', 0.001],
  ['connect_duration_seconds', 0.001], ['request_size', 1], ['response_size', 1], ['bytes_sent', 1],
] as const
const BOUNDS = [1, 10]
const WIDTH = 2 + HISTOGRAMS.length * (1 + BOUNDS.length + 1)
const LAYOUT = {
  width: WIDTH,
  requests: 1,
  histograms: HISTOGRAMS.map(([name, scale], i) => ({
    name, scale, bounds: BOUNDS, sum: 2 + i, first: 2 + HISTOGRAMS.length + i * (BOUNDS.length + 1),
  })),
}

/** What OpenResty sends of a series of which each request had the same values. */
function frame(labels: readonly string[], requests: number): Buffer {
  const numbers = new Float64Array(WIDTH)
  numbers[1] = requests
  for (const { sum, first } of LAYOUT.histograms) {
    numbers[sum] = requests * 5
    numbers[first + 1] = requests
  }
  return Buffer.concat([Buffer.from(`${JSON.stringify(labels)}\n`), Buffer.from(numbers.buffer)])
}

const PATH = '/a"b\\c\nd'
const DEMO = ['shop.example', 'shop', 'web', 'web-service', '', PATH, 'GET', '200']
const REQUESTS = Buffer.concat([Buffer.from(`${JSON.stringify(LAYOUT)}\n`), frame(DEMO, 3)])

const ANSWERS: DataPlaneMetrics = {
  metrics: async () => '# HELP resty_ingress_revision R.\n# TYPE resty_ingress_revision gauge\nresty_ingress_revision 7\n',
  processes: async () => ({
    processes: { count: 3, cpu_seconds: 1.5, virtual_bytes: 4, resident_bytes: 5, oldest_start_time: 6 },
    connections: { active: 1, reading: 0, writing: 1, waiting: 0, accepted: 9, handled: 9 },
    requests: 11,
  }),
  requests: async () => REQUESTS,
}

async function options(...flags: readonly string[]): Promise<MetricsOptions> {
  const env = { POD_NAME: 'pod-1', POD_NAMESPACE: 'ingress' }
  const command = await parseCommand(['run', '--manifests=/nowhere', '--enable-metrics', ...flags], '', env)
  assert.equal(command?.name, 'run')
  const ignore = (): void => {}
  const outlets = {
    referenced: ignore, names: ignore, findings: ignore, served: ignore, refused: ignore, forgotten: ignore,
  }
  const controller = new Controller(command.options, pino({ level: 'silent' }), outlets)
  controller.instruments.loaded(['start'], 12, new Date(1000))
  return { ...metricsOptions(controller, command.options, { version: '1.2.3', isLeading: () => false }), dataPlane: ANSWERS }
}

async function families(of: MetricsOptions): Promise<ReadonlyMap<string, Family>> {
  let text = ''
  for await (const piece of metricsPage(of)) text += piece
  return parseExposition(text)
}

const CONTROLLER = ['controller_class', 'controller_namespace', 'controller_pod']
const REQUEST = [...CONTROLLER, 'host', 'namespace', 'ingress', 'service', 'canary', 'path', 'method', 'status']

/** Metric -> labels, as the dashboards and alerts of ingress-nginx v1.15 name them. */
const NAMED_BY_DASHBOARDS: Readonly<Record<string, readonly string[]>> = {
  requests: REQUEST,
  ...Object.fromEntries(HISTOGRAMS.map(([name]) => [name, REQUEST])),
  config_hash: CONTROLLER,
  config_last_reload_successful: CONTROLLER,
  config_last_reload_successful_timestamp_seconds: CONTROLLER,
  success: CONTROLLER,
  errors: CONTROLLER,
  build_info: [...CONTROLLER, 'release', 'build', 'repository'],
  leader_election_status: [...CONTROLLER, 'name'],
  nginx_process_num_procs: CONTROLLER,
  nginx_process_cpu_seconds_total: CONTROLLER,
  nginx_process_resident_memory_bytes: CONTROLLER,
  nginx_process_virtual_memory_bytes: CONTROLLER,
  nginx_process_oldest_start_time_seconds: CONTROLLER,
  nginx_process_requests_total: CONTROLLER,
  nginx_process_connections: [...CONTROLLER, 'state'],
  nginx_process_connections_total: [...CONTROLLER, 'state'],
}

test('every metric that the dashboards of ingress-nginx name is there, with every label', async () => {
  const page = await families(await options())
  for (const [name, labels] of Object.entries(NAMED_BY_DASHBOARDS)) {
    const sample = page.get(`nginx_ingress_controller_${name}`)?.samples[0]
    assert.ok(sample !== undefined, name)
    assert.deepEqual(Object.keys(sample.labels).filter((label) => label !== 'le').sort(), [...labels].sort(), name)
    assert.equal(sample.labels.controller_pod, 'pod-1')
    assert.equal(sample.labels.controller_namespace, 'ingress')
  }
  for (const name of ['ssl_expire_time_seconds', 'ssl_certificate_info', 'orphan_ingress']) {
    assert.ok(page.has(`nginx_ingress_controller_${name}`), name)
  }
  assert.ok(page.has('resty_ingress_certificate_expire_time_seconds'))
})

test('values: cumulated buckets, seconds, escaped labels', async () => {
  const page = await families(await options())
  const of = (name: string): readonly Sample[] => page.get(name)?.samples ?? []
  const durations = of('nginx_ingress_controller_request_duration_seconds')
  assert.deepEqual(durations.map(({ labels, value }) => [labels.le, value]), [
    ['1', 0], ['10', 3], ['+Inf', 3], [undefined, 0.015], [undefined, 3],
  ])
  assert.equal(durations[0]?.labels.path, PATH)
  assert.equal(of('nginx_ingress_controller_response_size').find(({ name }) => name.endsWith('_sum'))?.value, 15)
  assert.equal(of('resty_ingress_revision')[0]?.value, 7)
  assert.equal(of('resty_ingress_data_plane_up')[0]?.value, 1)
  // The kernel did not say.
  assert.deepEqual(of('nginx_ingress_controller_nginx_process_read_bytes_total'), [])
})

test('without OpenResty the numbers of the sidecar are there, and one that says so', async () => {
  const away = async (): Promise<never> => {
    throw new Error('away')
  }
  const page = await families({ ...(await options()), dataPlane: { ...ANSWERS, requests: away } })
  assert.equal(page.get('resty_ingress_data_plane_up')?.samples[0]?.value, 0)
  assert.equal(page.get('nginx_ingress_controller_config_last_reload_successful')?.samples[0]?.value, 1)
  assert.equal(page.has('nginx_ingress_controller_requests'), false)
})

test('an answer that was cut off counts as none', async () => {
  const cut = async (): Promise<Buffer> => REQUESTS.subarray(0, REQUESTS.length - 8)
  const page = await families({ ...(await options()), dataPlane: { ...ANSWERS, requests: cut } })
  assert.equal(page.get('resty_ingress_data_plane_up')?.samples[0]?.value, 0)
})

test('flags: without hosts, without some metrics, without requests at all', async () => {
  const excluded = '--exclude-socket-metrics=nginx_ingress_controller_bytes_sent,connect_duration_seconds'
  const page = await families(await options('--metrics-per-host=false', excluded))
  assert.equal('host' in (page.get('nginx_ingress_controller_requests')?.samples[0]?.labels ?? {}), false)
  assert.equal(page.has('nginx_ingress_controller_bytes_sent'), false)
  assert.equal(page.has('nginx_ingress_controller_connect_duration_seconds'), false)
  assert.equal(page.has('nginx_ingress_controller_header_duration_seconds'), true)
  const off = await families(await options('--enable-metrics=false'))
  assert.equal(off.has('nginx_ingress_controller_requests'), false)
  assert.equal(off.has('nginx_ingress_controller_nginx_process_num_procs'), true)
})

test('a series that OpenResty sends twice is one: both count', async () => {
  const twice = Buffer.concat([REQUESTS, frame(DEMO, 4)])
  const page = await families({ ...(await options()), dataPlane: { ...ANSWERS, requests: async () => twice } })
  assert.deepEqual(page.get('nginx_ingress_controller_requests')?.samples.map(({ value }) => value), [7])
})
