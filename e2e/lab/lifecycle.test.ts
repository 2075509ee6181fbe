import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { V1Pod } from '@kubernetes/client-node'
import { enterLab } from './enter.ts'
import { startLab } from './lab.ts'
import type { Target } from './faults.ts'
import { deploymentOf, LINGERING, mayEnd, readinessOf, serviceOf, type DeploymentOptions } from './testing.ts'

await enterLab()
const lab = await startLab()
after(async () => { await lab.close() })

const namespace = 'default'

async function start(name: string, options: DeploymentOptions = {}): Promise<Target> {
  await lab.apply([deploymentOf(name, options), serviceOf(name)])
  await lab.waitForDeployment(namespace, name)
  const [pod] = await lab.pods(namespace, `app=${name}`)
  return { namespace, pod: pod?.metadata?.name ?? '' }
}

async function podOf(target: Target): Promise<V1Pod | undefined> {
  return await lab.client.find<V1Pod & object>('v1/Pod', { namespace, name: target.pod })
}

async function isReady(target: Target): Promise<boolean> {
  const pod = await podOf(target)
  return pod?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true
}

/** Of a command only its answer counts, however late it comes. */
const COMMAND_PROBE = { periodSeconds: 1, timeoutSeconds: 60 }

/** For answers that never come, and for those that do come. */
const SHORT_MS = 300
const LONG_MS = 30_000

/** Rejects when no answer comes in time. */
async function ask(target: Target, timeoutMs = SHORT_MS): Promise<number> {
  const signal = AbortSignal.timeout(timeoutMs)
  return (await fetch(`http://${lab.podAddress(target)}:3000/`, { headers: { connection: 'close' }, signal })).status
}

async function answered(target: Target): Promise<void> {
  await lab.waitFor('an answer', async () => await ask(target).catch(() => 0) === 200)
}

test('a container that dies is started again, and its old log is kept', async () => {
  const target = await start('crash')
  const before = lab.processId(target)
  lab.faults.kill(target)
  await lab.waitFor('a restart', async () => (await podOf(target))?.status?.containerStatuses?.[0]?.restartCount === 1)
  await lab.waitFor('readiness', async () => await isReady(target))
  assert.notEqual(lab.processId(target), before)
  const status = (await podOf(target))?.status?.containerStatuses?.[0]
  assert.equal(status?.lastState?.terminated?.exitCode, 137)
  await answered(target)
})

test('readiness follows the probe, and the endpoints follow readiness', async () => {
  const target = await start('ready', { container: { readinessProbe: readinessOf(undefined, 1) } })
  lab.faults.freeze(target)
  await lab.waitFor('no readiness', async () => !await isReady(target))
  await lab.waitFor('no ready endpoint', async () =>
    (await lab.endpoints(namespace, 'ready')).every(({ conditions }) => conditions?.ready === false))
  lab.faults.thaw(target)
  await lab.waitFor('readiness', async () => await isReady(target))
  assert.equal((await podOf(target))?.status?.containerStatuses?.[0]?.restartCount, 0)
})

test('a failing liveness probe restarts the container', async () => {
  const livenessProbe = { ...COMMAND_PROBE, exec: { command: ['test', '!', '-e', '/tmp/dead'] }, failureThreshold: 1 }
  const target = await start('alive', { container: { livenessProbe } })
  await lab.exec(target, ['touch', '/tmp/dead'])
  await lab.waitFor('a restart', async () => (await podOf(target))?.status?.containerStatuses?.[0]?.restartCount === 1)
  await lab.waitFor('readiness', async () => await isReady(target))
})

test('nothing is ready before the startup probe has succeeded', async () => {
  await lab.apply(deploymentOf('slow', {
    container: { startupProbe: { ...COMMAND_PROBE, exec: { command: ['test', '-e', '/tmp/up'] }, failureThreshold: 100 } },
  }))
  const target = await lab.waitFor('a running container', async () => {
    const [pod] = await lab.pods(namespace, 'app=slow')
    return pod?.status?.containerStatuses?.[0]?.state?.running !== undefined && { namespace, pod: pod.metadata?.name ?? '' }
  })
  await answered(target)
  assert.equal(await isReady(target), false)
  assert.equal((await podOf(target))?.status?.containerStatuses?.[0]?.started, false)
  await lab.exec(target, ['touch', '/tmp/up'])
  await lab.waitFor('readiness', async () => await isReady(target))
})

test('a deleted pod serves through preStop as a terminating endpoint, then stops by itself', async () => {
  const target = await start('graceful', LINGERING)
  const address = lab.podAddress(target)
  const slow = fetch(`http://${address}:3000/?delay=5000`)
  await lab.client.delete('v1/Pod', { namespace, name: target.pod })
  await lab.waitFor('a terminating endpoint', async () => {
    const endpoints = await lab.endpoints(namespace, 'graceful')
    return endpoints.some(({ addresses, conditions }) => addresses[0] === address &&
      conditions?.terminating === true && conditions.serving === true && conditions.ready === false)
  })
  await answered(target)
  await mayEnd(lab, target)
  assert.equal((await slow).status, 200)
  await lab.waitFor('the end of the object', async () => await podOf(target) === undefined)
  await assert.rejects(fetch(`http://${address}:3000/`, { signal: AbortSignal.timeout(300) }))
  await lab.waitForDeployment(namespace, 'graceful')
})

test('a process that does not listen to SIGTERM is killed after the grace period', async () => {
  const target = await start('stubborn', {
    container: { command: ['sh', '-c', 'trap "" TERM; while :; do sleep 1; done'], readinessProbe: undefined } as object,
  })
  await lab.client.delete('v1/Pod', { namespace, name: target.pod }, { gracePeriodSeconds: 1 })
  await lab.waitFor('the end of the object', async () => await podOf(target) === undefined)
  // The agent hears of it in its own time.
  await lab.waitFor('the end of its process', () => {
    try {
      return lab.processId(target) === undefined
    } catch (error) {
      return String(error).includes('no pod')
    }
  })
})

test('a forced deletion ends the processes too', async () => {
  const target = await start('forced')
  const pid = lab.processId(target) ?? 0
  await lab.client.delete('v1/Pod', { namespace, name: target.pod }, { gracePeriodSeconds: 0 })
  await lab.waitFor('the end of the process', () => {
    try {
      return !process.kill(pid, 0)
    } catch {
      return true
    }
  })
})

test('a link that is down, a refused port and a delay are seen by clients', async () => {
  const target = await start('faulty')
  await lab.faults.disconnect(target)
  await assert.rejects(ask(target), { name: 'TimeoutError' })
  await lab.faults.connect(target)
  await answered(target)

  await lab.faults.refuse(target)
  await assert.rejects(ask(target, LONG_MS), (error: Error) => (error.cause as { code: string }).code === 'ECONNREFUSED')
  await lab.faults.accept(target)
  await answered(target)

  await lab.faults.delay(target, 10_000)
  await assert.rejects(ask(target), { name: 'TimeoutError' })
  await lab.faults.delay(target, 0)
  await answered(target)
})

test('pods go on without the apiserver, and changes arrive after it', async () => {
  const target = await start('alone')
  await lab.faults.stopApiserver()
  await answered(target)
  await assert.rejects(lab.client.list('v1/Pod'))
  lab.faults.kill(target)
  await answered(target)
  await lab.faults.startApiserver()
  await lab.waitFor('the restart in the status', async () =>
    (await podOf(target))?.status?.containerStatuses?.[0]?.restartCount === 1)
  await lab.client.patch('apps/v1/Deployment', { namespace, name: 'alone' }, { spec: { replicas: 2 } })
  await lab.waitForDeployment(namespace, 'alone')
})
