/** What of layer 4 differs between two configurations, as causes of a reload. */
import type { Origin } from '../ir/origin.ts'
import type { BackendRef, Layer4, WithEndpoints } from '../ir/types.ts'
import type { NginxInput } from '../nginx/input.ts'
import { isEqual } from '../util/equal.ts'
import type { ReloadCause } from './generation.ts'

/** What the blocks of nginx.conf are made of, one each. */
interface Block extends WithEndpoints {
  readonly name: string
  readonly backend: BackendRef
  readonly origin: Origin
  readonly except?: readonly string[]
}

/** A port or a host that is new, gone or different; endpoints only where they are not records. */
export function layer4Causes(before: NginxInput, after: NginxInput): ReloadCause[] {
  const [was, is] = [blocks(before.layer4), blocks(after.layer4)]
  const gone = [...was.values()].filter(({ name }) => !is.has(name)).map((block) => cause(block, 'is gone'))
  const added = [...is.values()].filter(({ name }) => !was.has(name)).map((block) => cause(block, 'is new'))
  const changed = [...is.values()].flatMap((block) => {
    const old = was.get(block.name)
    return old === undefined ? [] : change(old, block, after.capabilities.stream_lua)
  })
  return [...gone, ...added, ...changed]
}

function blocks(layer4: Layer4 | undefined): ReadonlyMap<string, Block> {
  const ports = (layer4?.ports ?? []).map((it) => ({ ...it, name: `${it.protocol} port ${it.port}` }))
  const hosts = (layer4?.passthrough ?? []).map((it) => ({ ...it, name: `TLS passthrough of host ${it.host}` }))
  return new Map([...ports, ...hosts].map((block) => [block.name, block]))
}

function cause({ name, origin }: Block, what: string): ReloadCause {
  return { kind: 'layer4', origin, message: `${name} ${what}` }
}

function change(before: Block, after: Block, endpointsAreRecords: boolean): ReloadCause[] {
  const { endpoints: old, except: others, ...was } = before
  const { endpoints, except, ...is } = after
  if (!isEqual(was, is)) return [cause(after, 'changed')]
  if (endpointsAreRecords) return []
  if (!isEqual(others, except)) return [cause(after, 'has other hosts below it')]
  if (isEqual(old, endpoints)) return []
  const { namespace, service: name } = after.backend
  const origin = { kind: 'Service', apiVersion: 'v1', namespace, name, field: 'endpoints' }
  return [{ kind: 'layer4', origin, message: `${after.name}: endpoints of Service ${namespace}/${name} changed` }]
}
