/** What is compared, case by case. */
import { LARGE_PATH } from '../traffic/backends.ts'
import type { Client } from '../traffic/client.ts'
import { runH2load } from '../traffic/h2load.ts'
import { runWrk } from '../traffic/wrk.ts'

export type ContenderName = 'ours' | 'plain' | 'metrics'

export interface Case {
  /** Its key in the JSON. */
  readonly name: string
  readonly title: string
  readonly measured: ContenderName
  readonly reference: ContenderName
  readonly client: Client
  readonly tls: boolean
  readonly path: string
  readonly reconnect?: boolean
  readonly target?: Target
}

/** A bound on a ratio. */
export interface Target {
  readonly figure: 'cpu' | 'rps'
  readonly most?: number
  readonly least?: number
  readonly text: string
}

const cpuTarget = (most: number): Target => ({ figure: 'cpu', most, text: `CPU per request at most ${most} x plain NGINX` })

const AGAINST_PLAIN = { measured: 'ours', reference: 'plain' } as const
const SMALL = { client: runWrk, tls: false, path: '/' } as const

export const CASES: readonly Case[] = [
  { name: 'small', title: '2 bytes, HTTP/1.1', ...AGAINST_PLAIN, ...SMALL, target: cpuTarget(1.1) },
  { name: 'large', title: '100 KB, HTTP/1.1', ...AGAINST_PLAIN, ...SMALL, path: LARGE_PATH, target: cpuTarget(1.03) },
  { name: 'tls', title: '2 bytes, HTTP/1.1 over TLS', ...AGAINST_PLAIN, ...SMALL, tls: true, target: cpuTarget(1.03) },
  { name: 'http2', title: '2 bytes, HTTP/2 over TLS', ...AGAINST_PLAIN, client: runH2load, tls: true, path: '/' },
  {
    name: 'handshake', title: '2 bytes, a TLS connection for each request',
    ...AGAINST_PLAIN, ...SMALL, tls: true, reconnect: true,
  },
  {
    name: 'metrics', title: '2 bytes, HTTP/1.1, metrics on against off',
    measured: 'metrics', reference: 'ours', ...SMALL,
    target: { figure: 'rps', least: 0.97, text: 'metrics take at most 3 % of the requests/s' },
  },
]
