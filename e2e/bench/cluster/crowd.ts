/** Thousands of Services whose endpoints change all the time, and the few Ingresses that refer to them. */
import type { KubernetesObject } from '../../lab/client.ts'
import { NAMESPACE, serviceName, serviceOf, sliceOf } from '../scale/population.ts'
import { PORT } from './rig.ts'

export const SERVICES = 5000
const SERVICES_PER_INGRESS = 50

/** What must be there before the stream begins. */
export function crowd(): KubernetesObject[] {
  const services = Array.from({ length: SERVICES }, (_, index) => [serviceOf(index, PORT), sliceOf(index, PORT)])
  const ingresses = Array.from({ length: SERVICES / SERVICES_PER_INGRESS }, (_, index) => ingressOver(index))
  return [...services.flat(), ...ingresses]
}

/** Change number `index` of the stream: every Service in turn, each time with all of its endpoints replaced. */
export function streamed(index: number): KubernetesObject {
  return sliceOf(index % SERVICES, PORT, 1 + Math.floor(index / SERVICES))
}

function ingressOver(index: number): KubernetesObject {
  const paths = Array.from({ length: SERVICES_PER_INGRESS }, (_, position) => {
    const name = serviceName(index * SERVICES_PER_INGRESS + position)
    return { path: `/${name}`, pathType: 'Prefix', backend: { service: { name, port: { number: 80 } } } }
  })
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name: `crowd-${index}`, namespace: NAMESPACE },
    spec: { ingressClassName: 'resty-ingress', rules: [{ host: `crowd-${index}.example`, http: { paths } }] },
  } as KubernetesObject
}
