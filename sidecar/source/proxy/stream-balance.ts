/** How a port of a Proxy chooses among endpoints, where NGINX has Lua for layer 4. */
import type { Json } from '../../ir/types.ts'
import type { Schema } from '../../policy/common/schema.ts'
import { fields } from '../../util/field.ts'

/** Of a connection nothing else is known than where it comes from. */
const BY_CLIENT: Json = [{ var: 'remote_addr' }]

/** Words of a Proxy -> value of the record (docs/control-api.md, "Layer 4"). */
const ALGORITHMS: Readonly<Record<string, Json>> = {
  RoundRobin: { algorithm: 'round_robin' },
  Random: { algorithm: 'random' },
  LeastRequest: { algorithm: 'least_request' },
  Ewma: { algorithm: 'ewma' },
  RingHash: { algorithm: 'ring_hash', key: BY_CLIENT },
  Maglev: { algorithm: 'maglev', key: BY_CLIENT },
}

export const STREAM_BALANCE: Schema = {
  type: 'object',
  description: 'How the endpoint is chosen, where NGINX has stream-lua (docs/tcp-udp.md); elsewhere it is in turn.',
  required: ['algorithm'],
  properties: {
    algorithm: {
      type: 'string',
      description:
        'RoundRobin: in turn. Random: by chance. LeastRequest: the one with fewer connections. Ewma: the one that is ' +
        'connected to faster. RingHash, Maglev: by the address of the client, which stays with its endpoint.',
      enum: Object.keys(ALGORITHMS),
    },
  },
}

/** Of a value that the schema allows. Undefined: what holds for all. */
export function streamBalance(value: unknown): Json | undefined {
  const { algorithm } = fields(value)
  return typeof algorithm === 'string' ? ALGORITHMS[algorithm] : undefined
}
