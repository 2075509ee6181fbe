/** The objects of a large cluster, as controllers and users write them. Pure: the same at each run. */
import type { Certificate } from '../../lab/certificates.ts'
import type { KubernetesObject } from '../../lab/client.ts'

/** How many there are of each; Services, endpoints and certificates are in proportion to the Ingresses. */
export interface Size {
  readonly ingresses: number
  readonly services: number
  readonly endpoints: number
  readonly certificates: number
}

export const NAMESPACE = 'default'
const ENDPOINTS_PER_SERVICE = 10
const INGRESSES_PER_SERVICE = 2
const INGRESSES_PER_CERTIFICATE = 5
/** Where the backends of the benchmarks answer, whatever the address is. */
const ADDRESSES = 30_000

export function sizeOf(ingresses: number): Size {
  const services = Math.ceil(ingresses / INGRESSES_PER_SERVICE)
  return {
    ingresses,
    services,
    endpoints: services * ENDPOINTS_PER_SERVICE,
    certificates: Math.floor(ingresses / INGRESSES_PER_CERTIFICATE),
  }
}

export function hostOf(index: number): string {
  return `shop-${index}.scale.example`
}

export function serviceName(index: number): string {
  return `app-${index}`
}

export function secretName(index: number): string {
  return `shop-${index}-tls`
}

/** Two paths to two Services; the first Ingresses have a certificate each. */
export function ingressOf(index: number, size: Size, annotations: Record<string, string> = {}): KubernetesObject {
  const host = hostOf(index)
  const path = (path: string, service: number): object => ({
    path, pathType: 'Prefix', backend: { service: { name: serviceName(service % size.services), port: { number: 80 } } },
  })
  const tls = index < size.certificates ? { tls: [{ hosts: [host], secretName: secretName(index) }] } : {}
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name: `shop-${index}`, namespace: NAMESPACE, annotations },
    spec: {
      ingressClassName: 'resty-ingress',
      ...tls,
      rules: [{ host, http: { paths: [path('/', index), path('/api', index * 7 + 1)] } }],
    },
  } as KubernetesObject
}

/** Without a selector: nobody but the benchmark writes its endpoints. */
export function serviceOf(index: number, port: number): KubernetesObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: serviceName(index), namespace: NAMESPACE, labels: labelsOf(index) },
    spec: { ports: [{ name: 'http', port: 80, targetPort: port, protocol: 'TCP' }] },
  } as KubernetesObject
}

function labelsOf(index: number): Record<string, string> {
  return { 'app.kubernetes.io/name': serviceName(index), 'app.kubernetes.io/part-of': 'scale' }
}

/** All endpoints of a Service, with what a cluster's controller says of each. `turn` names another set of pods. */
export function sliceOf(index: number, port: number, turn = 0): KubernetesObject {
  const service = serviceName(index)
  const first = (index + turn) * ENDPOINTS_PER_SERVICE
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: `${service}-x7k2p`,
      namespace: NAMESPACE,
      labels: {
        ...labelsOf(index),
        'kubernetes.io/service-name': service,
        'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
      },
    },
    addressType: 'IPv4',
    ports: [{ name: 'http', port, protocol: 'TCP' }],
    endpoints: Array.from({ length: ENDPOINTS_PER_SERVICE }, (_, position) => endpointOf(service, first + position)),
  } as KubernetesObject
}

function endpointOf(service: string, number: number): object {
  const pod = number.toString(16).padStart(8, '0')
  return {
    addresses: [addressOf(number)],
    conditions: { ready: true, serving: true, terminating: false },
    nodeName: `node-${number % 100}`,
    targetRef: { kind: 'Pod', namespace: NAMESPACE, name: `${service}-${pod}`, uid: `${pod}-5c1e-4b7a-9d2f-2f6c1b0a7e44` },
    zone: `zone-${number % 3}`,
  }
}

/** In 198.19.128.0/17; numbers further apart than there are addresses share one. */
function addressOf(number: number): string {
  const at = number % ADDRESSES
  return `198.19.${128 + (at >> 8)}.${at & 255}`
}

export function secretOf(index: number, { certificate, key }: Certificate): KubernetesObject {
  const base64 = (text: string): string => Buffer.from(text).toString('base64')
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: secretName(index), namespace: NAMESPACE },
    type: 'kubernetes.io/tls',
    data: { 'tls.crt': base64(certificate), 'tls.key': base64(key) },
  } as KubernetesObject
}
