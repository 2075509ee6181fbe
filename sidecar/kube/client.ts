/** Finds the API server and our credentials, or says in a sentence why it cannot. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Cluster } from '@kubernetes/client-node'
import { asError } from './errors.ts'
import { FixedAccess } from './fixed-access.ts'
import type { ApiAccess } from './transport.ts'

const SERVICE_ACCOUNT_DIR = '/var/run/secrets/kubernetes.io/serviceaccount'

export interface ClientOptions {
  /** Path of a kubeconfig file; its current context is used. */
  readonly kubeconfig?: string
  /** URL of the API server; overrides the one of the kubeconfig, or stands alone (`kubectl proxy`). */
  readonly apiserverHost?: string
  /** Path of a PEM bundle that overrides the cluster's CA. */
  readonly certificateAuthority?: string
  /** KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT, as every pod has them. */
  readonly serviceHost?: string
  readonly servicePort?: string
  readonly serviceAccountDir?: string
}

export type ClientResult =
  | { readonly ok: true; readonly config: ApiAccess; readonly server: string }
  | { readonly ok: false; readonly message: string }

/** Never rejects: what is missing is a message for the person who started the controller. */
export async function loadKubeConfig(options: ClientOptions): Promise<ClientResult> {
  if (options.kubeconfig !== undefined) return fromFile(options.kubeconfig, options)
  if (options.apiserverHost !== undefined) return fromUrl(options.apiserverHost, options)
  return fromServiceAccount(options)
}

async function fromFile(path: string, options: ClientOptions): Promise<ClientResult> {
  const { KubeConfig } = await import('@kubernetes/client-node')
  const config = new KubeConfig()
  try {
    config.loadFromFile(path)
  } catch (error) {
    return refuse(`cannot read the kubeconfig ${path}: ${asError(error).message}`)
  }
  const context = config.getCurrentContext()
  if (!context) return refuse(`the kubeconfig ${path} has no current-context`)
  const cluster = config.getCurrentCluster()
  const missing = cluster === null ? 'cluster' : !config.getCurrentUser() ? 'user' : undefined
  if (cluster === null || missing) return refuse(`the kubeconfig ${path} has no ${missing} for its context ${context}`)
  const changed = withFlags(cluster, options)
  if ('problem' in changed) return refuse(changed.problem)
  config.clusters = config.clusters.map((each) => (each.name === cluster.name ? changed : each))
  return { ok: true, config, server: changed.server }
}

function fromUrl(server: string, options: ClientOptions): ClientResult {
  return fixed(withFlags({ name: 'flag', server, skipTLSVerify: false }, options))
}

/** As every pod does it: https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/ */
function fromServiceAccount(options: ClientOptions): ClientResult {
  const { serviceHost, servicePort = '443', serviceAccountDir = SERVICE_ACCOUNT_DIR } = options
  if (!serviceHost) {
    return refuse('no Kubernetes API server: this is not a pod (KUBERNETES_SERVICE_HOST is not set); '
      + 'give --kubeconfig FILE or --apiserver-host URL')
  }
  const tokenFile = join(serviceAccountDir, 'token')
  if (!existsSync(tokenFile)) {
    return refuse(`no service account token at ${tokenFile}: is automountServiceAccountToken off?`)
  }
  const host = serviceHost.includes(':') ? `[${serviceHost}]` : serviceHost
  const cluster = {
    name: 'in-cluster',
    server: `https://${host}:${servicePort}`,
    caFile: join(serviceAccountDir, 'ca.crt'),
    skipTLSVerify: false,
  }
  return fixed(withFlags(cluster, options), tokenFile)
}

function fixed(cluster: Cluster | Problem, tokenFile?: string): ClientResult {
  if ('problem' in cluster) return refuse(cluster.problem)
  return { ok: true, config: new FixedAccess(cluster, tokenFile), server: cluster.server }
}

interface Problem {
  readonly problem: string
}

/** The cluster with what the flags say instead. */
function withFlags(loaded: Cluster, options: ClientOptions): Cluster | Problem {
  const server = options.apiserverHost ?? loaded.server
  const url = URL.parse(server)
  if (!url || !['http:', 'https:'].includes(url.protocol)) {
    return { problem: `the API server address ${server} is not an http(s) URL` }
  }
  const authority = authorityOf(loaded, options)
  if (authority.caFile !== undefined && !existsSync(authority.caFile)) {
    return { problem: `no CA certificate at ${authority.caFile}` }
  }
  const { caFile: _, caData: __, ...cluster } = loaded
  // KubeConfig refuses plain http unless verification is off; there is nothing to verify then.
  const skipTLSVerify = loaded.skipTLSVerify || url.protocol === 'http:'
  return { ...cluster, ...authority, server, skipTLSVerify }
}

type Authority = Pick<Cluster, 'caFile' | 'caData'>

function authorityOf(cluster: Cluster, { certificateAuthority }: ClientOptions): Authority {
  if (certificateAuthority !== undefined) return { caFile: certificateAuthority }
  const { caFile, caData } = cluster
  return { ...(caFile === undefined ? {} : { caFile }), ...(caData === undefined ? {} : { caData }) }
}

function refuse(message: string): ClientResult {
  return { ok: false, message }
}
