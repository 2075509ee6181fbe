import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fc } from '../testing/property.ts'
import { FakeApiServer } from './testing/fake-apiserver.ts'
import { converged, put, startReflector } from './testing/harness.ts'
import type { Harness } from './testing/harness.ts'

const SERVICES = '/api/v1/services'

type Step = 'put' | 'remove' | 'drop' | 'end' | 'stall' | 'garbage' | 'compact' | 'bookmark' | 'busy' | 'reset' | 'turn'

const STEPS: readonly Step[] = [
  'put', 'remove', 'drop', 'end', 'stall', 'garbage', 'compact', 'bookmark', 'busy', 'reset', 'turn',
]

async function perform(step: Step, index: number, { server, time }: Harness): Promise<void> {
  const { store, watches } = server
  const actions: Record<Step, () => unknown> = {
    put: () => put(server, SERVICES, `s${index % 4}`),
    remove: () => store.remove(SERVICES, { namespace: 'prod', name: `s${index % 4}` }),
    drop: () => watches.drop(),
    end: () => watches.end(),
    stall: () => {
      watches.stall()
      time.passStallLimit()
    },
    // After a good frame: two bad ones in a row would rightly force a list.
    garbage: () => {
      watches.bookmark()
      watches.sendText('garbage\n')
    },
    compact: () => {
      server.goneAs = index % 2 === 0 ? 'status' : 'frame'
      store.compact()
    },
    bookmark: () => watches.bookmark(),
    busy: () => server.failNext({ status: index % 2 === 0 ? 429 : 500, retryAfter: 1 }),
    reset: () => server.failNext('reset'),
    turn: () => new Promise((resolve) => setTimeout(resolve, index % 5)),
  }
  await actions[step]()
}

test('reflector: whatever happens, the picture converges with the lists that 410 forces', async () => {
  const steps = fc.array(fc.constantFrom(...STEPS), { maxLength: 40 })
  await fc.assert(
    fc.asyncProperty(steps, fc.boolean(), async (sequence, slow) => {
      const server = await FakeApiServer.start()
      server.watches.slow = slow
      const harness = startReflector(server, SERVICES)
      try {
        for (const [index, step] of sequence.entries()) await perform(step, index, harness)
        server.clearFaults()
        harness.time.passStallLimit()
        // Whoever has seen this one has made the list that the last 410 asked for.
        put(server, SERVICES, 'last')
        await converged(harness, SERVICES)
        const { expired } = harness.counters.restarts
        // The server may say 410 more often: to a request that was given up before its answer came.
        assert.ok(expired <= server.gone)
        assert.equal(server.lists, 1 + expired)
      } finally {
        await harness.stop()
        await server.shutDown()
      }
    }),
    { numRuns: 150 },
  )
})
