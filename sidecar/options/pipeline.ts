import { labelSelector } from '../ir/label-selector.ts'
import { objectName, type ObjectName } from '../ir/object-name.ts'
import type { Listeners } from '../nginx/input.ts'
import type { PipelineOptions } from '../pipeline/pipeline.ts'
import type { Options } from './options.ts'

const ANY_ADDRESS: readonly string[] = ['0.0.0.0', '::']

/** Where NGINX is to listen. */
export function listenersOf(options: Options): Listeners {
  return {
    addresses: options['bind-address'],
    httpPort: options['http-port'],
    httpsPort: options['https-port'],
    knownHttpsPort: knownHttpsPort(options),
    sslPassthrough: options['enable-ssl-passthrough'],
  }
}

/** In a cluster a Service or a load balancer maps 443 to our port; standalone, clients see our port. */
function knownHttpsPort(options: Options): number {
  return options['https-redirect-port'] ?? (options.manifests !== undefined ? options['https-port'] : 443)
}

type Own = Pick<PipelineOptions, 'podAddresses' | 'podPorts'>

function ownPod({ podAddresses, podPorts }: Options): Own {
  return { podAddresses, podPorts }
}

/** Where there is no pod, our own addresses are those that we listen on, and others may be at their other ports. */
function ownListeners(options: Options): Own {
  const bound = options['bind-address'].filter((address) => !ANY_ADDRESS.includes(address))
  return {
    // Backends may be of either family.
    podAddresses: [...ANY_ADDRESS, ...(bound.length > 0 ? bound : ['127.0.0.1', '::1'])],
    podPorts: [options['http-port'], options['https-port'], options['healthz-port']],
  }
}

/** What the translation needs to know of the flags. */
export function pipelineOptions(options: Options): PipelineOptions {
  const standalone = options.manifests !== undefined
  return {
    controllerClass: options['controller-class'],
    ingressClass: options['ingress-class'],
    ingressClassByName: options['ingress-class-by-name'],
    watchIngressWithoutClass: options['watch-ingress-without-class'],
    namespaceSelector: labelSelector(options['watch-namespace-selector']),
    annotationsPrefix: options['annotations-prefix'],
    disableCatchAll: options['disable-catch-all'],
    allowLoopback: standalone,
    ...(standalone && options.podAddresses.length === 0 ? ownListeners(options) : ownPod(options)),
    disableExternalNames: options['disable-svc-external-name'],
    tcpServices: options['tcp-services-configmap'],
    udpServices: options['udp-services-configmap'],
    sslPassthrough: options['enable-ssl-passthrough'],
    snippets: options.snippets,
    reservedPorts: [options['http-port'], options['https-port'], options['healthz-port']],
    proxyPorts: options['proxy-ports'],
    publishService: options['publish-service'],
    configMap: options.configmap,
    defaultBackendService: options['default-backend-service'],
    defaultCertificate: options['default-ssl-certificate'],
    httpsPort: options['https-port'],
    httpsRedirectPort: knownHttpsPort(options),
  }
}

/** The ConfigMaps that flags name. */
export function flagConfigMaps(options: Options): ObjectName[] {
  const names = [options.configmap, options['tcp-services-configmap'], options['udp-services-configmap']]
  return [...new Set(names)].filter((name) => name !== '').map(objectName)
}
