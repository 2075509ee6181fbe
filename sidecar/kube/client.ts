/** Finds the API server and our credentials, or says in a sentence why it cannot. */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { KubeConfig } from '@kubernetes/client-node'
import type { Cluster } from '@kubernetes/client-node'
import { asError } from './errors.ts'

type Authenticator = Parameters<KubeConfig['addAuthenticator']>[0]

const SERVICE_ACCOUNT = 'service-account'
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
  | { readonly ok: true; readonly config: KubeConfig; readonly server: string }
  | { readonly ok: false; readonly message: string }

/** Never throws: what is missing is a message for the person who started the controller. */
export function loadKubeConfig(options: ClientOptions): ClientResult {
  if (options.kubeconfig !== undefined) return fromFile(options.kubeconfig, options)
  if (options.apiserverHost !== undefined) return fromUrl(options.apiserverHost, options)
  return fromServiceAccount(options)
}

function fromFile(path: string, options: ClientOptions): ClientResult {
  const config = new KubeConfig()
  try {
    config.loadFromFile(path)
  } catch (error) {
    return refuse(`cannot read the kubeconfig ${path}: ${asError(error).message}`)
  }
  const context = config.getCurrentContext()
  if (!context) return refuse(`the kubeconfig ${path} has no current-context`)
  const missing = !config.getCurrentCluster() ? 'cluster' : !config.getCurrentUser() ? 'user' : undefined
  if (missing) return refuse(`the kubeconfig ${path} has no ${missing} for its context ${context}`)
  return finish(config, options)
}

function fromUrl(server: string, options: ClientOptions): ClientResult {
  const config = new KubeConfig()
  config.loadFromClusterAndUser({ name: 'flag', server, skipTLSVerify: false }, { name: 'anonymous' })
  return finish(config, options)
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
  const config = new KubeConfig()
  config.addAuthenticator(tokenFileAuthenticator(tokenFile))
  config.loadFromClusterAndUser(
    {
      name: 'in-cluster',
      server: `https://${host}:${servicePort}`,
      caFile: join(serviceAccountDir, 'ca.crt'),
      skipTLSVerify: false,
    },
    { name: 'service-account', authProvider: { name: SERVICE_ACCOUNT } },
  )
  return finish(config, options)
}

/**
 * Reads the token each time it is asked, since kubelet rotates it. KubeConfig's own provider reads on for a
 * minute what it has, also after a 401.
 */
function tokenFileAuthenticator(tokenFile: string): Authenticator {
  return {
    isAuthProvider: (user) => user.authProvider?.name === SERVICE_ACCOUNT,
    applyAuthentication: async (_user, options) => {
      const token = await readFile(tokenFile, 'utf8')
      options.headers = { ...options.headers, Authorization: `Bearer ${token.trim()}` }
    },
  }
}

/** What the flags override in the cluster that was loaded. */
function finish(config: KubeConfig, options: ClientOptions): ClientResult {
  const loaded = config.getCurrentCluster()
  if (!loaded) return refuse('the Kubernetes configuration names no cluster')
  const server = options.apiserverHost ?? loaded.server
  const url = URL.parse(server)
  if (!url || !['http:', 'https:'].includes(url.protocol)) {
    return refuse(`the API server address ${server} is not an http(s) URL`)
  }
  const authority = authorityOf(loaded, options)
  if (authority.caFile !== undefined && !existsSync(authority.caFile)) {
    return refuse(`no CA certificate at ${authority.caFile}`)
  }
  const { caFile: _, caData: __, ...cluster } = loaded
  // KubeConfig refuses plain http unless verification is off; there is nothing to verify then.
  const skipTLSVerify = loaded.skipTLSVerify || url.protocol === 'http:'
  const changed = { ...cluster, ...authority, server, skipTLSVerify }
  config.clusters = config.clusters.map((each) => (each.name === loaded.name ? changed : each))
  return { ok: true, config, server }
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
