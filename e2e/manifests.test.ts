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
} from '@kubernetes/client-node'
import { parseAllDocuments } from 'yaml'
import { DEFAULT_SETTINGS } from '../sidecar/ir/settings.ts'
import * as resources from '../sidecar/kube/resource.ts'
import type { Resource } from '../sidecar/kube/resource.ts'
import { schemaErrors } from './kubernetes-schema.ts'

const FOLDER = new URL('../manifests/', import.meta.url)
const NAME = 'resty-ingress'

function documents(file: string): KubernetesObject[] {
  return parseAllDocuments(readFileSync(new URL(file, FOLDER), 'utf8')).map((document) => {
    assert.deepEqual([...document.errors, ...document.warnings], [], file)
    return document.toJS() as KubernetesObject
  })
}

const files = readdirSync(FOLDER).filter((file) => file !== 'kustomization.yaml')
const objects = files.flatMap(documents)

function objectOf<T extends KubernetesObject>(kind: string): T {
  const found = objects.filter((object) => object.kind === kind)
  assert.equal(found.length, 1, `one ${kind}`)
  return found[0] as T
}

const deployment = objectOf<V1Deployment>('Deployment')
const pod = deployment.spec?.template.spec
assert.ok(pod)

function container(name: string): V1Container {
  const found = pod?.containers.find((each) => each.name === name)
  assert.ok(found, `container ${name}`)
  return found
}

const sidecar = container('sidecar')
const openresty = container('openresty')

/** The values of the `--name=value` arguments, with the pod's own namespace filled in. */
function sidecarFlags(): Map<string, string> {
  const [command, ...flags] = sidecar.args ?? []
  assert.equal(command, 'run')
  const pairs = flags.map((flag) => /^--([a-z-]+)=(.*)$/.exec(flag) ?? assert.fail(`not a flag: ${flag}`))
  return new Map(pairs.map(([, name = '', value = '']) => [name, value.replaceAll('$(POD_NAMESPACE)', NAME)]))
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

test('these objects and no others, all with one name and in one namespace', () => {
  const identities = objects.map(({ kind, metadata }) => {
    return `${kind} ${metadata?.namespace ?? ''}/${metadata?.name}`
  })
  const clusterWide = ['ClusterRole', 'ClusterRoleBinding', 'IngressClass', 'Namespace']
  const namespaced = ['ConfigMap', 'Deployment', 'Role', 'RoleBinding', 'Service', 'ServiceAccount']
  const expected = [
    ...clusterWide.map((kind) => `${kind} /${NAME}`),
    ...namespaced.map((kind) => `${kind} ${NAME}/${NAME}`),
  ]
  assert.deepEqual(identities.toSorted(), expected.toSorted())
})

// RBAC

/** What the sidecar does with the kinds that it does not watch; sidecar/kube/ has the calls. */
const CALLS: Readonly<Record<string, readonly string[]>> = {
  Node: ['get'],
  Pod: ['get'],
  Event: ['create', 'patch'],
}
/** Kinds of which only objects in the controller's own namespace are read. */
const OWN_NAMESPACE = ['ConfigMap', 'Pod']

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
  return [...needed, 'ClusterRole: patch networking.k8s.io/ingresses/status']
}

function grantedPermissions(role: V1ClusterRole): string[] {
  return (role.rules ?? []).flatMap(({ apiGroups = [], resources: plurals = [], verbs }) =>
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
  const rule = objectOf<V1ClusterRole>('Role').rules?.find((each) => each.resources?.includes('configmaps'))
  assert.deepEqual(rule?.resourceNames, [NAME])
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
  const secret = (pod.volumes ?? []).filter((volume) => volume.projected ?? volume.secret)
  assert.deepEqual(secret.map((volume) => volume.name), ['token'])
  const paths = secret[0]?.projected?.sources?.flatMap((source) => [
    source.serviceAccountToken?.path,
    ...(source.configMap?.items ?? source.downwardAPI?.items ?? []).map((item) => item.path),
  ])
  assert.deepEqual(paths?.filter((path) => path !== undefined), ['token', 'ca.crt', 'namespace'])
  assert.equal(mountPath(sidecar, 'token'), '/var/run/secrets/kubernetes.io/serviceaccount')
  assert.equal(mountPath(openresty, 'token'), undefined)
})

function mountPath(owner: V1Container, volume: string): string | undefined {
  return owner.volumeMounts?.find((mount) => mount.name === volume)?.mountPath
}

test('both containers are closed: no root, no escalation, read-only, one capability', () => {
  for (const { securityContext } of [sidecar, openresty]) {
    assert.equal(securityContext?.allowPrivilegeEscalation, false)
    assert.equal(securityContext.readOnlyRootFilesystem, true)
    assert.deepEqual(securityContext.capabilities?.drop, ['ALL'])
    assert.ok((securityContext.runAsUser ?? 0) > 0)
    assert.ok((securityContext.runAsGroup ?? 0) > 0)
  }
  assert.equal(sidecar.securityContext?.capabilities?.add, undefined)
  assert.deepEqual(openresty.securityContext?.capabilities?.add, ['NET_BIND_SERVICE'])
  assert.notEqual(sidecar.securityContext?.runAsUser, openresty.securityContext?.runAsUser)
  assert.equal(pod.securityContext?.runAsNonRoot, true)
  assert.deepEqual(pod.securityContext.seccompProfile, { type: 'RuntimeDefault' })
  const shared = [pod.hostNetwork, pod.hostPID, pod.hostIPC, pod.shareProcessNamespace]
  assert.ok(shared.every((setting) => setting !== true))
})

test('the containers share the run folder, in memory and by group, and no other volume', () => {
  const run = pod.volumes?.find((volume) => volume.name === 'run')
  assert.equal(run?.emptyDir?.medium, 'Memory')
  assert.ok(run.emptyDir.sizeLimit)
  assert.equal(mountPath(sidecar, 'run'), sidecarFlags().get('run-dir'))
  assert.equal(mountPath(openresty, 'run'), '/run/resty-ingress')
  assert.ok(pod.securityContext?.fsGroup)
  const mounts = [sidecar, openresty].flatMap((each) => each.volumeMounts?.map((mount) => mount.name) ?? [])
  assert.deepEqual(mounts.filter((name, index) => mounts.indexOf(name) !== index), ['run'])
})

test('the pod is ready with the first complete revision, and stops after traffic has left', () => {
  assert.deepEqual(sidecar.readinessProbe?.httpGet, { path: '/readyz', port: 'health' })
  assert.deepEqual(sidecar.livenessProbe?.httpGet, { path: '/healthz', port: 'health' })
  assert.deepEqual(openresty.readinessProbe?.tcpSocket, { port: 'http' })
  const pause = openresty.lifecycle?.preStop?.sleep?.seconds ?? 0
  assert.ok(pause > 0)
  assert.ok((sidecar.lifecycle?.preStop?.sleep?.seconds ?? 0) >= pause)
  assert.ok((pod.terminationGracePeriodSeconds ?? 0) > pause + DEFAULT_SETTINGS.workerShutdownTimeout)
})

test('the arguments name objects and variables that are there', () => {
  const used = [...JSON.stringify(sidecar.args).matchAll(/\$\((\w+)\)/g)].map(([, name]) => name)
  const defined = sidecar.env?.map((variable) => variable.name) ?? []
  assert.deepEqual(used.filter((name) => !defined.includes(name ?? '')), [])
  const flags = sidecarFlags()
  const ingressClass = objectOf<V1IngressClass>('IngressClass')
  assert.equal(flags.get('controller-class'), ingressClass.spec?.controller)
  assert.equal(flags.get('ingress-class'), ingressClass.metadata?.name)
  assert.equal(flags.get('publish-service'), `${NAME}/${objectOf('Service').metadata?.name}`)
  assert.equal(flags.get('configmap'), `${NAME}/${objectOf('ConfigMap').metadata?.name}`)
})

test('the Service leads to the ports of OpenResty', () => {
  const { spec } = objectOf<V1Service>('Service')
  const labels = Object.entries(deployment.spec?.template.metadata?.labels ?? {})
  for (const selector of [spec?.selector, deployment.spec?.selector.matchLabels]) {
    for (const [key, value] of Object.entries(selector ?? assert.fail('no selector'))) {
      assert.ok(labels.some(([name, text]) => name === key && text === value), key)
    }
  }
  const open = new Map(openresty.ports?.map((port) => [port.name, port.containerPort]))
  const ports = spec?.ports?.map((port) => [port.port, open.get(String(port.targetPort))])
  assert.deepEqual(ports, [[80, 80], [443, 443]])
  const unprivileged = { name: 'net.ipv4.ip_unprivileged_port_start', value: '0' }
  assert.deepEqual(pod.securityContext?.sysctls, [unprivileged])
})
