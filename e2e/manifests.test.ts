/** The manifests that users apply: valid, consistent, and as closed as they promise to be. */
import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { test } from 'node:test'
import type {
  KubernetesObject,
  V1ClusterRole,
  V1ClusterRoleBinding,
  V1Container,
  V1Deployment,
  V1IngressClass,
  V1Service,
  V1Volume,
} from '@kubernetes/client-node'
import { parseAllDocuments } from 'yaml'
import { DEFAULT_SETTINGS } from '../sidecar/ir/settings.ts'
import * as resources from '../sidecar/kube/resource.ts'
import type { Resource } from '../sidecar/kube/resource.ts'
import { parseCommand } from '../sidecar/options/options.ts'
import type { Options } from '../sidecar/options/options.ts'
import { schemaErrors } from './kubernetes-schema.ts'

const FOLDER = new URL('../manifests/base/', import.meta.url)
const NAME = 'resty-ingress'

function documents(file: string): KubernetesObject[] {
  return parseAllDocuments(readFileSync(new URL(file, FOLDER), 'utf8')).map((document) => {
    assert.deepEqual([...document.errors, ...document.warnings], [], file)
    return document.toJS() as KubernetesObject
  })
}

const files = readdirSync(FOLDER).filter((file) => file !== 'kustomization.yaml')
const objects = files.flatMap(documents)

/** Every field present: one that is missing after all fails its test just as well. */
type Full<T> = T extends readonly (infer Item)[]
  ? Full<Item>[]
  : T extends object
    ? { [Key in keyof T]-?: Full<NonNullable<T[Key]>> }
    : T

function objectOf<T extends KubernetesObject>(kind: string): Full<T> {
  const found = objects.filter((object) => object.kind === kind)
  assert.equal(found.length, 1, `one ${kind}`)
  return found[0] as Full<T>
}

const deployment = objectOf<V1Deployment>('Deployment')
const pod = deployment.spec.template.spec

function container(name: string): Full<V1Container> {
  return pod.containers.find((each) => each.name === name) ?? assert.fail(`no container ${name}`)
}

function volume(name: string): Full<V1Volume> {
  return pod.volumes.find((each) => each.name === name) ?? assert.fail(`no volume ${name}`)
}

/** The volumes of a container by name, and where it has them. */
function mounts(owner: Full<V1Container>): Map<string, string> {
  return new Map(owner.volumeMounts.map((mount) => [mount.name, mount.mountPath]))
}

const sidecar = container('sidecar')
const openresty = container('openresty')

const sidecarOptions = await optionsOf(sidecar.args)

/** As the sidecar itself reads its arguments, with the pod's own namespace filled in. */
async function optionsOf(args: readonly string[]): Promise<Options> {
  const expanded = args.map((text) => text.replaceAll('$(POD_NAMESPACE)', NAME))
  const command = await parseCommand(expanded, '', {})
  assert.ok(command?.name === 'run')
  return command.options
}

test('the kustomization lists every file, and each once', () => {
  const [kustomization] = documents('kustomization.yaml') as unknown as [{ resources: string[] }]
  assert.deepEqual(kustomization.resources.toSorted(), files.toSorted())
})

for (const object of objects) {
  test(`${object.kind} has no field that Kubernetes does not know`, () => {
    assert.match(object.apiVersion ?? '', /(^|\/)v1$/)
    assert.deepEqual(schemaErrors(`V1${object.kind}`, object), [])
  })
}

test('the schema check itself finds unknown fields and wrong types', () => {
  const wrong = { spec: { replicas: '1', template: { spec: { containers: [{ imagePullpolicy: 'x' }] } } } }
  assert.deepEqual(schemaErrors('V1Deployment', wrong), [
    'V1Deployment.spec.replicas: not a number',
    'V1Deployment.spec.template.spec.containers[0].imagePullpolicy: unknown field',
  ])
})

test('these objects and no others, of ours all with one name and in one namespace', () => {
  const identities = objects.map(({ kind, metadata }) => {
    return `${kind} ${metadata?.namespace ?? ''}/${metadata?.name}`
  })
  const clusterWide = ['ClusterRole', 'ClusterRoleBinding', 'IngressClass', 'Namespace']
  const namespaced = ['ConfigMap', 'Deployment', 'Role', 'RoleBinding', 'Service', 'ServiceAccount']
  const expected = [
    'CustomResourceDefinition /proxies.resty-ingress.io',
    ...clusterWide.map((kind) => `${kind} /${NAME}`),
    ...namespaced.map((kind) => `${kind} ${NAME}/${NAME}`),
  ]
  assert.deepEqual(identities.toSorted(), expected.toSorted())
})

// RBAC

/** What the sidecar does with the kinds that it does not watch; sidecar/kube/ has the calls. */
const CALLS: Readonly<Record<string, readonly string[]>> = {
  Node: ['get'],
  Pod: ['get', 'list', 'watch'],
  Lease: ['create', 'get', 'update'],
  Event: ['create', 'patch'],
}
/** Kinds of which only objects in the controller's own namespace are read. */
const OWN_NAMESPACE = ['ConfigMap', 'Pod', 'Lease']

function isResource(value: unknown): value is Resource {
  return typeof value === 'object' && value !== null && 'plural' in value
}

function groupOf(resource: Resource): string {
  return resource.apiVersion.split('/').slice(0, -1).join('')
}

function neededPermissions(): string[] {
  const declared = Object.values(resources).filter(isResource)
  const needed = declared.flatMap((resource) => {
    const verbs = 'fields' in resource ? ['get', 'list', 'watch'] : CALLS[resource.kind]
    assert.ok(verbs, `${resource.kind} is declared in sidecar/kube/: say in CALLS what for`)
    const role = OWN_NAMESPACE.includes(resource.kind) ? 'Role' : 'ClusterRole'
    return verbs.map((verb) => `${role}: ${verb} ${groupOf(resource)}/${resource.plural}`)
  })
  const statuses = ['networking.k8s.io/ingresses', 'resty-ingress.io/proxies']
  return [...needed, ...statuses.map((plural) => `ClusterRole: patch ${plural}/status`)]
}

function grantedPermissions(role: Full<V1ClusterRole>): string[] {
  return role.rules.flatMap(({ apiGroups, resources: plurals, verbs }) =>
    apiGroups.flatMap((group) =>
      plurals.flatMap((plural) => verbs.map((verb) => `${role.kind}: ${verb} ${group}/${plural}`)),
    ),
  )
}

test('RBAC grants what sidecar/kube/ does, and nothing else', () => {
  const roles = ['ClusterRole', 'Role'].map((kind) => objectOf<V1ClusterRole>(kind))
  const granted = roles.flatMap(grantedPermissions)
  assert.deepEqual(granted.toSorted(), neededPermissions().toSorted())
})

test('of ConfigMaps, only the controller\'s own is granted', () => {
  const rule = objectOf<V1ClusterRole>('Role').rules.find((each) => each.resources.includes('configmaps'))
  assert.deepEqual(rule?.resourceNames, [NAME, 'tcp-services', 'udp-services'])
})

test('of leases, only that of the election can be read and changed', () => {
  const rules = objectOf<V1ClusterRole>('Role').rules.filter((each) => each.resources.includes('leases'))
  const named = rules.filter(({ verbs }) => !verbs.includes('create'))
  assert.deepEqual(named.map(({ resourceNames }) => resourceNames), [[sidecarOptions['election-id']]])
})

for (const role of ['ClusterRole', 'Role']) {
  test(`the ${role} is bound to the account of the pod`, () => {
    const binding = objectOf<V1ClusterRoleBinding>(`${role}Binding`)
    assert.deepEqual(binding.roleRef, { apiGroup: 'rbac.authorization.k8s.io', kind: role, name: NAME })
    const account = { kind: 'ServiceAccount', name: pod.serviceAccountName, namespace: NAME }
    assert.deepEqual(binding.subjects, [account])
  })
}

// The pod

test('the token is mounted in the sidecar, and nowhere else', () => {
  assert.equal(pod.automountServiceAccountToken, false)
  assert.deepEqual(pod.volumes.map((each) => each.name), ['run', 'tmp', 'token'])
  const [token, authority, namespace] = volume('token').projected.sources
  assert.equal(token?.serviceAccountToken.path, 'token')
  assert.deepEqual(authority?.configMap.items, [{ key: 'ca.crt', path: 'ca.crt' }])
  assert.equal(namespace?.downwardAPI.items[0]?.path, 'namespace')
  assert.equal(mounts(sidecar).get('token'), '/var/run/secrets/kubernetes.io/serviceaccount')
  assert.ok(!mounts(openresty).has('token'))
})

test('both containers are closed: no root, no escalation, read-only, one capability', () => {
  for (const { securityContext } of [sidecar, openresty]) {
    assert.equal(securityContext.allowPrivilegeEscalation, false)
    assert.equal(securityContext.readOnlyRootFilesystem, true)
    assert.deepEqual(securityContext.capabilities.drop, ['ALL'])
    assert.ok(securityContext.runAsUser > 0)
    assert.ok(securityContext.runAsGroup > 0)
  }
  assert.equal(sidecar.securityContext.capabilities.add, undefined)
  assert.deepEqual(openresty.securityContext.capabilities.add, ['NET_BIND_SERVICE'])
  assert.notEqual(sidecar.securityContext.runAsUser, openresty.securityContext.runAsUser)
})

test('the pod shares nothing with its node, and has the default seccomp profile', () => {
  const { runAsNonRoot, seccompProfile, sysctls } = pod.securityContext
  assert.equal(runAsNonRoot, true)
  assert.deepEqual(seccompProfile, { type: 'RuntimeDefault' })
  assert.deepEqual(sysctls, [{ name: 'net.ipv4.ip_unprivileged_port_start', value: '0' }])
  for (const name of ['hostNetwork', 'hostPID', 'hostIPC', 'shareProcessNamespace']) assert.ok(!(name in pod))
})

test('the containers share the run folder, in memory and by group, and no other volume', () => {
  const folder = sidecarOptions['run-dir']
  const shared = [...mounts(sidecar)].filter(([name]) => mounts(openresty).has(name))
  assert.deepEqual(shared, [['run', folder]])
  assert.equal(mounts(openresty).get('run'), folder)
  assert.equal(volume('run').emptyDir.medium, 'Memory')
  assert.ok(volume('run').emptyDir.sizeLimit)
  assert.equal(pod.securityContext.fsGroup, openresty.securityContext.runAsGroup)
})

test('bodies that NGINX buffers are on disk, and bounded', () => {
  assert.equal(mounts(openresty).get('tmp'), `${sidecarOptions['run-dir']}/tmp`)
  assert.deepEqual(Object.keys(volume('tmp').emptyDir), ['sizeLimit'])
})

test('the pod is ready with the first complete revision', () => {
  assert.deepEqual(sidecar.readinessProbe.httpGet, { path: '/readyz', port: 'health' })
  const alive = { path: sidecarOptions['health-check-path'], port: 'health' }
  assert.deepEqual(sidecar.livenessProbe.httpGet, alive)
  assert.deepEqual(openresty.readinessProbe.tcpSocket, { port: 'http' })
  assert.deepEqual(sidecar.ports, [
    { name: 'health', containerPort: sidecarOptions['healthz-port'], protocol: 'TCP' },
  ])
})

test('the pod stops after traffic has left, and lets it finish', () => {
  const leaving = Number(openresty.env.find(({ name }) => name === 'RESTY_INGRESS_SHUTDOWN_GRACE_PERIOD')?.value)
  assert.ok(leaving > 0 && sidecarOptions['shutdown-grace-period'] >= leaving)
  assert.ok(pod.terminationGracePeriodSeconds > leaving + DEFAULT_SETTINGS.workerShutdownTimeout)
})

test('the arguments name objects and variables that are there', () => {
  const used = [...sidecar.args.join(' ').matchAll(/\$\((\w+)\)/g)].map(([, name]) => name)
  const defined = sidecar.env.map((variable) => variable.name)
  assert.deepEqual(used.filter((name) => !defined.includes(name ?? '')), [])
  const ingressClass = objectOf<V1IngressClass>('IngressClass')
  assert.equal(sidecarOptions['controller-class'], ingressClass.spec.controller)
  assert.equal(sidecarOptions['ingress-class'], ingressClass.metadata.name)
  assert.equal(sidecarOptions['publish-service'], `${NAME}/${objectOf('Service').metadata.name}`)
  assert.equal(sidecarOptions.configmap, `${NAME}/${objectOf('ConfigMap').metadata.name}`)
  assert.deepEqual(sidecarOptions.ignored, [])
})

test('the Service leads to the ports of OpenResty', () => {
  const { spec } = objectOf<V1Service>('Service')
  assert.deepEqual(spec.selector, deployment.spec.template.metadata.labels)
  assert.deepEqual(deployment.spec.selector.matchLabels, deployment.spec.template.metadata.labels)
  const open = new Map(openresty.ports.map((port) => [port.name, port.containerPort]))
  const ports = spec.ports.map((port) => [port.port, open.get(String(port.targetPort))])
  assert.deepEqual(ports, [[sidecarOptions['http-port'], 80], [sidecarOptions['https-port'], 443]])
})
