import assert from 'node:assert/strict'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { ServerResponse } from 'node:http'
import { test } from 'node:test'
import { createAuthority, issueCertificate } from './certificates.ts'
import { Client } from './client.ts'
import { Follower } from './follower.ts'
import { eventually } from './wait.ts'

const object = (name: string, version: string): object =>
  ({ metadata: { name, uid: `uid-${name}`, resourceVersion: version } })

test('a broken watch ends in a new list: what vanished meanwhile is removed, what came is seen', async (t) => {
  let items = [object('a', '1'), object('b', '1')]
  const watches: ServerResponse[] = []
  const authority = await createAuthority('test')
  const { certificate, key } = await issueCertificate(authority, { commonName: 'server', addresses: ['127.0.0.1'] })
  const server = createServer({ cert: certificate, key }, (request, response) => {
    const json = (body: object): void => {
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify(body))
    }
    if (request.url === '/api/v1') json({ resources: [{ name: 'pods', kind: 'Pod', namespaced: true }] })
    else if (request.url?.includes('watch=true') === true) {
      response.writeHead(200).flushHeaders()
      watches.push(response)
    } else json({ metadata: { resourceVersion: '7' }, items })
  })
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
  const client = new Client({ url, ca: authority.certificate })
  const removed: (string | undefined)[] = []
  const follower = new Follower({ client, kind: 'v1/Pod', removed: ({ metadata }) => { removed.push(metadata?.name) } })
  t.after(async () => {
    await follower.stop()
    client.close()
    server.closeAllConnections()
    server.close()
  })
  const names = (): string => follower.objects.map(({ metadata }) => metadata?.name).sort().join()

  await follower.start()
  assert.equal(names(), 'a,b')
  await eventually('a watch', () => watches.length === 1)
  watches[0]?.write(`${JSON.stringify({ type: 'ADDED', object: object('c', '8') })}\n`)
  await eventually('the new object', () => names() === 'a,b,c')

  items = [object('b', '2'), object('d', '9')]
  watches[0]?.destroy()
  await eventually('the new list', () => names() === 'b,d')
  assert.deepEqual(removed, ['a', 'c'])

  await eventually('the next watch', () => watches.length === 2)
  watches[1]?.write(`${JSON.stringify({ type: 'DELETED', object: object('b', '10') })}\n`)
  await eventually('the deletion', () => names() === 'd')
  watches[1]?.write(`${JSON.stringify({ type: 'ERROR', object: { code: 410 } })}\n`)
  await eventually('a list after the error', () => watches.length === 3)
  assert.equal(names(), 'b,d')
})
