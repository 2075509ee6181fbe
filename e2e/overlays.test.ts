/** The overlays of `manifests/`: what they add to the base, and what they leave as closed as it is there. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type {
  KubernetesObject, V1Container, V1DaemonSet, V1Deployment, V1Namespace, V1PodDisruptionBudget, V1PodSpec, V1Service,
} from '@kubernetes/client-node'
import { parseCommand } from '../sidecar/options/options.ts'
import { schemaErrors } from './kubernetes-schema.ts'
import { parseObjects, readKustomization } from './lab/manifests.ts'
import { isOnPath, REPOSITORY } from './runner/programs.ts'

const MANIFESTS = join(REPOSITORY, 'manifests')
const NAME = 'resty-ingress'
const INGRESS_NODES = { 'kubernetes.io/os': 'linux', 'node-role.kubernetes.io/ingress': '' }

type Objects = readonly KubernetesObject[]

async function read(overlay: string): Promise<Objects> {
  return await readKustomization(join(MANIFESTS, overlay)) as Objects
}

function find<T extends KubernetesObject>(objects: Objects, kind: string): T | undefined {
  return objects.find((object) => object.kind === kind) as T | undefined
}

function podOf(objects: Objects): V1PodSpec {
  const workload = find<V1Deployment>(objects, 'Deployment') ?? find<V1DaemonSet>(objects, 'DaemonSet')
  return workload?.spec?.template.spec ?? assert.fail('no workload')
}

function container(objects: Objects, name: string): V1Container {
  return podOf(objects).containers.find((each) => each.name === name) ?? assert.fail(`no container ${name}`)
}

const base = await read('base')
const OVERLAYS = ['daemonset-hostnetwork', 'daemonset-hostport', 'deployment', 'loadbalancer']
const overlays = new Map(await Promise.all(OVERLAYS.map(async (name) => [name, await read(name)] as const)))

function overlay(name: string): Objects {
  return overlays.get(name) ?? assert.fail(name)
}

test('every folder of manifests is a kustomization that is checked, or another one that has its own tests', () => {
  const folders = readdirSync(MANIFESTS, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  const others = ['admission', 'base', 'components']
  assert.deepEqual(folders.map(({ name }) => name).filter((name) => !others.includes(name)).toSorted(), OVERLAYS)
})

test('the documentation names every overlay as it is applied', () => {
  const page = readFileSync(join(REPOSITORY, 'docs', 'high-availability.md'), 'utf8')
  const applied = [...page.matchAll(/^ {4}kubectl apply -k manifests\/(\S+)$/gm)].map(([, name]) => name)
  assert.deepEqual(applied.toSorted(), OVERLAYS)
})

test('the root is the base', async () => {
  assert.deepEqual(await read(''), base)
})

for (const name of ['base', ...OVERLAYS]) {
  test(`${name}: the lab reads what kubectl applies`, { skip: !isOnPath('kubectl') && 'no kubectl here' }, async () => {
    const applied = parseObjects(execFileSync('kubectl', ['kustomize', join(MANIFESTS, name)], { encoding: 'utf8' }))
    const byIdentity = (objects: Objects): Objects => objects.toSorted((a, b) => identity(a) < identity(b) ? -1 : 1)
    assert.deepEqual(byIdentity(await read(name)), byIdentity(applied as Objects))
  })
}

function identity({ kind, metadata }: KubernetesObject): string {
  return `${kind} ${metadata?.namespace ?? ''}/${metadata?.name}`
}

/** Without what the client has no class for. */
function known(objects: Objects): Objects {
  return objects.filter(({ kind }) => kind !== 'CustomResourceDefinition')
}

for (const [name, objects] of overlays) {
  test(`${name}: no field that Kubernetes does not know`, () => {
    for (const object of known(objects)) assert.deepEqual(schemaErrors(`V1${object.kind}`, object), [], identity(object))
  })

  test(`${name}: it is the base but for the workload, the ways to it and the disruption budget`, () => {
    const own = new Set(['Namespace', 'Deployment', 'DaemonSet', 'Service', 'PodDisruptionBudget'])
    const common = (all: Objects): Objects => all.filter(({ kind }) => !own.has(kind ?? ''))
    assert.deepEqual(common(objects), common(base))
    for (const { metadata } of objects) assert.equal(metadata?.labels?.['app.kubernetes.io/name'], NAME)
  })

  test(`${name}: the containers are those of the base, but for ports and what opens port 80`, () => {
    for (const part of ['sidecar', 'openresty']) {
      const { args: _own, env = [], ports, securityContext, ...rest } = container(objects, part)
      const original = container(base, part)
      const { args: _args, env: baseEnv, ports: basePorts = [], securityContext: closed, ...same } = original
      assert.deepEqual(env.filter((variable) => !variable.name.endsWith('POD_PORTS')), baseEnv)
      assert.deepEqual(rest, same)
      const isOpener = name === 'daemonset-hostnetwork' && part === 'openresty'
      assert.deepEqual(securityContext, isOpener ? { ...closed, allowPrivilegeEscalation: true } : closed)
      const byHost = (ports ?? []).map(({ hostPort: _hostPort, ...port }) => port)
      assert.deepEqual(byHost, basePorts)
    }
  })

  test(`${name}: the pod is as closed as that of the base, but for the network of the node`, () => {
    const { sysctls, ...closed } = podOf(base).securityContext ?? {}
    const expected = name === 'daemonset-hostnetwork' ? closed : { ...closed, sysctls }
    assert.deepEqual(podOf(objects).securityContext, expected)
    assert.equal(podOf(objects).hostNetwork, name === 'daemonset-hostnetwork' ? true : undefined)
    for (const field of ['hostPID', 'hostIPC', 'shareProcessNamespace']) assert.ok(!(field in podOf(objects)))
  })

  test(`${name}: Pod Security is what the pod needs`, () => {
    const level = name.startsWith('daemonset-') ? 'privileged' : 'restricted'
    const labels = find<V1Namespace>(objects, 'Namespace')?.metadata?.labels ?? {}
    assert.equal(labels['pod-security.kubernetes.io/enforce'], level)
    assert.equal(labels['pod-security.kubernetes.io/warn'], level)
  })

  test(`${name}: the status comes from the Service only where clients come to it`, async () => {
    const args = container(objects, 'sidecar').args ?? []
    const command = await parseCommand(args.map((text) => text.replaceAll('$(POD_NAMESPACE)', NAME)), '', {})
    assert.ok(command?.name === 'run')
    assert.equal(command.options['publish-service'], name === 'loadbalancer' ? `${NAME}/${NAME}` : '')
  })

  test(`${name}: the nodes are chosen where clients come to nodes`, () => {
    const everywhere = podOf(base).nodeSelector
    assert.deepEqual(podOf(objects).nodeSelector, name === 'loadbalancer' ? everywhere : INGRESS_NODES)
  })
}

for (const name of ['deployment', 'loadbalancer']) {
  test(`${name}: several replicas, and a drain takes one pod at a time`, () => {
    const { replicas = 1, strategy, selector } = find<V1Deployment>(overlay(name), 'Deployment')?.spec ?? assert.fail()
    assert.ok(replicas > 1)
    assert.deepEqual(strategy?.rollingUpdate, { maxUnavailable: 0, maxSurge: 1 })
    const budget = find<V1PodDisruptionBudget>(overlay(name), 'PodDisruptionBudget')
    assert.equal(budget?.spec?.maxUnavailable, 1)
    assert.deepEqual(budget.spec.selector, selector)
  })
}

test('deployment: pods of one version are on different nodes', () => {
  const { template } = find<V1Deployment>(overlay('deployment'), 'Deployment')?.spec ?? assert.fail()
  const [term, ...more] = template.spec?.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []
  assert.deepEqual(more, [])
  assert.equal(term?.topologyKey, 'kubernetes.io/hostname')
  assert.deepEqual(term.labelSelector?.matchLabels, template.metadata?.labels)
  assert.deepEqual(term.matchLabelKeys, ['pod-template-hash'])
})

test('deployment: node ports for traffic and for the health check, and the address of the client', () => {
  const { type, externalTrafficPolicy, ports = [] } = find<V1Service>(overlay('deployment'), 'Service')?.spec ?? {}
  assert.deepEqual([type, externalTrafficPolicy], ['NodePort', 'Local'])
  assert.deepEqual(ports.map(({ targetPort, nodePort }) => [targetPort, nodePort]), [
    ['http', 30080], ['https', 30443], ['health', 30254],
  ])
})

for (const name of ['daemonset-hostnetwork', 'daemonset-hostport']) {
  test(`${name}: one node after the other, without a Service`, () => {
    const { updateStrategy, minReadySeconds = 0 } = find<V1DaemonSet>(overlay(name), 'DaemonSet')?.spec ?? {}
    assert.deepEqual(updateStrategy, { type: 'RollingUpdate', rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } })
    assert.ok(minReadySeconds > 0)
    for (const kind of ['Deployment', 'Service']) assert.equal(find(overlay(name), kind), undefined)
  })
}

test('daemonset-hostnetwork: both containers know which ports of the node are ours', () => {
  const { containers } = podOf(overlay('daemonset-hostnetwork'))
  const open = containers.flatMap((each) => each.ports ?? []).map(({ containerPort }) => containerPort)
  const said = containers.flatMap((each) => each.env ?? []).filter(({ name }) => name.endsWith('POD_PORTS'))
  assert.equal(said.length, 2)
  for (const { value = '' } of said) assert.deepEqual(value.split(',').map(Number).toSorted(), open.toSorted())
})

test('daemonset-hostnetwork: Services have names, and no port is one of Kubernetes on the node', () => {
  const pod = podOf(overlay('daemonset-hostnetwork'))
  assert.equal(pod.dnsPolicy, 'ClusterFirstWithHostNet')
  const ports = pod.containers.flatMap((each) => each.ports ?? []).map(({ containerPort }) => containerPort)
  // kubelet, kube-proxy, controller-manager, scheduler, etcd, apiserver.
  const taken = [10248, 10249, 10250, 10255, 10256, 10257, 10259, 2379, 2380, 2381, 6443]
  assert.deepEqual(ports.filter((port) => taken.includes(port)), [])
})

test('daemonset-hostport: each port of the pod is the same one of the node', () => {
  const ports = podOf(overlay('daemonset-hostport')).containers.flatMap((each) => each.ports ?? [])
  assert.deepEqual(ports.map(({ hostPort }) => hostPort), [10254, 80, 443])
  assert.deepEqual(ports.map(({ containerPort }) => containerPort), [10254, 80, 443])
})
