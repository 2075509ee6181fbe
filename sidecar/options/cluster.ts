/** Flags about being one of several in a cluster: replicas, namespaces, status. Names are those of ingress-nginx. */
import type { InferredOptionTypes, Options as FlagOptions } from 'yargs'
import { parseLabelSelector } from '../ir/label-selector.ts'

export const CLUSTER_FLAGS = {
  'watch-namespace': { type: 'string', default: '', describe: 'Only this namespace' },
  'watch-namespace-selector': { type: 'string', default: '', describe: 'Only the namespaces with these labels, for example team=shop' },
  'handover-period': {
    type: 'number',
    default: 10,
    describe: 'Seconds for which an object that moves to the class of another controller is served on',
  },
  'election-id': {
    type: 'string',
    default: 'resty-ingress-leader',
    describe: 'Name of the Lease, in our namespace, by which replicas elect the one that writes status and Events',
  },
  'election-ttl': {
    type: 'string',
    default: '10s',
    coerce: parseSeconds,
    describe: 'How long the Lease lasts without a sign of life of the leader',
  },
  'disable-leader-election': {
    type: 'boolean',
    default: false,
    describe: 'Write status and Events without an election; for a single replica',
  },
  'update-status': { type: 'boolean', default: true, describe: 'Write status.loadBalancer of the Ingresses that are served' },
  'update-status-on-shutdown': {
    type: 'boolean',
    default: true,
    describe: 'Take the addresses back when the last replica is shut down',
  },
  'status-update-interval': {
    type: 'number',
    default: 60,
    describe: 'Seconds between two looks at the addresses of our nodes, and before a change by others is written over',
  },
} as const satisfies Record<string, FlagOptions>

/** Seconds of one unit of a duration as Go writes them. */
const UNITS = new Map([['h', 3600], ['m', 60], ['s', 1], ['ms', 1e-3], ['us', 1e-6], ['µs', 1e-6], ['ns', 1e-9]])
const SHORTEST_LEASE = 2
const LONGEST_LEASE = 3600
const LONGEST_HANDOVER = 3600

/** `1m30s` -> 90; NaN: it is no duration. */
function parseSeconds(text: string): number {
  const parts = [...text.matchAll(/([0-9]+(?:\.[0-9]+)?)([a-zµ]+)/gu)]
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== text) return Number.NaN
  return parts.reduce((sum, [, count, unit = '']) => sum + Number(count) * (UNITS.get(unit) ?? Number.NaN), 0)
}

/** What is wrong with the values, as a sentence. */
export function clusterFlagsError(flags: InferredOptionTypes<typeof CLUSTER_FLAGS>): string | undefined {
  const selector = flags['watch-namespace-selector']
  if (selector !== '' && flags['watch-namespace'] !== '') {
    return '--watch-namespace and --watch-namespace-selector exclude each other'
  }
  const parsed = parseLabelSelector(selector)
  if (!parsed.ok) return `--watch-namespace-selector: ${parsed.message}`
  // The API server counts whole seconds.
  const lease = flags['election-ttl']
  if (!(Number.isInteger(lease) && lease >= SHORTEST_LEASE && lease <= LONGEST_LEASE)) {
    return `--election-ttl must be whole seconds from ${SHORTEST_LEASE}s to 1h, for example 10s`
  }
  const handover = flags['handover-period']
  if (!(handover >= 0 && handover <= LONGEST_HANDOVER)) {
    return `--handover-period must be seconds up to ${LONGEST_HANDOVER}, 0 for none`
  }
  if (!(flags['status-update-interval'] >= 1)) return '--status-update-interval must be seconds, at least 1'
  return undefined
}
