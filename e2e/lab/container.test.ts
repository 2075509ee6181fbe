import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { V1Container, V1PodSpec } from '@kubernetes/client-node'
import { ApiError, type KubernetesObject } from './client.ts'
import { enterLab } from './enter.ts'
import { startLab } from './lab.ts'
import type { Target } from './faults.ts'
import { deploymentOf } from './testing.ts'

await enterLab()
const lab = await startLab()
after(async () => { await lab.close() })

const namespace = 'default'
/** As pods find it. */
const API = '198.18.0.254:6443'
/** In the images with our sources. */
const NODE = '/app/node_modules/node/bin/node'

/** A pod that is ready, with these parts of its own. */
async function startPod(
  name: string, parts: { container?: Partial<V1Container>, pod?: Partial<V1PodSpec> },
): Promise<Target> {
  await lab.apply(deploymentOf(name, parts))
  await lab.waitForDeployment(namespace, name)
  const [pod] = await lab.pods(namespace, `app=${name}`)
  return { namespace, pod: pod?.metadata?.name ?? '' }
}

async function run(target: Target, script: string): Promise<string> {
  const { stdout, stderr } = await lab.exec(target, ['sh', '-c', script])
  return (stdout + stderr).trim()
}

/** What the first process of the container sees: `exec` starts a process of its own. */
async function environmentOf(target: Target): Promise<Record<string, string>> {
  const text = await run(target, 'tr "\\0" "\\n" < /proc/1/environ')
  return Object.fromEntries(text.split('\n').map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]))
}

test('the environment has fields, Secrets, ConfigMaps and references in their order', async () => {
  await lab.apply([
    { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'keys' }, stringData: { one: 'secret one' } } as object,
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings' }, data: { COLOUR: 'blue' } } as object,
  ])
  const target = await startPod('environment', {
    container: {
      envFrom: [{ prefix: 'SET_', configMapRef: { name: 'settings' } }],
      env: [
        { name: 'ADDRESS', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
        { name: 'LABEL', valueFrom: { fieldRef: { fieldPath: 'metadata.labels[\'app\']' } } },
        { name: 'KEY', valueFrom: { secretKeyRef: { name: 'keys', key: 'one' } } },
        { name: 'NONE', valueFrom: { configMapKeyRef: { name: 'settings', key: 'none', optional: true } } },
        { name: 'BOTH', value: '$(ADDRESS) $(SET_COLOUR) $$(KEY) $(UNKNOWN)' },
      ],
    },
  })
  const environment = await environmentOf(target)
  const address = lab.podAddress(target)
  assert.equal(environment['ADDRESS'], address)
  assert.equal(environment['LABEL'], 'environment')
  assert.equal(environment['KEY'], 'secret one')
  assert.equal(environment['SET_COLOUR'], 'blue')
  assert.equal(environment['BOTH'], `${address} blue $(KEY) $(UNKNOWN)`)
  assert.equal(environment['HOSTNAME'], target.pod)
  assert.equal(`${environment['KUBERNETES_SERVICE_HOST']}:${environment['KUBERNETES_SERVICE_PORT']}`, API)
  assert.equal('NONE' in environment, false)
  assert.equal(await run(target, 'cat /proc/sys/kernel/hostname'), target.pod)
})

test('a pod waits for a Secret that it needs', async () => {
  const volumes = [{ name: 'late', secret: { secretName: 'late' } }]
  await lab.apply(deploymentOf('waiting', {
    pod: { volumes }, container: { volumeMounts: [{ name: 'late', mountPath: '/late' }] },
  }))
  await lab.waitFor('a message about the Secret', async () => {
    const [pod] = await lab.pods(namespace, 'app=waiting')
    return pod?.status?.message?.includes('"late" not found')
  })
  await lab.apply({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'late' }, stringData: { a: 'b' } } as object)
  await lab.waitForDeployment(namespace, 'waiting')
})

test('volumes are there, with their group, and two pods do not share them', async () => {
  await lab.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'files' }, data: { 'a.txt': 'A', 'b.txt': 'B' } } as object)
  const parts = {
    pod: {
      securityContext: { fsGroup: 2000 },
      volumes: [
        { name: 'work', emptyDir: {} },
        { name: 'files', configMap: { name: 'files', items: [{ key: 'a.txt', path: 'in/a' }] } },
      ],
    },
    container: {
      securityContext: { runAsUser: 1000, runAsGroup: 1001 },
      volumeMounts: [
        { name: 'work', mountPath: '/run/resty-ingress' },
        { name: 'files', mountPath: '/run/resty-ingress/files', readOnly: true },
      ],
    },
  }
  const one = await startPod('volume-one', parts)
  const two = await startPod('volume-two', parts)
  assert.equal(await run(one, 'id -u; id -g; id -G').then((text) => text.replaceAll('\n', ' ')), '1000 1001 1001 2000')
  assert.equal(await run(one, 'stat -c "%a %g" /run/resty-ingress'), '2777 2000')
  assert.equal(await run(one, 'echo hello > /run/resty-ingress/x && stat -c "%u %g" /run/resty-ingress/x'), '1000 2000')
  assert.equal(await run(two, 'ls /run/resty-ingress'), 'files')
  assert.equal(await run(one, 'cat /run/resty-ingress/files/in/a'), 'A')
  assert.match(await run(one, 'echo x > /run/resty-ingress/files/y'), /Read-only file system|Permission denied/)
})

test('containers of one pod share a volume, and only the one that mounts the token has it', async () => {
  const token = '/var/run/secrets/kubernetes.io/serviceaccount'
  await lab.apply([{ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'two' } }, {
    apiVersion: 'v1', kind: 'Pod', metadata: { name: 'two' },
    spec: {
      serviceAccountName: 'two',
      automountServiceAccountToken: false,
      volumes: [
        { name: 'shared', emptyDir: {} },
        {
          name: 'token',
          projected: {
            sources: [
              { serviceAccountToken: { path: 'token', expirationSeconds: 3607 } },
              { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
              { downwardAPI: { items: [{ path: 'namespace', fieldRef: { fieldPath: 'metadata.namespace' } }] } },
            ],
          },
        },
      ],
      containers: [
        {
          name: 'with', image: 'resty-ingress/backend',
          volumeMounts: [{ name: 'shared', mountPath: '/shared' }, { name: 'token', mountPath: token, readOnly: true }],
        },
        {
          name: 'without', image: 'resty-ingress/backend', env: [{ name: 'PORT', value: '3001' }],
          volumeMounts: [{ name: 'shared', mountPath: '/shared' }],
        },
      ],
    },
  } as object])
  await lab.waitForObject<KubernetesObject & { status?: { phase: string } }>('v1/Pod', { namespace, name: 'two' },
    ({ status }) => status?.phase === 'Running')
  const target = (container: string): Target => ({ namespace, pod: 'two', container })
  await run(target('with'), 'echo hello > /shared/x')
  assert.equal(await run(target('without'), 'cat /shared/x'), 'hello')
  assert.equal(await run(target('with'), `ls ${token}`), 'ca.crt\nnamespace\ntoken')
  assert.equal(await run(target('with'), `cat ${token}/namespace`), namespace)
  assert.match(await run(target('without'), `ls ${token}`), /No such file/)
  const listPods = async (): Promise<string> => await run(target('with'), `NODE_EXTRA_CA_CERTS=${token}/ca.crt ${NODE} -e '
    const headers = { authorization: "Bearer " + fs.readFileSync("${token}/token") }
    fetch("https://${API}/api/v1/namespaces/default/pods", { headers }).then(({ status }) => console.log(status))'`)
  assert.equal(await listPods(), '403')
  await lab.apply([
    {
      apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata: { name: 'reader' },
      rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['list'] }],
    } as object,
    {
      apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'RoleBinding', metadata: { name: 'reader' },
      subjects: [{ kind: 'ServiceAccount', name: 'two', namespace }],
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'reader' },
    } as object,
  ])
  await lab.waitFor('the right to list pods', async () => await listPods() === '200')
})

test('a service account without rights gets 403', async () => {
  const client = await lab.clientAs(namespace, 'default')
  await assert.rejects(client.list('v1/Secret', { namespace }), (error: unknown) =>
    error instanceof ApiError && error.status === 403)
  client.close()
})

test('capabilities, privileges and the root folder are as the container asks', async () => {
  const bare = await startPod('bare', {
    container: {
      securityContext: {
        runAsUser: 1000, allowPrivilegeEscalation: false, readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'], add: ['NET_BIND_SERVICE'] },
      },
    },
  })
  const status = await run(bare, 'cat /proc/1/status')
  assert.match(status, /CapEff:\s+0000000000000000/)
  assert.match(status, /CapBnd:\s+0000000000000400/)
  assert.match(status, /NoNewPrivs:\s+1/)
  assert.match(await run(bare, 'touch /tmp/x; touch /x'), /Read-only.*\n.*Read-only/)
  const root = await startPod('root', { container: { securityContext: { runAsUser: 0 } } })
  assert.equal(await run(root, 'touch /x /tmp/x && id -u'), '0')
  assert.match(await run(root, 'cat /proc/1/status'), /NoNewPrivs:\s+0/)
})

test('runAsNonRoot keeps a root process from starting', async () => {
  await lab.apply(deploymentOf('refused', { container: { securityContext: { runAsNonRoot: true, runAsUser: 0 } } }))
  await lab.waitFor('a message', async () => {
    const [pod] = await lab.pods(namespace, 'app=refused')
    return pod?.status?.message?.includes('runAsNonRoot')
  })
})

test('only the sysctl opens low ports to an unprivileged process', async () => {
  const container = {
    env: [{ name: 'PORT', value: '80' }],
    ports: [{ name: 'http', containerPort: 80 }],
    securityContext: { runAsUser: 1000, capabilities: { drop: ['ALL'], add: ['NET_BIND_SERVICE'] } },
  }
  await startPod('low', {
    container, pod: { securityContext: { sysctls: [{ name: 'net.ipv4.ip_unprivileged_port_start', value: '0' }] } },
  })
  // The lab's network namespaces are new, so the kernel's default holds: 1024.
  await lab.apply(deploymentOf('closed', { container }))
  const target = await lab.waitFor('a restart', async () => {
    const [pod] = await lab.pods(namespace, 'app=closed')
    return (pod?.status?.containerStatuses?.[0]?.restartCount ?? 0) > 0 && { namespace, pod: pod?.metadata?.name ?? '' }
  })
  assert.match(await lab.logs(target, { previous: true }), /EACCES/)
})
