/** Objects of kind Proxy. */

import type { KubernetesObject } from '../lab/client.ts'

export const PROXY = 'resty-ingress.io/v1alpha1/Proxy'

export type Proxy = KubernetesObject & { readonly spec: object }

export function proxyOf(name: string, spec: object, namespace = 'default'): Proxy {
  return {
    apiVersion: 'resty-ingress.io/v1alpha1',
    kind: 'Proxy',
    metadata: { name, namespace },
    spec: { ingressClassName: 'resty-ingress', ...spec },
  }
}

/** Everything for a host goes to port 80 of a Service, unless `rule` says otherwise. */
export function toService(service: string, host: string, rule: object = {}): object {
  return { hosts: [host], rules: [{ backends: [{ service, port: 80 }], ...rule }] }
}
