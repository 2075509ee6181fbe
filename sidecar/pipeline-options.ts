import { labelSelector } from './ir/label-selector.ts'
import type { Listeners } from './nginx/input.ts'
import type { Options } from './options.ts'
import type { PipelineOptions } from './pipeline.ts'

/** Where NGINX is to listen. */
export function listenersOf(options: Options): Listeners {
  return {
    addresses: options['bind-address'],
    httpPort: options['http-port'],
    httpsPort: options['https-port'],
    sslPassthrough: options['enable-ssl-passthrough'],
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
    podAddresses: options.podAddresses,
    podPorts: options.podPorts,
    disableExternalNames: options['disable-svc-external-name'],
    tcpServices: options['tcp-services-configmap'],
    udpServices: options['udp-services-configmap'],
    sslPassthrough: options['enable-ssl-passthrough'],
    reservedPorts: [options['http-port'], options['https-port'], options['healthz-port']],
    publishService: options['publish-service'],
    configMap: options.configmap,
    defaultCertificate: options['default-ssl-certificate'],
    // In a cluster a Service or a load balancer maps 443 to our port; standalone, clients see our port.
    httpsRedirectPort: options['https-redirect-port'] ?? (standalone ? options['https-port'] : 443),
  }
}
