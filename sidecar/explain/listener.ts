/** Which listener takes a connection: layer 4 is asked first, by port and by the name in TLS. */
import type { StreamRecord } from '../dynamic/records.ts'
import { DEFAULT_LISTENER } from '../ir/names.ts'
import { normalisedHost, wildcardOf, type Records } from './match.ts'
import type { ExplainRequest } from './request.ts'

export interface Listener {
  readonly listener: string
  /** Layer 4 passes the connection on. */
  readonly passed?: StreamRecord
}

/** A URL without a port means the listeners of HTTP and TLS. */
export function findListener({ scheme, authority }: ExplainRequest, records: Records): Listener {
  const port = /:([0-9]+)$/.exec(authority)?.[1]
  const protocol = scheme === 'udp' ? 'udp' : 'tcp'
  const stream = port === undefined ? undefined : records.get(`stream/${protocol}/${port}`)
  const ofPort = `${protocol.toUpperCase()}${port === undefined ? ', without a port' : ` port ${port}`}`
  if (stream !== undefined) return { listener: ofPort, passed: stream as StreamRecord }
  if (scheme === 'tcp' || scheme === 'udp') return { listener: ofPort }
  if (scheme === 'http') return { listener: 'HTTP' }
  const passed = passedName(normalisedHost(authority), records)
  return passed === undefined ? { listener: 'TLS, which ends here' } : { listener: 'TLS, which passes by its name', passed }
}

/** As `of_name` of lua/ingress/stream/target.lua: a host that is served by itself is none of its wildcard's. */
function passedName(name: string, records: Records): StreamRecord | undefined {
  const exact = records.get(`passthrough/${name}`)
  const wildcard = wildcardOf(name)
  const isOwn = records.has(`host/${DEFAULT_LISTENER}/${name}`)
  const covering = wildcard === undefined || isOwn ? undefined : records.get(`passthrough/${wildcard}`)
  return (exact ?? covering) as StreamRecord | undefined
}
