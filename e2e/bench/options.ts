/** The command line of `npm run bench`. */
import { parseArgs } from 'node:util'
import { VARIANTS, type Variant } from '../lab/tools.ts'

export interface BenchOptions {
  readonly variant: Variant
  /** Cases of `throughput` and `patterns`, peers of `peers`; empty: all. */
  readonly only: readonly string[]
  /** How often each side is measured: `throughput`, `peers`. */
  readonly rounds: number
  /** Seconds of one round: `throughput`, `peers`. */
  readonly seconds: number
  readonly connections: number
  /** `endpoints`, `routes`. */
  readonly changes: number
  readonly reloads: number
  /** `routes`: the larger number of hosts. */
  readonly hosts: number
  /** `scale`, `growth`: Ingresses; undefined: as many as the benchmark is made for. */
  readonly size: number | undefined
}

/** What somebody typed wrong, or what is missing on this machine: a sentence for the person. */
export class BenchError extends Error {}

export type BenchCommand =
  | { readonly command: 'help' }
  | { readonly command: 'run'; readonly name: string; readonly options: BenchOptions }

export const OPTIONS_HELP = `  --variant NAME     the NGINX: ${VARIANTS.join(', ')} (default: next)
  --only A,B         throughput, patterns: these cases, peers: these peers (default: all)
  --rounds N         throughput, peers: rounds of each side (default: 15)
  --seconds N        throughput, peers: length of a round (default: 2)
  --connections N    throughput, peers: connections of the client (default: 32)
  --changes N        endpoints, routes: measured changes (default: 200)
  --hosts N          routes: the larger number of hosts (default: 10000)
  --size N           scale: Ingresses (default: 10000), growth: at most (default: 20000)
  --reloads N        reload: measured reloads (default: 20)
`

/** Throws BenchError. */
export function parseCommand(args: readonly string[]): BenchCommand {
  const { values, positionals } = parse(args)
  const [name, ...more] = positionals
  if (values.help || name === undefined) return { command: 'help' }
  if (more.length > 0) throw new BenchError(`one benchmark at a time, not also ${more.join(' ')}`)
  const variant = VARIANTS.find((it) => it === values.variant)
  if (variant === undefined) throw new BenchError(`--variant must be one of ${VARIANTS.join(', ')}, not ${values.variant}`)
  const number = (option: Numbered, least: number): number => wholeNumber(option, values[option], least)
  return {
    command: 'run',
    name,
    options: {
      variant,
      only: values.only.split(',').filter((part) => part !== ''),
      rounds: number('rounds', 1),
      seconds: number('seconds', 1),
      connections: number('connections', 1),
      changes: number('changes', 2),
      reloads: number('reloads', 1),
      hosts: number('hosts', 1),
      size: values.size === undefined ? undefined : wholeNumber('size', values.size, 10),
    },
  }
}

type Numbered = 'rounds' | 'seconds' | 'connections' | 'changes' | 'reloads' | 'hosts'

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        variant: { type: 'string', default: 'next' },
        rounds: { type: 'string', default: '15' },
        only: { type: 'string', default: '' },
        seconds: { type: 'string', default: '2' },
        connections: { type: 'string', default: '32' },
        changes: { type: 'string', default: '200' },
        hosts: { type: 'string', default: '10000' },
        size: { type: 'string' },
        reloads: { type: 'string', default: '20' },
        help: { type: 'boolean', default: false, short: 'h' },
      },
    })
  } catch (error) {
    if (error instanceof TypeError) throw new BenchError(error.message)
    throw error
  }
}

function wholeNumber(option: string, text: string, least: number): number {
  const number = Number(text)
  if (Number.isInteger(number) && number >= least) return number
  throw new BenchError(`--${option} must be a whole number from ${least} on, not ${text}`)
}
