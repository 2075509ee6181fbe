/** How requests are counted: exactly, by the labels of ingress-nginx, in bounded memory. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { Client } from 'undici'
import { parseRequestSeries, SERIES_LABELS, type RequestSeries } from '../../../sidecar/api/request-series.ts'
import { backend, endpoints, host, route } from './backends.ts'
import { everySetup, serve, type DataPlane } from './harness.ts'
import { ask } from './client.ts'

const COUNTING = '{ time = {0.005, 0.01, 10}, length = {10, 100}, size = {100, 1000}, per_host = true }'

async function read(plane: DataPlane): Promise<RequestSeries> {
  const client = new Client('http://control', { socketPath: join(plane.folder, 'control.sock') })
  const { statusCode, body } = await client.request({ method: 'GET', path: '/v1/requests' })
  const series = parseRequestSeries(Buffer.from(await body.arrayBuffer()))
  await client.close()
  assert.equal(statusCode, 200)
  assert.ok(series !== undefined)
  return series
}

/** Requests by some of the labels, those of equal labels added up. */
type Label = (typeof SERIES_LABELS)[number]

function counts({ layout, series }: RequestSeries, ...names: readonly Label[]): Record<string, number> {
  const result: Record<string, number> = {}
  for (const { labels, numbers } of series) {
    const key = names.map((name) => labels[SERIES_LABELS.indexOf(name)]).join(' ')
    result[key] = (result[key] ?? 0) + (numbers[layout.requests] ?? 0)
  }
  return result
}

everySetup('metrics', (setup) => {
  test('requests are counted by host and status', async (t) => {
    const { plane, http } = await serve(t, setup, { counting: COUNTING })
    const web = await backend(t, 'web')
    await plane.put({ 'host/default/a.example': host([route({ path: '/app' })]), 'backend/test/web/80': endpoints(web) })
    for (let i = 0; i < 20; i += 1) assert.equal((await ask(http, { path: '/app' })).status, 200)
    for (let i = 0; i < 3; i += 1) assert.equal((await ask(http, { path: '/' })).status, 404)
    for (let i = 0; i < 3; i += 1) assert.equal((await ask(http, { host: 'b.example' })).status, 404)
    assert.deepEqual(counts(await read(plane), 'host', 'status', 'ingress'), {
      'a.example 200 demo': 20, 'a.example 404 ': 3,
    })
    assert.deepEqual(plane.errors(), [])
  })
})
