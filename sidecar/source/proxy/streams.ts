/** `spec.tcp` and `spec.udp` of a Proxy: ports whose bytes go to a Service port as they come. */
import type { StreamRoute } from '../../ir/types.ts'
import { fields, items, type Fields } from '../../util/field.ts'
import { capped } from '../capped.ts'
import { UNSERVED } from '../stream/translate.ts'
import { readBackend } from './backend.ts'
import { check } from './check.ts'
import { MAX_STREAMS, TCP, UDP } from './schema.ts'
import { streamBalance } from './stream-balance.ts'
import type { Work } from './work.ts'

const NOT_OPENED = 'the port is not opened for it'

/** What is wrong is a finding of `work`, and costs only its port. */
export function readStreams(spec: Fields, work: Work): StreamRoute[] {
  return [...readList(spec.tcp, 'TCP', work), ...readList(spec.udp, 'UDP', work)]
}

function readList(list: unknown, protocol: StreamRoute['protocol'], work: Work): StreamRoute[] {
  const field = `spec.${protocol.toLowerCase()}`
  return capped(items(list), MAX_STREAMS, work.at(field), work.invalid).flatMap(
    (entry, i) => readStream(entry, `${field}[${i}]`, protocol, work) ?? [],
  )
}

function readStream(entry: unknown, field: string, protocol: StreamRoute['protocol'], work: Work): StreamRoute | undefined {
  const checked = check(protocol === 'TCP' ? TCP : UDP, entry, field)
  if ('refusal' in checked) {
    work.refuse(checked.refusal, NOT_OPENED)
    return undefined
  }
  const { port, backend, proxyProtocol, loadBalance } = fields(checked.value)
  const common = { missing: UNSERVED[protocol], refused: NOT_OPENED }
  const effects = protocol === 'TCP' ? common : { ...common, protocol }
  const reference = readBackend(backend, `${field}.backend`, effects, work)
  if ('refused' in reference) return undefined
  const { accept, send } = fields(proxyProtocol)
  const balance = streamBalance(loadBalance)
  return {
    protocol,
    port: Number(port),
    backend: reference.ref,
    acceptProxyProtocol: accept === true,
    sendProxyProtocol: send === true,
    ...(balance === undefined ? {} : { loadBalance: balance }),
    origin: work.at(field),
  }
}
