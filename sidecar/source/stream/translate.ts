/** The ConfigMaps of `--tcp-services-configmap` and `--udp-services-configmap` -> Fragment. */
import type { Reader } from '../../collection/graph.ts'
import type { KubeObject } from '../../collection/objects.ts'
import { quoted } from '../../ir/names.ts'
import { objectKey } from '../../ir/object-name.ts'
import type { Finding, Origin } from '../../ir/origin.ts'
import type { Fragment, StreamRoute } from '../../ir/types.ts'
import { texts } from '../../util/field.ts'
import type { Context } from '../context.ts'
import { backendProblem } from '../service/reference.ts'
import { parsePort, parseTarget } from './entry.ts'

type Protocol = StreamRoute['protocol']

/** What becomes of a port whose backend is not there. */
export const UNSERVED = { TCP: 'connections are closed at once', UDP: 'datagrams are dropped' } as const satisfies Record<Protocol, string>

/** Undefined: neither of the flags names this ConfigMap. */
export function translateStreams(configMap: KubeObject, read: Reader, context: Context): Fragment | undefined {
  const { namespace, name, uid, creationTimestamp } = configMap.metadata
  const key = objectKey(configMap.metadata)
  const { tcpServices, udpServices } = context.options
  const protocols: Protocol[] = [...(key === tcpServices ? ['TCP' as const] : []), ...(key === udpServices ? ['UDP' as const] : [])]
  if (protocols.length === 0) return undefined
  const origin: Origin = { kind: 'ConfigMap', apiVersion: 'v1', namespace, name, field: '', ...(uid === undefined ? {} : { uid }) }
  const findings: Finding[] = []
  const entries = Object.entries(texts(configMap.data))
  const streams = protocols.flatMap((protocol) =>
    entries.flatMap(([port, text]) => readEntry(port, text.trim(), { protocol, origin, findings, read, context })))
  return {
    age: { created: creationTimestamp ?? '', name: key },
    origin,
    hosts: [],
    routes: [],
    arms: [],
    tls: [],
    secrets: [],
    streams,
    findings,
  }
}

interface Work {
  readonly protocol: Protocol
  readonly origin: Origin
  readonly findings: Finding[]
  readonly read: Reader
  readonly context: Context
}

/** A bad entry costs itself alone. */
function readEntry(key: string, text: string, work: Work): StreamRoute[] {
  const { protocol, read, context } = work
  const origin = { ...work.origin, field: `data[${key.slice(0, 80)}]` }
  const report = (severity: Finding['severity'], reason: string, message: string): void => {
    work.findings.push({ origin, severity, reason, message: `${protocol} port ${quoted(key)}: ${message}` })
  }
  const port = parsePort(key)
  const target = parseTarget(text, protocol)
  if ('allowed' in port) report('error', 'InvalidPort', `the key is refused; allowed: ${port.allowed}`)
  else if ('allowed' in target) report('error', 'InvalidStream', `${quoted(text)} is refused; allowed: ${target.allowed}`)
  if ('allowed' in port || 'allowed' in target) return []
  if (target.warning !== undefined) report('warning', 'AdjustedStream', target.warning)
  const problem = backendProblem(target.value.backend, read, context)
  if (problem !== undefined) report('error', problem.reason, `${problem.message}; ${UNSERVED[protocol]}`)
  return [{ protocol, port: port.value, ...target.value, origin }]
}
