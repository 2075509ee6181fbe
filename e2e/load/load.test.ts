import assert from 'node:assert/strict'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import { assertNoFailures, describeFailure, startLoad } from './load.ts'
import type { LoadOptions } from './types.ts'

async function serve(t: TestContext, listener: RequestListener): Promise<{ server: Server, port: number }> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return { server, port: (server.address() as AddressInfo).port }
}

function options(port: number, parts: Partial<LoadOptions> = {}): LoadOptions {
  return { address: '127.0.0.1', port, requests: [{ host: 'a.example', group: 'g' }], connections: 2, ...parts }
}

test('both loops run over kept connections and no failure is reported', async (t) => {
  const { port } = await serve(t, (request, response) => {
    response.setHeader('x-pod', 'one')
    response.end(request.headers.host)
  })
  const load = await startLoad(options(port, { rate: 200 }))
  load.expect('g', ['one'])
  await load.more(300)
  assert.equal((await load.count()).pods, 1)
  const report = await load.stop()
  assertNoFailures(report)
  assert.equal(report.answersByPod['one'], report.requests)
  assert.ok(report.loops.rate.requests > 0)
  assert.equal(report.loops.closed.connections, 2)
  assert.ok(report.loops.closed.latency.p50 > 0)
})

test('a reset is counted with its connection and its place on it', async (t) => {
  let count = 0
  const { port } = await serve(t, (request, response) => {
    count++
    if (count === 50) request.socket.resetAndDestroy()
    else response.end()
  })
  const load = await startLoad(options(port, { requests: [{ host: 'a.example' }], connections: 1 }))
  await load.more(100)
  const report = await load.stop()
  assert.equal(report.failed, 1)
  assert.equal(report.resets, 1)
  const [failure] = report.failures
  assert.equal(failure?.kind, 'reset')
  assert.equal(failure.connection, 1)
  assert.equal(failure.requestOnConnection, 50)
  assert.match(describeFailure(failure), /request 50 on connection 1 .*/)
  assert.throws(() => { assertNoFailures(report) }, /1 of \d+ requests failed/)
})

test('an answer that breaks off is a reset', async (t) => {
  let count = 0
  const { port } = await serve(t, (request, response) => {
    count++
    response.writeHead(200, { 'content-length': '10' })
    response.write('12345')
    if (count === 3) request.socket.destroy()
    else response.end('67890')
  })
  const load = await startLoad(options(port, { requests: [{ host: 'a.example' }], connections: 1 }))
  await load.more(10)
  assert.equal((await load.stop()).resets, 1)
})

test('an answer of a pod outside of the expected set is misrouted, with what was expected', async (t) => {
  let pod = 'one'
  const { port } = await serve(t, (_request, response) => {
    response.setHeader('x-pod', pod)
    response.end()
  })
  const load = await startLoad(options(port, { staleMs: 0 }))
  load.expect('g', ['one', 'two'])
  await load.more(20)
  pod = 'stranger'
  await load.more(20)
  const report = await load.stop()
  assert.ok(report.failed >= 20)
  assert.equal(report.failures[0]?.kind, 'misrouted')
  assert.equal(report.failures[0]?.pod, 'stranger')
  assert.deepEqual(report.failures[0]?.expected, ['one', 'two'])
})

test('a pod that left its set may answer within the bound only, and the staleness is told', async (t) => {
  const { port } = await serve(t, (_request, response) => {
    response.setHeader('x-pod', 'one')
    response.end()
  })
  const patient = await startLoad(options(port, { staleMs: 60_000 }))
  const strict = await startLoad(options(port, { staleMs: 0 }))
  for (const load of [patient, strict]) {
    load.expect('g', ['one'])
    await load.more(10)
    load.expect('g', ['two'])
    await load.more(20)
  }
  const reports = { patient: await patient.stop(), strict: await strict.stop() }
  assert.equal(reports.patient.failed, 0)
  assert.ok((reports.patient.stale['one'] ?? 0) > 0)
  assert.ok(reports.strict.failed > 0)
})

test('a pod that is expected only after it answered is fine within the bound', async (t) => {
  const { port } = await serve(t, (_request, response) => {
    response.setHeader('x-pod', 'new')
    response.end()
  })
  const load = await startLoad(options(port, { staleMs: 60_000 }))
  load.expect('g', ['old'])
  await load.more(10)
  load.expect('g', ['old', 'new'])
  await load.more(10)
  assert.equal((await load.stop()).failed, 0)
})

test('a wrong status, no answer and no listener are failures of their own', async (t) => {
  const { port } = await serve(t, (request, response) => {
    if (request.url === '/bad') response.writeHead(502).end()
  })
  const gone = await serve(t, () => {})
  gone.server.close()
  const kinds = async (parts: Partial<LoadOptions>): Promise<Set<string>> => {
    const load = await startLoad(options(port, { connections: 1, ...parts }))
    await load.more(2)
    return new Set((await load.stop()).failures.map((failure) => failure.kind))
  }
  assert.deepEqual(await kinds({ requests: [{ host: 'a', path: '/bad' }] }), new Set(['status']))
  assert.deepEqual(await kinds({ requests: [{ host: 'a', path: '/mute' }], timeoutMs: 200 }), new Set(['timeout']))
  assert.deepEqual(await kinds({ port: gone.port }), new Set(['refused']))
})

test('a long report arrives whole', async (t) => {
  const { port } = await serve(t, (_request, response) => { response.writeHead(500).end() })
  const load = await startLoad(options(port, { requests: [{ host: 'a.example', path: `/${'x'.repeat(1000)}` }] }))
  await load.more(1000)
  const report = await load.stop()
  assert.ok(report.failed >= 1000)
  assert.equal(report.failures.length, 1000)
})
