import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { enterLab } from '../lab/enter.ts'
import { startLab } from '../lab/lab.ts'
import { startController, variantUnderTest } from './controller.ts'
import { Download, Echoes, Upload } from './exchange.ts'
import { ask } from './http.ts'
import { assertNothingLost, underLoad } from './traffic.ts'
import { ingressOf, startEcho } from './workload.ts'

const variant = variantUnderTest()
await enterLab({ variant })
const lab = await startLab({ variant })
after(async () => { await lab.close() })

const RELOADS = 20
/** More than sockets, NGINX and the client hold on the way. */
const DOWNLOAD_BYTES = 64 * 1024 * 1024

const controller = await startController(lab)
const where = { address: controller.podAddress, host: 'echo.example' }

/** Another body size is another location class, and a class that is not there yet is a reload. */
function withBodySize(kilobytes: number): object {
  return ingressOf('echo', {
    rules: [{ host: where.host, service: 'echo' }],
    annotations: { 'nginx.ingress.kubernetes.io/proxy-body-size': `${kilobytes}k` },
  })
}

async function reload(round: number): Promise<void> {
  const { generation } = await controller.status()
  await lab.apply(withBodySize(2048 + round))
  await lab.waitFor(`reload ${round}`, async () => {
    const status = await controller.status()
    return status.generation > generation && !status.reloading
  })
}

test('twenty reloads by new location classes cost no request, no connection and no websocket', async () => {
  await startEcho(lab, 'echo', { replicas: 2 })
  await lab.apply(withBodySize(2048))
  await lab.waitFor('the route', async () => (await ask(where)).status === 200)
  const status = await controller.status()
  const traffic = { address: where.address, requests: [{ host: where.host }], connections: 8 }
  const report = await underLoad(traffic, async (load) => {
    const socket = await Echoes.open(where)
    const pod = (await socket.say('before')).split(' ')[0] ?? ''
    for (let round = 1; round <= RELOADS; round++) {
      const upload = await Upload.start(where, 'begun before, ')
      const download = await Download.start(where, DOWNLOAD_BYTES)
      await reload(round)
      assert.equal(await upload.end('ended after'), 'begun before, ended after')
      assert.equal(await download.end(), DOWNLOAD_BYTES)
      await load.more(50)
      // By the worker of before all reloads; one that is silent for proxy-read-timeout would be closed.
      assert.equal(await socket.say(`after ${round}`), `${pod} after ${round}`)
    }
    socket.close()
  })
  assert.equal((await controller.status()).generation, status.generation + RELOADS)
  assert.equal(status.loss_free_reload, variant !== 'system')
  assertNothingLost(report, status)
})
