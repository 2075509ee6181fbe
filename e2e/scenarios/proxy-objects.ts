/** The kind Proxy, and objects of it. */

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ApiError, type KubernetesObject } from '../lab/client.ts'
import type { Lab } from '../lab/lab.ts'
import { REPOSITORY } from '../lab/tools.ts'

export const PROXY = 'resty-ingress.io/v1alpha1/Proxy'
/** Where the API server documents it. */
export const OPEN_API = '/openapi/v3/apis/resty-ingress.io/v1alpha1'

/** Without the controller; resolves when the API server serves and documents the kind. */
export async function installProxyKind(lab: Lab): Promise<void> {
  await lab.apply(await readFile(join(REPOSITORY, 'manifests/base/crd-proxies.yaml'), 'utf8'))
  for (const path of ['/apis/resty-ingress.io/v1alpha1', '/apis/resty-ingress.io/v1alpha1/proxies', OPEN_API]) {
    await lab.waitFor(path, async () => await lab.client.call('GET', path).catch(notYet) !== undefined)
  }
}

/** Not served yet, or its storage is still made. */
function notYet(error: unknown): undefined {
  if (!(error instanceof ApiError) || ![404, 429].includes(error.status)) throw error
}

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
