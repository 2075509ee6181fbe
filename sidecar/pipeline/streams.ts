/** The part of the translation that is layer 4: ports and their owners, with the endpoints behind them. Pure. */
import type { Collection, Graph, Reader } from '../collection/graph.ts'
import type { StreamRecord } from '../dynamic/records.ts'
import { streamRecord } from '../dynamic/translate.ts'
import { backendName } from '../ir/backend-name.ts'
import type { Finding } from '../ir/origin.ts'
import type { Settings } from '../ir/settings.ts'
import type {
  Backend, BackendRef, Fragment, Layer4, Passthrough, StreamPort, StreamRoute, VirtualHost, WithEndpoints,
} from '../ir/types.ts'
import { buildStreamPort, listenedPorts, portsOf, type PortRules } from '../snapshot/streams.ts'

/** What layer 4 is made of. */
export interface StreamInputs {
  readonly fragments: Collection<Fragment>
  readonly backends: Collection<Backend>
  readonly virtualHosts: Collection<VirtualHost>
  /** Under ''. */
  readonly settings: Collection<StreamSettings>
}

type StreamSettings = Pick<Settings, 'maxWorkerConnections' | 'proxyRealIpCidr'>

/** What of the settings decides about layer 4. */
export function streamSettings({ maxWorkerConnections, proxyRealIpCidr }: Settings): StreamSettings {
  return { maxWorkerConnections, proxyRealIpCidr }
}

interface Layer4Reading {
  readonly layer4: Layer4
  readonly findings: readonly Finding[]
}

interface WithFindings {
  readonly findings: readonly Finding[]
}

const ONLY = ''
const NONE: Layer4 = { ports: [], passthrough: [] }

export class StreamPipeline {
  readonly #graph: Graph
  readonly #ports: Collection<StreamPort>
  readonly #passthrough: Collection<Passthrough>
  readonly #layer4: Collection<Layer4Reading>

  constructor(graph: Graph, inputs: StreamInputs, rules: PortRules) {
    this.#graph = graph
    this.#ports = graph.group(inputs.fragments.index(portsOf), (key, claimants) =>
      buildStreamPort(key, claimants(), rules))
    const hosts = inputs.virtualHosts.index(({ host, passthrough }) => (passthrough === undefined ? [] : [host]))
    this.#passthrough = graph.group(hosts, (_host, found) => found()[0]?.passthrough)
    this.#layer4 = graph.map(inputs.settings, (settings, read) => this.#read(settings, inputs, read))
  }

  /** The same object as long as nothing of it changes. */
  get layer4(): Layer4 {
    return this.#layer4.get(ONLY)?.layer4 ?? NONE
  }

  /** Hands out every collection with findings, under the name of its stage. */
  collect(take: <V extends WithFindings>(stage: string, collection: Collection<V>) => void): void {
    take('port', this.#ports)
    take('layer 4', this.#layer4)
  }

  /** Hands out the collections of records, each with what makes its keys record keys. */
  emit(give: (records: Collection<StreamRecord>, recordKey: (key: string) => string) => void): void {
    give(this.#graph.map(this.#ports, ({ route }) => route && streamRecord(route)), (key) => `stream/${key}`)
    give(this.#graph.map(this.#passthrough, streamRecord), (host) => `passthrough/${host}`)
  }

  #read(settings: StreamSettings, { backends, virtualHosts }: StreamInputs, read: Reader): Layer4Reading {
    const withEndpoints = <T extends { readonly backend: BackendRef }>(it: T): T & WithEndpoints => ({
      ...it,
      endpoints: read.get(backends, backendName(it.backend))?.endpoints ?? [],
    })
    const { routes, findings } = listenedPorts(read.all(this.#ports), settings.maxWorkerConnections)
    const passthrough = read.all(this.#passthrough).map((it) => {
      const except = it.host.startsWith('*.') ? endingBelow(it.host, read.all(virtualHosts)) : []
      return withEndpoints(except.length === 0 ? it : { ...it, except })
    })
    const untrusted = settings.proxyRealIpCidr.length > 0 ? [] : routes.flatMap(nobodyTrusted)
    return { layer4: { ports: routes.map(withEndpoints), passthrough }, findings: [...findings, ...untrusted] }
  }
}

/** Without ranges, a header is read and its address does not count. */
function nobodyTrusted({ acceptProxyProtocol, protocol, port, origin }: StreamRoute): Finding[] {
  const effect = 'headers of PROXY protocol are read, and the addresses in them do not count'
  const message = `${protocol} port ${port}: proxy-real-ip-cidr names no range: ${effect}`
  return acceptProxyProtocol ? [{ origin, severity: 'warning', reason: 'NobodyTrusted', message }] : []
}

/** The exact hosts that a wildcard would cover and that are served by themselves. */
function endingBelow(wildcard: string, hosts: readonly VirtualHost[]): string[] {
  const isBelow = (host: string): boolean => host.slice(host.indexOf('.')) === wildcard.slice(1)
  return hosts
    .filter(({ host, unclaimed, passthrough }) => unclaimed !== true && passthrough === undefined && isBelow(host))
    .map(({ host }) => host)
}
