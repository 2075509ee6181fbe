/** The commands that look into a running controller: `status`, `explain`, `records`, `config`. */
import type { Argv } from 'yargs'

export type Output = 'text' | 'json'

export type Inspect =
  | { readonly name: 'status'; readonly port: number; readonly output: Output }
  | { readonly name: 'config'; readonly port: number }
  | { readonly name: 'records'; readonly port: number; readonly prefix: string }
  | {
    readonly name: 'explain'
    readonly port: number
    readonly output: Output
    readonly url: string
    readonly method: string
    readonly headers: readonly string[]
    /** Folder that `translate` wrote, in place of a running controller. */
    readonly translation?: string
  }

const PORT = { type: 'number', default: 10254, describe: 'Port of the admin API on this machine: --healthz-port of the controller' } as const
const OUTPUT = { choices: ['text', 'json'], default: 'text', describe: 'How to print' } as const

/** Adds the commands; `take` gets the one that was given. */
export function withInspection<T>(parser: Argv<T>, take: (command: Inspect) => void): Argv<T> {
  return parser
    .command(
      'status',
      'Print what runs: versions, revision, and each route with its object, Service and endpoints',
      (it) => it.option('healthz-port', PORT).option('output', OUTPUT),
      (flags) => take({ name: 'status', port: flags['healthz-port'], output: flags.output as Output }),
    )
    .command(
      'explain <url>',
      'Print which route a request takes and why, what holds for it and who said so, and where it goes',
      (it) =>
        it
          .positional('url', { type: 'string', demandOption: true, describe: 'For example http://test.domain.com/web/v1' })
          .option('method', { type: 'string', default: 'GET', describe: 'Method of the request' })
          .option('header', { alias: 'H', type: 'string', array: true, nargs: 1, default: [], describe: 'name:value; may come several times' })
          .option('translation', { type: 'string', describe: 'Folder that `translate` wrote: explain that, not what runs' })
          .option('healthz-port', PORT)
          .option('output', OUTPUT),
      (flags) => {
        const { url, method, header: headers, translation, output } = flags
        const from = translation === undefined ? {} : { translation }
        take({ name: 'explain', port: flags['healthz-port'], output: output as Output, url, method, headers, ...from })
      },
    )
    .command(
      'records [prefix]',
      'Print the records that OpenResty is to have, as JSON, a line each',
      (it) =>
        it
          .positional('prefix', { type: 'string', default: '', describe: 'What their keys begin with, for example backend/prod/' })
          .option('healthz-port', PORT),
      (flags) => take({ name: 'records', port: flags['healthz-port'], prefix: flags.prefix }),
    )
    .command(
      'config',
      'Print the nginx.conf that runs',
      (it) => it.option('healthz-port', PORT),
      (flags) => take({ name: 'config', port: flags['healthz-port'] }),
    )
}
