/** One entry of a TCP or UDP ConfigMap of ingress-nginx: `"9000": "namespace/service:port[:PROXY[:PROXY]]"`. */
import { isDnsLabel, isPortName, isPortNumber } from '../../ir/names.ts'
import type { BackendRef, StreamRoute } from '../../ir/types.ts'
import type { Parsed } from '../../ir/value.ts'

/** A namespace, a Service and a port with what stands between them: far below this. */
const LONGEST = 200

const ALLOWED_PORT = 'a port from 1 to 65535, in digits'
const ALLOWED_TARGET =
  '"namespace/service:port", for TCP with ":PROXY" (accept PROXY protocol), "::PROXY" (send it) or both behind it'

/** A number of a port in decimal, without zeros in front. */
export function parsePort(text: string): Parsed<number> {
  const value = /^[1-9][0-9]{0,4}$/.test(text) ? Number(text) : 0
  return isPortNumber(value) ? { value } : { allowed: ALLOWED_PORT }
}

export type Target = Pick<StreamRoute, 'backend' | 'acceptProxyProtocol' | 'sendProxyProtocol'>

/** The words are read in any case, as ingress-nginx does; anything else in their place is refused. */
export function parseTarget(text: string, protocol: StreamRoute['protocol']): Parsed<Target> {
  const [name = '', port = '', ...flags] = text.length > LONGEST ? [] : text.split(':')
  const service = parseService(name)
  const isRead = isPort(port) && flags.length <= 2 && flags.every(isFlag)
  if (service === undefined || !isRead) return { allowed: ALLOWED_TARGET }
  const backend = { ...service, port }
  const isSet = (at: number): boolean => (flags[at] ?? '') !== ''
  return protocol === 'TCP'
    ? { value: { backend, acceptProxyProtocol: isSet(0), sendProxyProtocol: isSet(1) } }
    : udpTarget({ ...backend, protocol }, isSet(0) || isSet(1))
}

function udpTarget(backend: BackendRef, isFlagged: boolean): Parsed<Target> {
  const value = { backend, acceptProxyProtocol: false, sendProxyProtocol: false }
  return isFlagged ? { value, warning: 'PROXY protocol is for TCP alone and is left out' } : { value }
}

function parseService(text: string): Pick<BackendRef, 'namespace' | 'service'> | undefined {
  const [namespace = '', service = '', ...rest] = text.split('/')
  const isRead = rest.length === 0 && isDnsLabel(namespace) && isDnsLabel(service)
  return isRead ? { namespace, service } : undefined
}

function isFlag(text: string): boolean {
  return text === '' || text.toUpperCase() === 'PROXY'
}

function isPort(text: string): boolean {
  return 'value' in parsePort(text) || isPortName(text)
}
