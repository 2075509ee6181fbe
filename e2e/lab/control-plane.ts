/** etcd, kube-apiserver and kube-controller-manager: started, stopped, and their files. */

import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { AUDIT_POLICY, readAuditLog, type Write } from './audit.ts'
import { createAuthority, issueCertificate, serviceAccountKeys, type Certificate } from './certificates.ts'
import { Client, type Credentials } from './client.ts'
import { Daemon } from './command.ts'
import type { Tools } from './tools.ts'
import { eventually } from './wait.ts'

export const API_PORT = 6443
const SERVICE_RANGE = '198.19.64.0/18'
const FIRST_SERVICE_ADDRESS = '198.19.64.1'
const CONTROLLERS = [
  'deployment-controller', 'replicaset-controller', 'daemonset-controller', 'endpointslice-controller',
  'endpoints-controller', 'namespace-controller', 'serviceaccount-controller', 'garbage-collector-controller',
  'root-ca-certificate-publisher-controller', 'disruption-controller',
]

export interface ControlPlaneOptions {
  readonly tools: Tools
  /** An empty folder of its own. */
  readonly folder: string
  /** Where pods find the apiserver. */
  readonly address: string
  readonly nodeAddresses: readonly string[]
}

export class ControlPlane {
  readonly credentials: Credentials
  readonly kubeconfigFile: string
  readonly authority: Certificate
  /** Serves pod logs, as a kubelet does. */
  readonly kubeletCertificate: Certificate
  readonly #folder: string
  readonly #etcd: Daemon
  readonly #apiserver: Daemon
  readonly #controllerManager: Daemon

  private constructor(files: Files, options: ControlPlaneOptions) {
    const { tools, folder } = options
    this.#folder = folder
    this.credentials = files.credentials
    this.kubeconfigFile = files.kubeconfig
    this.authority = files.authority
    this.kubeletCertificate = files.kubelet
    const daemon = (name: string, argv: string[]): Daemon => new Daemon(name, argv, join(folder, `${name}.log`))
    this.#etcd = daemon('etcd', [tools.etcd, ...etcdFlags(folder)])
    this.#apiserver = daemon('kube-apiserver', [tools.kubeApiserver, ...apiserverFlags(options)])
    this.#controllerManager = daemon('kube-controller-manager', [
      tools.kubeControllerManager, ...controllerManagerFlags(folder, files.kubeconfig),
    ])
  }

  /** Starts all three and returns when the apiserver is ready. */
  static async start(options: ControlPlaneOptions): Promise<ControlPlane> {
    const plane = new ControlPlane(await writeFiles(options), options)
    plane.#etcd.start()
    await plane.startApiserver()
    plane.#controllerManager.start()
    return plane
  }

  /** Starts the apiserver, also again after `stopApiserver`, and waits until it is ready. */
  async startApiserver(): Promise<void> {
    this.#apiserver.start()
    const client = new Client(this.credentials)
    try {
      await eventually('the apiserver is ready', async () => {
        if (!this.#apiserver.running) throw new Error(`kube-apiserver ended:\n${await this.#apiserver.tail()}`)
        return await client.call('GET', '/readyz').then(() => true, () => false)
      })
    } finally {
      client.close()
    }
  }

  /** What service accounts have written so far. */
  async writes(): Promise<Write[]> {
    return await readAuditLog(join(this.#folder, 'audit.log'))
  }

  /** Kills the apiserver without a chance to say goodbye; etcd keeps everything. */
  async stopApiserver(): Promise<void> {
    await this.#apiserver.stop('SIGKILL')
  }

  async stop(): Promise<void> {
    await this.#controllerManager.stop('SIGKILL')
    await this.#apiserver.stop('SIGKILL')
    await this.#etcd.stop('SIGKILL')
  }
}

interface Files {
  readonly credentials: Credentials
  readonly kubeconfig: string
  readonly authority: Certificate
  readonly kubelet: Certificate
}

async function writeFiles(options: ControlPlaneOptions): Promise<Files> {
  const { folder, address, nodeAddresses } = options
  await mkdir(join(folder, 'etcd'), { recursive: true, mode: 0o700 })
  const authority = await createAuthority('resty-ingress lab')
  const [server, admin, kubelet] = await Promise.all([
    issueCertificate(authority, {
      commonName: 'kube-apiserver',
      dnsNames: ['localhost', 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc'],
      addresses: ['127.0.0.1', FIRST_SERVICE_ADDRESS, address],
    }),
    issueCertificate(authority, { commonName: 'lab-admin', organization: 'system:masters' }),
    issueCertificate(authority, { commonName: 'kubelet', addresses: nodeAddresses }),
  ])
  const accounts = serviceAccountKeys()
  const contents = {
    'ca.crt': authority.certificate,
    'server.crt': server.certificate,
    'server.key': server.key,
    'admin.crt': admin.certificate,
    'admin.key': admin.key,
    'accounts.pub': accounts.publicKey,
    'accounts.key': accounts.privateKey,
    'audit-policy.yaml': stringify(AUDIT_POLICY),
  }
  for (const [name, text] of Object.entries(contents)) {
    await writeFile(join(folder, name), text, { mode: 0o600 })
  }
  const credentials = {
    url: `https://127.0.0.1:${API_PORT}`, ca: authority.certificate, certificate: admin.certificate, key: admin.key,
  }
  const kubeconfig = join(folder, 'kubeconfig')
  await writeFile(kubeconfig, kubeconfigText(credentials), { mode: 0o600 })
  return { credentials, kubeconfig, authority, kubelet }
}

/** A kubeconfig with everything in it. */
export function kubeconfigText(credentials: Credentials): string {
  const base64 = (text = ''): string => Buffer.from(text).toString('base64')
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{
      name: 'lab', cluster: { server: credentials.url, 'certificate-authority-data': base64(credentials.ca) },
    }],
    users: [{
      name: 'admin',
      user: {
        'client-certificate-data': base64(credentials.certificate), 'client-key-data': base64(credentials.key),
      },
    }],
    contexts: [{ name: 'lab', context: { cluster: 'lab', user: 'admin' } }],
    'current-context': 'lab',
  }, { lineWidth: 0 })
}

/** Loopback of the lab's own network namespace: no pod can reach it, so plain HTTP is enough. */
function etcdFlags(folder: string): string[] {
  return [
    '--data-dir', join(folder, 'etcd'), '--unsafe-no-fsync', '--logger', 'zap', '--log-level', 'warn',
    '--listen-client-urls', 'http://127.0.0.1:2379', '--advertise-client-urls', 'http://127.0.0.1:2379',
    '--listen-peer-urls', 'http://127.0.0.1:2380', '--initial-advertise-peer-urls', 'http://127.0.0.1:2380',
    '--initial-cluster', 'default=http://127.0.0.1:2380',
  ]
}

function apiserverFlags({ folder, address }: ControlPlaneOptions): string[] {
  const file = (name: string): string => join(folder, name)
  return [
    '--etcd-servers=http://127.0.0.1:2379', `--secure-port=${API_PORT}`, '--authorization-mode=RBAC',
    `--advertise-address=${address}`, `--service-cluster-ip-range=${SERVICE_RANGE}`,
    `--client-ca-file=${file('ca.crt')}`,
    `--tls-cert-file=${file('server.crt')}`, `--tls-private-key-file=${file('server.key')}`,
    `--service-account-key-file=${file('accounts.pub')}`,
    `--service-account-signing-key-file=${file('accounts.key')}`,
    '--service-account-issuer=https://kubernetes.default.svc',
    `--kubelet-client-certificate=${file('admin.crt')}`, `--kubelet-client-key=${file('admin.key')}`,
    `--kubelet-certificate-authority=${file('ca.crt')}`, '--kubelet-preferred-address-types=InternalIP',
    `--cert-dir=${file('apiserver')}`,
    `--audit-policy-file=${file('audit-policy.yaml')}`, `--audit-log-path=${file('audit.log')}`,
  ]
}

function controllerManagerFlags(folder: string, kubeconfig: string): string[] {
  return [
    `--kubeconfig=${kubeconfig}`, '--leader-elect=false', `--controllers=${CONTROLLERS.join(',')}`,
    `--root-ca-file=${join(folder, 'ca.crt')}`, '--secure-port=0',
    // Its default of 20 calls a second is made for clusters that others use, too.
    '--kube-api-qps=500', '--kube-api-burst=1000',
    // As on a busy cluster: it shows which tests take a ready pod for an endpoint.
    `--endpointslice-updates-batch-period=${process.env['LAB_ENDPOINTS_LATE'] || '0s'}`,
  ]
}
