/** Objects for a folder of manifests: each Service has one endpoint on loopback, and an Ingress for its own host. */
const PREFIX = 'nginx.ingress.kubernetes.io'

export interface Site {
  readonly name: string
  readonly port: number
  /** Of further endpoints: one slice for each, as each has a port of its own. */
  readonly others?: readonly number[]
  readonly namespace?: string
  /** Without prefix. */
  readonly annotations?: Readonly<Record<string, string>>
}

/** `<name>.example` leads to the port. */
export function siteObjects({ name, port, others = [], namespace = 'prod', annotations = {} }: Site): object[] {
  const prefixed = Object.entries(annotations).map(([key, value]) => [`${PREFIX}/${key}`, value])
  const backend = { service: { name, port: { number: 80 } } }
  const paths = [{ path: '/', pathType: 'Prefix', backend }]
  return [
    { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace }, spec: { ports: [{ port: 80 }] } },
    ...[port, ...others].map((number, i) => ({
      apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', addressType: 'IPv4', ports: [{ port: number }],
      metadata: { name: `${name}-${i}`, namespace, labels: { 'kubernetes.io/service-name': name } },
      endpoints: [{ addresses: ['127.0.0.1'], conditions: { ready: true } }],
    })),
    {
      apiVersion: 'networking.k8s.io/v1', kind: 'Ingress',
      metadata: { name, namespace, annotations: Object.fromEntries(prefixed) },
      spec: { rules: [{ host: `${name}.example`, http: { paths } }] },
    },
  ]
}

/** `data` as text. */
export function secretObject(name: string, data: Readonly<Record<string, string>>, namespace = 'prod'): object {
  const encoded = Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')])
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace }, type: 'Opaque', data: Object.fromEntries(encoded) }
}

/** One file of a folder. */
export function manifest(...objects: readonly object[]): string {
  return objects.map((it) => JSON.stringify(it)).join('\n---\n')
}
