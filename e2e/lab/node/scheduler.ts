/** Chooses a node for a pod: the emptiest one that the pod's rules allow. Pure. */

import type { V1LabelSelector, V1Node, V1NodeSelectorTerm, V1Pod, V1PodAffinityTerm } from '@kubernetes/client-node'

/** The name of the node, or why there is none. */
export type Choice = { readonly node: string } | { readonly message: string }

export function chooseNode(pod: V1Pod, nodes: readonly V1Node[], pods: readonly V1Pod[]): Choice {
  const allowed = nodes.filter((node) => isOpen(pod, node) && matchesNodeRules(pod, node) &&
    hasFreePorts(pod, node, pods) && !repelled(pod, node, nodes, pods))
  const load = (node: V1Node): number => pods.filter((other) => other.spec?.nodeName === node.metadata?.name).length
  const [best] = [...allowed].sort((a, b) => load(a) - load(b))
  if (best === undefined) {
    return { message: `0/${nodes.length} nodes are available: node rules, host ports or pod anti-affinity` }
  }
  return { node: best.metadata?.name ?? '' }
}

/** A cordoned node takes only pods that tolerate it, as those of DaemonSets do. */
function isOpen(pod: V1Pod, node: V1Node): boolean {
  if (node.spec?.unschedulable !== true) return true
  return pod.spec?.tolerations?.some(({ key }) => key === 'node.kubernetes.io/unschedulable') === true
}

/** Of a node each port is there once; a pod that is ending still has its own. */
function hasFreePorts(pod: V1Pod, node: V1Node, pods: readonly V1Pod[]): boolean {
  const taken = new Set(pods.filter((other) => other.spec?.nodeName === node.metadata?.name).flatMap(hostPorts))
  return hostPorts(pod).every((port) => !taken.has(port))
}

/** With hostNetwork the apiserver makes every port of a container one of the node. */
function hostPorts({ spec }: V1Pod): string[] {
  const ports = (spec?.containers ?? []).flatMap((container) => container.ports ?? [])
  return ports.filter(({ hostPort }) => hostPort !== undefined)
    .map(({ hostPort, protocol = 'TCP' }) => `${protocol} ${hostPort}`)
}

function matchesNodeRules(pod: V1Pod, node: V1Node): boolean {
  const labels = node.metadata?.labels ?? {}
  const selector = Object.entries(pod.spec?.nodeSelector ?? {})
  if (!selector.every(([key, value]) => labels[key] === value)) return false
  const required = pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
  return required === undefined || required.nodeSelectorTerms.some((term) => matchesTerm(term, node))
}

/** DaemonSet pods name their node by `matchFields`. */
function matchesTerm(term: V1NodeSelectorTerm, node: V1Node): boolean {
  const fields = (term.matchFields ?? []).every(({ key, operator, values }) =>
    key === 'metadata.name' && matchesValue(node.metadata?.name, operator, values))
  return fields && (term.matchExpressions ?? []).every(({ key, operator, values }) =>
    matchesValue(node.metadata?.labels?.[key], operator, values))
}

function matchesValue(value: string | undefined, operator: string, values: readonly string[] = []): boolean {
  switch (operator) {
    case 'In': return value !== undefined && values.includes(value)
    case 'NotIn': return value === undefined || !values.includes(value)
    case 'Exists': return value !== undefined
    case 'DoesNotExist': return value === undefined
    default: return false
  }
}

function repelled(pod: V1Pod, node: V1Node, nodes: readonly V1Node[], pods: readonly V1Pod[]): boolean {
  const terms = pod.spec?.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []
  return terms.some((term) => {
    const domain = node.metadata?.labels?.[term.topologyKey]
    const inDomain = nodes.filter((other) => other.metadata?.labels?.[term.topologyKey] === domain)
      .map((other) => other.metadata?.name)
    return pods.some((other) => inDomain.includes(other.spec?.nodeName) && matchesPod(term, pod, other))
  })
}

function matchesPod(term: V1PodAffinityTerm, pod: V1Pod, other: V1Pod): boolean {
  const { namespace = '', labels = {} } = other.metadata ?? {}
  return (term.namespaces ?? [pod.metadata?.namespace]).includes(namespace) &&
    matchesLabels(term.labelSelector ?? {}, labels)
}

function matchesLabels(selector: V1LabelSelector, labels: Readonly<Record<string, string>>): boolean {
  const { matchLabels = {}, matchExpressions = [] } = selector
  return Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, operator, values }) => matchesValue(labels[key], operator, values))
}
