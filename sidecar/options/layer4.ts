/** Flags about ports of TCP and UDP, and TLS that passes through. */
import type { InferredOptionTypes, Options as FlagOptions } from 'yargs'
import { isPortNumber } from '../ir/names.ts'

type PortRange = readonly [first: number, last: number]

export const LAYER4_FLAGS = {
  'tcp-services-configmap': { type: 'string', default: '', describe: 'namespace/name of the ConfigMap with TCP ports' },
  'udp-services-configmap': { type: 'string', default: '', describe: 'namespace/name of the ConfigMap with UDP ports' },
  'proxy-ports': {
    type: 'string',
    default: '',
    coerce: (text: string): readonly PortRange[] => text.split(',').filter((part) => part !== '').map(portRange),
    describe: 'Ports that Proxies may open for TCP and UDP, such as 5432,9000-9100; empty: every free one',
  },
  'enable-ssl-passthrough': {
    type: 'boolean',
    default: false,
    describe: 'Serve the annotation ssl-passthrough: TLS of such a host ends at its backend',
  },
} as const satisfies Record<string, FlagOptions>

/** NaN where it is none. */
function portRange(text: string): PortRange {
  const [, first = '', last = first] = /^ *([0-9]{1,5})(?:-([0-9]{1,5}))? *$/.exec(text) ?? []
  return first === '' ? [Number.NaN, Number.NaN] : [Number(first), Number(last)]
}

/** What is wrong with the values, as a sentence. */
export function layer4FlagsError(flags: InferredOptionTypes<typeof LAYER4_FLAGS>): string | undefined {
  const isRange = ([first, last]: PortRange): boolean => isPortNumber(first) && isPortNumber(last) && first <= last
  if (flags['proxy-ports'].every(isRange)) return undefined
  return '--proxy-ports must be ports and ranges of them, separated by commas, such as 5432,9000-9100'
}
