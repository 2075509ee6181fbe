import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { ControlClient } from './client.ts'

async function clientOf(
  t: TestContext, answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<ControlClient> {
  const folder = await mkdtemp(join(tmpdir(), 'resty-ingress-client-'))
  const server = createServer(answer).listen(join(folder, 'control.sock'))
  await once(server, 'listening')
  const client = new ControlClient(join(folder, 'control.sock'))
  t.after(async () => {
    await client.close()
    server.close()
    await rm(folder, { recursive: true })
  })
  return client
}

test('a question that meets the end of its connection is asked again, once; a push is not sent twice', async (t) => {
  const seen: string[] = []
  let ends = 0
  const client = await clientOf(t, (request, response) => {
    seen.push(String(request.method))
    request.resume()
    if (ends > 0) {
      ends -= 1
      request.socket.destroy()
    } else response.end('{"revision":7}')
  })
  ends = 1
  assert.equal((await client.status()).revision, 7)
  assert.deepEqual(seen.splice(0), ['GET', 'GET'])
  ends = 2
  await assert.rejects(client.status(), { code: 'UND_ERR_SOCKET' })
  assert.deepEqual(seen.splice(0), ['GET', 'GET'])
  ends = 1
  await assert.rejects(client.patch(1, {}, []), { code: 'UND_ERR_SOCKET' })
  assert.deepEqual(seen, ['PATCH'])
})
