/** However a request ends, its end is counted: a picker that counts requests in flight would starve the endpoint. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import { endpoints, host, route } from './backends.ts'
import { ask, raw } from './client.ts'
import { everySetup, serve, until, type Json } from './harness.ts'
import { answers, keepsSilent, peer, resetsAfter, says, type Behaviour, type Peer } from './peers.ts'

const SMALL = 'c00000000001'
const CLASSES = { [SMALL]: 'client_max_body_size 100k; proxy_request_buffering off;' }

interface Ending {
  readonly behave: Behaviour
  readonly request: (http: string, served: Peer) => Promise<void>
}

function status(expected: number, path = '/'): Ending['request'] {
  return async (http) => { assert.equal((await ask(http, { path })).status, expected) }
}

/** The client goes away once the peer has the request, or once there is something of the answer. */
function leaves(when: 'asked' | 'answered', path = '/'): Ending['request'] {
  return async (http, served) => {
    const before = served.requests
    const socket = connect(Number(new URL(http).port), '127.0.0.1').on('error', () => undefined)
    socket.write(`GET ${path} HTTP/1.1\r\nHost: a.example\r\n\r\n`)
    if (when === 'answered') await once(socket, 'data')
    await until('the peer has the request', () => served.requests > before)
    socket.destroy()
  }
}

async function sendsTooMuch(http: string): Promise<void> {
  const chunk = `4000\r\n${'x'.repeat(0x4000)}\r\n`
  const head = 'POST /small HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n'
  // The connection may be reset while the client still writes.
  await raw(http, head + chunk.repeat(20)).catch(() => '')
}

const ENDINGS: Readonly<Record<string, Ending>> = {
  'answered': { behave: answers(), request: status(200) },
  'answered in a class': { behave: answers(), request: status(200, '/small') },
  'reset': { behave: resetsAfter(''), request: status(502) },
  'reset in a class': { behave: resetsAfter(''), request: status(502, '/small') },
  'timed out': { behave: keepsSilent, request: status(504, '/hasty') },
  'given up before an answer': { behave: keepsSilent, request: leaves('asked') },
  'given up in the answer': {
    // NGINX sees that nobody reads on when there is more to write, or when nothing more comes.
    behave: says('HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\nbegin'), request: leaves('answered', '/hasty'),
  },
  'refused for its body while it is sent': { behave: keepsSilent, request: sendsTooMuch },
}

everySetup('completion', (setup) => {
  for (const [name, { behave, request }] of Object.entries(ENDINGS)) {
    test(`a request that is ${name}`, async (t) => {
      const { plane, http } = await serve(t, setup, { classes: CLASSES })
      const [first, second] = [await peer(t, behave), await peer(t, answers())]
      const policies = { load_balance: { algorithm: 'least_request' } }
      const hasty = { ...policies, timeouts: { read: 1 } }
      const push = (peers: readonly Peer[]): Promise<void> => plane.put({
        'backend/test/web/80': endpoints(...peers.map(({ port }) => ['127.0.0.1', port] as const)),
        'host/default/a.example': host([
          route({ path: '/small', class: SMALL, policies }), route({ path: '/hasty', policies: hasty }), route({ policies }),
        ]),
      } as Json)
      await push([first])
      await Promise.all(Array.from({ length: 6 }, () => request(http, first)))
      first.behave = answers()
      await push([first, second])
      const before = first.requests
      await until('both peers get their share', async () => {
        assert.equal((await ask(http)).status, 200)
        return first.requests >= before + 20 && second.requests >= 20
      })
    })
  }
})
