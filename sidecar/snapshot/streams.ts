/** Who has a port of layer 4, and what NGINX is to listen on for all of them. */
import { backendName } from '../ir/backend-name.ts'
import { portKey } from '../ir/names.ts'
import type { Finding, Origin } from '../ir/origin.ts'
import type { Fragment, StreamPort, StreamRoute } from '../ir/types.ts'
import { byAge } from './order.ts'

const MAX_PORTS = 1_000
/**
 * What a port may take of `worker_connections`: NGINX counts every socket that it listens on, of UDP one for
 * each worker, and does not start when they are more. Two addresses, up to 64 workers, and room for connections.
 */
const CONNECTIONS: Readonly<Record<StreamRoute['protocol'], number>> = { TCP: 8, UDP: 160 }

/** Which ports may be listened on. */
export interface PortRules {
  /** TCP ports that NGINX or the sidecar listens on for itself. */
  readonly reservedPorts: readonly number[]
  /** Ranges, both ends among them, that Proxies may claim ports of; none: every port. */
  readonly proxyPorts: readonly (readonly [first: number, last: number])[]
}

/** The ports that an object wants, as keys: `<protocol>/<port>`. */
export function portsOf({ streams = [] }: Fragment): string[] {
  return streams.map(portKey)
}

/**
 * The owner of a port: of the oldest object, and of one object what stands there first. The others have a
 * finding. Undefined: nobody has it.
 */
export function buildStreamPort(key: string, fragments: readonly Fragment[], rules: PortRules): StreamPort | undefined {
  const all = byAge(fragments).flatMap(({ streams = [] }) => streams.filter((route) => portKey(route) === key))
  if (all.some(({ protocol, port }) => protocol === 'TCP' && rules.reservedPorts.includes(port))) {
    return { findings: all.map((claim) => finding(claim, 'ReservedPort', 'is one of our own, for HTTP, TLS or health')) }
  }
  const [claims = [], refused = []] = partition(all, (claim) => isAllowed(claim, rules))
  const findings = refused.map((claim) => finding(claim, 'PortNotAllowed', 'is none that --proxy-ports leaves to Proxies'))
  const [first, ...others] = claims
  if (first === undefined) return all.length === 0 ? undefined : { findings }
  const why = `belongs to ${describe(first.origin)}, which is older or comes first`
  return { route: first, findings: [...findings, ...others.map((claim) => finding(claim, 'PortConflict', why))] }
}

/** The ConfigMaps are the operator's own; what tenants may open is for the operator to say. */
function isAllowed({ port, origin }: StreamRoute, { proxyPorts }: PortRules): boolean {
  if (origin.kind !== 'Proxy' || proxyPorts.length === 0) return true
  return proxyPorts.some(([first, last]) => first <= port && port <= last)
}

function partition<T>(values: readonly T[], test: (value: T) => boolean): readonly (readonly T[])[] {
  return [values.filter(test), values.filter((value) => !test(value))]
}

function describe({ kind, namespace, name, field }: Origin): string {
  return `${kind} ${namespace}/${name}, ${field}`
}

function finding({ protocol, port, origin }: StreamRoute, reason: string, why: string): Finding {
  return { origin, severity: 'error', reason, message: `${protocol} port ${port} is left out: it ${why}` }
}

export interface ListenedPorts {
  readonly routes: readonly StreamRoute[]
  readonly findings: readonly Finding[]
}

/** All ports, as many as NGINX can listen on; by number those that come first. */
export function listenedPorts(ports: readonly StreamPort[], workerConnections: number): ListenedPorts {
  const routes = ports.flatMap(({ route }) => route ?? []).sort((left, right) =>
    left.port - right.port || (left.protocol < right.protocol ? -1 : 1))
  const why = `is one too many for max-worker-connections ${workerConnections} or for the ${MAX_PORTS} that there can be`
  let taken = 0
  const fits = routes.map(({ protocol }, i) => {
    taken += CONNECTIONS[protocol]
    return i < MAX_PORTS && taken <= workerConnections
  })
  return {
    routes: routes.filter((_, i) => fits[i]),
    findings: routes.filter((_, i) => !fits[i]).map((route) => finding(route, 'TooManyPorts', why)),
  }
}

/** The backends that its ports and hosts of passthrough lead to, by name. */
export function streamBackends({ streams = [], passthrough = [] }: Fragment): string[] {
  return [...streams, ...passthrough].map(({ backend }) => backendName(backend))
}
