import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import type { Fragment, FragmentConditions } from '../ir/types.ts'
import { LeaderApi } from '../kube/leadership.ts'
import { INGRESS, PROXY, asRawObject, collectionPath } from '../kube/resource.ts'
import type { Resource } from '../kube/resource.ts'
import { FakeApiServer } from '../kube/testing/fake-apiserver.ts'
import { FAST_PROBE, TestLeadership, recordingLogger, until } from '../kube/testing/harness.ts'
import { ApiTransport } from '../kube/transport.ts'
import { fields, items, text } from '../util/field.ts'
import { ClusterStatus } from './status.ts'

const OURS = { ip: '198.18.0.1' }
const OTHERS = { ip: '203.0.113.7' }
const INGRESS_KEY = 'Ingress/prod/shop'
const PROXY_KEY = 'Proxy/prod/shop'
const GOOD: FragmentConditions = {
  generation: 3,
  accepted: { status: true, reason: 'Accepted', message: 'the spec is understood' },
  resolvedRefs: { status: true, reason: 'ResolvedRefs', message: 'all that it names is there' },
}

interface Setup {
  readonly status: ClusterStatus
  readonly leadership: TestLeadership
  /** Puts an object of that name into the cluster and gives what is made of it. */
  readonly add: (resource: Resource, conditions?: FragmentConditions) => Fragment
  readonly addresses: () => unknown
  /** `<type>=<status> <reason>` of each condition. */
  readonly conditions: () => string[]
  readonly setAddresses: (...addresses: readonly object[]) => void
  readonly idle: () => Promise<void>
}

async function setUp(context: TestContext): Promise<Setup> {
  const server = await FakeApiServer.start()
  const transport = new ApiTransport(server.kubeConfig(), FAST_PROBE)
  const leadership = new TestLeadership()
  const { log } = recordingLogger()
  const status = new ClusterStatus(new LeaderApi(transport, leadership), { log, rest: 1 })
  context.after(async () => {
    await status.stop()
    await transport.close()
    await server.shutDown()
  })
  const name = { namespace: 'prod', name: 'shop' }
  const writerOf = (resource: Resource): { observer: typeof status.ingresses.observer } =>
    resource === INGRESS ? status.ingresses : status.proxies
  const put = (resource: Resource, rest: object): string => {
    const object = server.store.put(collectionPath(resource), { metadata: name, ...rest })
    writerOf(resource).observer.set(asRawObject(object))
    return object.metadata.uid
  }
  const statusOf = (resource: Resource): unknown => server.store.get(collectionPath(resource), name)?.['status']
  return {
    status,
    leadership,
    add: (resource, conditions) => {
      const uid = put(resource, {})
      return {
        origin: { kind: resource.kind, ...name, uid, field: '' },
        ...(conditions === undefined ? {} : { conditions }),
      } as Fragment
    },
    addresses: () => fields(fields(statusOf(INGRESS))['loadBalancer'])['ingress'],
    conditions: () => items(fields(statusOf(PROXY))['conditions']).map(fields).map((it) =>
      `${text(it['type'])}=${text(it['status'])} ${text(it['reason'])}`),
    setAddresses: (...ingress) => void put(INGRESS, { status: { loadBalancer: { ingress } } }),
    idle: async () => {
      await Promise.all([status.ingresses.idle(), status.proxies.idle()])
    },
  }
}

test('cluster status: an Ingress has the addresses, whichever is known first', async (context) => {
  const { status, add, addresses, idle } = await setUp(context)
  status.served(INGRESS_KEY, add(INGRESS))
  await idle()
  assert.equal(addresses(), undefined)
  status.publish([OURS])
  await idle()
  assert.deepEqual(addresses(), [OURS])
})

test('cluster status: a Proxy is programmed when it is served, and not while OpenResty refuses it', async (context) => {
  const { status, add, conditions, idle } = await setUp(context)
  const proxy = add(PROXY, GOOD)
  status.refused(PROXY_KEY, proxy, { reason: 'RecordRejected', message: 'no' })
  await idle()
  const known = ['Accepted=True Accepted', 'ResolvedRefs=True ResolvedRefs']
  assert.deepEqual(conditions(), [...known, 'Programmed=False RecordRejected'])
  status.served(PROXY_KEY, proxy)
  await idle()
  assert.deepEqual(conditions(), [...known, 'Programmed=True Programmed'])
})

test('cluster status: of an invalid Proxy there is nothing to program', async (context) => {
  const { status, add, conditions, idle } = await setUp(context)
  const accepted = { status: false, reason: 'Invalid', message: 'no hosts' }
  status.served(PROXY_KEY, add(PROXY, { ...GOOD, accepted }))
  await idle()
  assert.deepEqual(conditions(), ['Accepted=False Invalid', 'ResolvedRefs=True ResolvedRefs', 'Programmed=False Invalid'])
})

test('cluster status: what is handed over is left to others, whatever changes, until it comes back', async (context) => {
  const { status, add, addresses, setAddresses, idle } = await setUp(context)
  status.publish([OURS])
  status.served(INGRESS_KEY, add(INGRESS))
  await idle()
  status.handOver(INGRESS_KEY)
  setAddresses(OTHERS)
  status.publish([OURS, { ip: '198.18.0.2' }])
  await idle()
  assert.deepEqual(addresses(), [OTHERS])
  status.takeBack(INGRESS_KEY)
  await until(() => JSON.stringify(addresses()) === JSON.stringify([OURS, { ip: '198.18.0.2' }]), () => 'ours again')
})

test('cluster status: with the last replica our addresses go, and those that others wrote stay', async (context) => {
  const { status, add, addresses, idle } = await setUp(context)
  status.publish([OURS])
  status.served(INGRESS_KEY, add(INGRESS))
  await idle()
  await status.withdraw()
  assert.deepEqual(addresses(), [])
  // Nothing that is found out later brings them back.
  status.served(INGRESS_KEY, add(INGRESS))
  await idle()
  assert.notDeepEqual(addresses(), [OURS])
})

test('cluster status: a status that somebody else has written is not taken back', async (context) => {
  const { status, leadership, add, addresses, setAddresses } = await setUp(context)
  status.publish([OURS])
  status.served(INGRESS_KEY, add(INGRESS))
  await status.ingresses.idle()
  leadership.lose()
  setAddresses(OTHERS)
  leadership.gain()
  await status.withdraw()
  assert.deepEqual(addresses(), [OTHERS])
})
