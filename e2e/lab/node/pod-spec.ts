/** What a pod asks for. Pure. */

import type { V1Container, V1Pod } from '@kubernetes/client-node'
import { nodeAddress } from '../network.ts'
import type { Forward } from '../packet-rules.ts'
import type { Image, ImageTable } from './images.ts'

/** Throws when the pod asks for what the lab has not. */
export function requireSupported({ spec }: V1Pod): void {
  if (spec?.initContainers !== undefined) throw new Error('the lab has no init containers')
}

/** The ports of the node that lead to the pod with this address. */
export function hostPortForwards({ spec }: V1Pod, address: string, node: number): Forward[] {
  const ports = (spec?.containers ?? []).flatMap((container) => container.ports ?? [])
  return ports.filter(({ hostPort }) => hostPort !== undefined).map((port) => ({
    address: nodeAddress(node), protocol: port.protocol === 'UDP' ? 'udp' : 'tcp', port: port.hostPort ?? 0,
    targets: [{ address, port: port.containerPort }], masquerade: false,
  }))
}

export function sysctlsOf({ spec }: V1Pod): Record<string, string> {
  return Object.fromEntries((spec?.securityContext?.sysctls ?? []).map(({ name, value }) => [name, value]))
}

/** `runAsNonRoot`, as a kubelet enforces it. */
export function requireNonRoot(pod: V1Pod, { securityContext, name }: V1Container, image: Image): void {
  const security = { ...pod.spec?.securityContext, ...securityContext }
  if (security.runAsNonRoot === true && (security.runAsUser ?? image.user) === 0) {
    throw new Error(`container ${name} has runAsNonRoot and would run as root`)
  }
}

/** Throws when the lab has no such image. */
export function requireImage(images: ImageTable, name: string): Image {
  const image = images(name)
  if (image === undefined) throw new Error(`no image ${name} in the lab`)
  return image
}
