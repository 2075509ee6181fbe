/** Inputs that several tests share. */
import type { PipelineOptions } from '../pipeline/pipeline.ts'

export const GOLDEN_OPTIONS: PipelineOptions = {
  controllerClass: 'resty-ingress.io/ingress-controller',
  ingressClass: 'resty-ingress',
  ingressClassByName: false,
  watchIngressWithoutClass: false,
  namespaceSelector: [],
  annotationsPrefix: 'nginx.ingress.kubernetes.io',
  disableCatchAll: false,
  allowLoopback: false,
  podAddresses: [],
  podPorts: [],
  disableExternalNames: false,
  tcpServices: '',
  udpServices: '',
  sslPassthrough: false,
  snippets: 'off',
  reservedPorts: [80, 443],
  proxyPorts: [],
  publishService: '',
  configMap: 'resty-ingress/resty-ingress',
  defaultBackendService: '',
  defaultCertificate: '',
  httpsRedirectPort: 443,
  httpsPort: 443,
}

/** The same items in another order, always the same one for a seed. */
export function shuffled<T>(items: readonly T[], seed: number): T[] {
  const copy = [...items]
  let state = seed
  for (let i = copy.length - 1; i > 0; i -= 1) {
    state = (state * 1103515245 + 12345) % 2147483648
    const j = state % (i + 1)
    ;[copy[i], copy[j]] = [copy[j] as T, copy[i] as T]
  }
  return copy
}
