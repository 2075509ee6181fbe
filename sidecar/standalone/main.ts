/** `npm start`: the whole ingress on this machine, on a folder of manifests, until Ctrl-C. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { UsageError } from '../options/options.ts'
import { reachable } from './admin.ts'
import { HELP, parseArguments, type Arguments } from './arguments.ts'
import { curlLines, namesProxy } from './curl.ts'
import { StandaloneError } from './errors.ts'
import { Standalone } from './standalone.ts'

const SETUP = join(import.meta.dirname, '../setup.mjs')
/** npm passes Ctrl-C on to us although the terminal did already: within this time it is the same one. */
const SAME_SIGNAL_MS = 1_000

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

function complain(message: string): number {
  process.stderr.write(`npm start: ${message}\n`)
  return 1
}

async function main(): Promise<number> {
  try {
    const args = await parseArguments(process.argv.slice(2), process.env)
    if (args === undefined) {
      process.stdout.write(HELP)
      return 0
    }
    return await run(args)
  } catch (error) {
    if (error instanceof StandaloneError || error instanceof UsageError) return complain(error.message)
    throw error
  }
}

async function run(args: Arguments): Promise<number> {
  if (args.nginx === undefined) findNginx()
  const standalone = new Standalone(args, print)
  const interrupted = onSignals(standalone)
  const over = new AbortController()
  try {
    await standalone.start()
    const died = standalone.died
    const outcome = await Promise.race([interrupted, died, standalone.admin.ready(over.signal)])
    if (outcome === undefined) await greet(args, standalone)
    const end = outcome ?? (await Promise.race([interrupted, died]))
    return end === INTERRUPTED ? 0 : complain(end)
  } finally {
    over.abort()
    await standalone.stop()
  }
}

const INTERRUPTED = 'interrupted'

/**
 * Resolves at the first signal, or when nobody reads our output any more. At the second, nobody is waited
 * for any more.
 */
function onSignals(standalone: Standalone): Promise<string> {
  const first = Promise.withResolvers<string>()
  let firstAt: number | undefined
  const onSignal = (): void => {
    if (firstAt === undefined) {
      firstAt = performance.now()
      print('\nstopping ...')
      first.resolve(INTERRUPTED)
    } else if (performance.now() - firstAt > SAME_SIGNAL_MS) {
      void standalone.kill()
    }
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, onSignal)
  process.stdout.on('error', onSignal)
  return first.promise
}

/** Installs NGINX where that is possible; its own words say what to do where not. */
function findNginx(): void {
  const { status } = spawnSync(process.execPath, [SETUP, '--with', 'nginx'], { stdio: 'inherit' })
  if (status !== 0) throw new StandaloneError('NGINX with Lua is needed; see above, or name one with --nginx PATH')
}

async function greet({ manifests, options }: Arguments, { admin, demoBackends }: Standalone): Promise<void> {
  const lines = curlLines(await admin.routes(), {
    address: reachable(options['bind-address'][0] ?? ''),
    httpPort: options['http-port'],
    httpsPort: options['https-port'],
    proxied: namesProxy(process.env),
  })
  print('')
  print(lines.length === 0 ? 'Ready, but no route leads to an endpoint yet.' : 'Ready. Try:')
  for (const line of lines) print(`  ${line}`)
  print('')
  print(`Manifests:  ${manifests} (edit them: the next request goes by what is saved)`)
  if (demoBackends > 0) print(`Backends:   ${demoBackends} demo servers, one for each endpoint with the demo label`)
  print(`Admin:      ${admin.url}/v1/routes  /v1/streams  /v1/findings  /v1/generations  /readyz  /metrics`)
  print('Ctrl-C ends all of it.')
}

process.exitCode = await main()
// Handles of signals and of a fetch that was left alone would keep us here.
process.exit()
