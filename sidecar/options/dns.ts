/** Flags about the names of Services of type ExternalName. */
import type { InferredOptionTypes, Options as FlagOptions } from 'yargs'
import { parseAddress } from '../ir/address.ts'
import { isPortNumber } from '../ir/names.ts'

export const DNS_FLAGS = {
  'disable-svc-external-name': { type: 'boolean', default: false, describe: 'Do not serve Services of type ExternalName' },
  'dns-server': {
    type: 'string',
    default: '',
    coerce: (text: string): readonly string[] => text.split(',').filter((server) => server !== ''),
    describe: 'DNS servers for their names, address or address:port, separated by commas; empty: those of /etc/resolv.conf',
  },
  'dns-interval': { type: 'number', default: 5, describe: 'Seconds from an answer to the next question, unless the answer holds for longer' },
} as const satisfies Record<string, FlagOptions>

const LONGEST_INTERVAL = 3600

/** What is wrong with the values, as a sentence. */
export function dnsFlagsError(flags: InferredOptionTypes<typeof DNS_FLAGS>): string | undefined {
  const wrong = flags['dns-server'].find((server) => !isServer(server))
  if (wrong !== undefined) return `--dns-server must be IP addresses, with or without a port, such as 10.96.0.10 or [2001:db8::10]:53, not ${wrong}`
  const interval = flags['dns-interval']
  if (interval > 0 && interval <= LONGEST_INTERVAL) return undefined
  return `--dns-interval must be seconds up to ${LONGEST_INTERVAL}, not ${interval}`
}

function isServer(text: string): boolean {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([0-9.]+)):([0-9]{1,5})$/.exec(text) ?? []
  const hasPort = port === undefined || isPortNumber(Number(port))
  return hasPort && parseAddress(bracketed ?? plain ?? text) !== undefined
}
