/** What the admin API shows of layer 4: ports, hosts whose TLS is passed on, and what is behind them. */
import type { BackendRef, Layer4, Passthrough, StreamRoute, WithEndpoints } from '../ir/types.ts'
import { endpointText } from './route-views.ts'

export interface StreamBackendView {
  readonly namespace: string
  readonly service: string
  readonly port: string
  readonly endpoints: readonly string[]
}

export interface StreamsView {
  /** Whether a change of endpoints is a push of records or a reload; absent: OpenResty was not asked yet. */
  readonly endpointsBy?: 'records' | 'reload'
  readonly ports: readonly (Omit<StreamRoute, 'backend'> & { readonly backend: StreamBackendView })[]
  readonly passthrough: readonly (Omit<Passthrough, 'backend'> & { readonly backend: StreamBackendView })[]
}

/** @param hasLua NGINX has stream-lua; undefined: not known yet */
export function streamsView({ ports, passthrough }: Layer4, hasLua: boolean | undefined): StreamsView {
  return {
    ...(hasLua === undefined ? {} : { endpointsBy: hasLua ? 'records' : 'reload' }),
    ports: ports.map(({ endpoints, backend, ...port }) => ({ ...port, backend: backendView({ backend, endpoints }) })),
    passthrough: passthrough.map(({ endpoints, backend, ...host }) => ({
      ...host,
      backend: backendView({ backend, endpoints }),
    })),
  }
}

function backendView({ backend, endpoints }: WithEndpoints & { readonly backend: BackendRef }): StreamBackendView {
  const { namespace, service, port } = backend
  const texts = endpoints.map(({ address, port: at, ...rest }) => endpointText([address, at, rest]))
  return { namespace, service, port, endpoints: texts }
}

