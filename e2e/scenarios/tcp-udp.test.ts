/** TCP, UDP and TLS passthrough as docs/tcp-udp.md tells: its manifests are what is applied here. */

import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import type { V1Service } from '@kubernetes/client-node'
import type { KubernetesObject } from '../lab/client.ts'
import { enterLab } from '../lab/enter.ts'
import { startLab } from '../lab/lab.ts'
import { deploymentOf } from '../lab/testing.ts'
import { variantUnderTest } from './controller.ts'
import { Echoes } from './exchange.ts'
import { askEcho } from './http.ts'
import { installController } from './installation.ts'
import { follow, readCommands, readPage } from './page.ts'
import { handshake } from './tls.ts'

const variant = variantUnderTest()
await enterLab({ variant })
const lab = await startLab({ variant })
after(async () => { await lab.close() })

const NAMESPACE = 'resty-ingress'
const HOST = 'tcp.example'

const [ports, passthrough, curl] = await readPage('tcp-udp.md')
assert.ok(ports !== undefined && passthrough !== undefined && curl !== undefined)

/** A Service of the lab's backend at this port. */
function backendService(name: string, port: number, protocol: 'TCP' | 'UDP'): KubernetesObject {
  return {
    apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: 'default' },
    spec: { selector: { app: 'peer' }, ports: [{ name: 'main', port, protocol, targetPort: 3000 }] },
  } as KubernetesObject
}

/** Who answers a datagram; one that is lost is sent again. */
async function askUdp(address: string, port: number): Promise<string> {
  const socket = createSocket('udp4')
  try {
    const answer = once(socket, 'message') as Promise<[Buffer]>
    return await lab.waitFor('an answer by UDP', async () => {
      socket.send('hello', port, address)
      const heard = await Promise.race([answer, setTimeout(200, undefined)])
      return heard?.[0].toString()
    })
  } finally {
    socket.close()
  }
}

await lab.apply([
  {
    apiVersion: 'networking.k8s.io/v1', kind: 'IngressClass', metadata: { name: 'resty-ingress' },
    spec: { controller: 'resty-ingress.io/ingress-controller' },
  } as KubernetesObject,
  deploymentOf('peer', { replicas: 2 }),
  backendService('postgres', 5432, 'TCP'),
  backendService('dns', 53, 'UDP'),
])
const controller = await installController(lab, NAMESPACE, ['--enable-ssl-passthrough'])
await lab.waitForDeployment('default', 'peer')
await lab.apply(ports.text)
const streams = await lab.waitForObject<V1Service & object>(
  'v1/Service', { namespace: NAMESPACE, name: 'resty-ingress-streams' },
  ({ status }) => status?.loadBalancer?.ingress?.[0]?.ip !== undefined,
)
const address = streams.status?.loadBalancer?.ingress?.[0]?.ip ?? ''
const where = { address, port: 5432, host: HOST }

test('a TCP port leads to the endpoints of the Service', async () => {
  await lab.waitFor('the port', async () => await askEcho(where).then(() => true, () => false))
  const pods = new Set<string>()
  await lab.waitFor('both endpoints', async () => pods.add((await askEcho(where)).pod).size === 2)
})

test('a UDP port leads to the endpoints of the Service', async () => {
  assert.match(await askUdp(address, 53), /^peer-\S+ hello$/)
})

test('the commands of the page tell of the ports', async () => {
  const [status = '', explained = ''] = await Promise.all((await readCommands('tcp-udp.md')).map((args) => controller.command(args)))
  assert.match(status, /^resty-ingress +ConfigMap\/tcp-services +TCP 5432 +postgres +5432 +\S/m)
  assert.match(status, /^resty-ingress +ConfigMap\/udp-services +UDP 53 +dns +53 +\S/m)
  assert.match(explained, /^outcome +passed on to an endpoint as it is$/m)
})

test('endpoints come and go, connections that are there stay, and a reload is told with its cause', async () => {
  const socket = await Echoes.open({ address: `${address}:5432`, host: HOST })
  const pod = (await socket.say('before')).split(' ')[0]
  const { generation } = await controller.generation()
  await lab.apply([deploymentOf('peer', { replicas: 3 })])
  await lab.waitForDeployment('default', 'peer')
  const pods = new Set<string>()
  await lab.waitFor('the third endpoint', async () => pods.add((await askEcho(where)).pod).size === 3)
  const { capabilities, ...after } = await controller.status()
  assert.equal(after.generation === generation, capabilities.stream_lua)
  assert.equal(await socket.say('after'), `${pod} after`)
  socket.close()
  const reasons = (await controller.findings()).map(({ reason }) => reason)
  assert.equal(reasons.includes('Layer4Reloads'), !capabilities.stream_lua)
})

test('TLS of a host goes to the API server as it is, beside TLS that ends here', async () => {
  const before = await handshake(controller.address, 'kubernetes.default.svc')
  await lab.apply(passthrough.text)
  const passed = await lab.waitFor('passthrough', async () => {
    const shown = await handshake(controller.address, 'kubernetes.default.svc').catch(() => before)
    return shown.fingerprint !== before.fingerprint && shown
  })
  assert.match(passed.names, /kubernetes/)
  const folder = await mkdtemp(join(tmpdir(), 'resty-ingress-ca-'))
  await writeFile(join(folder, 'ca.crt'), lab.credentials.ca)
  await follow(lab, curl, controller.address, folder)
  await rm(folder, { recursive: true })
  assert.equal((await handshake(controller.address, 'other.example')).fingerprint, before.fingerprint)
})
