/** The whole controller on a folder of manifests, with a real NGINX: everything but the API server. */
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { pino } from 'pino'
import { request } from 'undici'
import type { Finding } from '../../../sidecar/ir/origin.ts'
import { parseCommand } from '../../../sidecar/options/options.ts'
import { runController, type Running } from '../../../sidecar/run.ts'
import { freePort, start, until, type DataPlane, type Variant } from './harness.ts'

export interface Sidecar {
  readonly plane: DataPlane
  readonly http: string
  readonly https: string
  /** What the sidecar has logged. */
  log(): string
  /** Writes one file of the folder; '' empties it. */
  write(file: string, manifest: string): Promise<void>
  /** An answer of the admin API. */
  admin<T>(path: string): Promise<T>
  untilFinding(reason: string): Promise<Finding>
  /** The sidecar ends, and another one begins; NGINX goes on. */
  restart(): Promise<void>
}

/** Serves Ingresses without class; ends with the test. `files`: name to content, there from the beginning. */
export async function sidecar(
  test: TestContext, variant: Variant, files: Readonly<Record<string, string>>, flags: readonly string[] = [],
): Promise<Sidecar> {
  const plane = await start(variant)
  // A link to the output, for containers; NGINX makes a file of its own when it loads the configuration.
  await rm(join(plane.folder, 'access.log'))
  const manifests = join(plane.folder, 'manifests')
  const write = (file: string, manifest: string): Promise<void> => writeFile(join(manifests, file), manifest)
  await mkdir(manifests)
  for (const [file, manifest] of Object.entries(files)) await write(file, manifest)
  const [httpPort, httpsPort] = [await freePort(), await freePort()]
  const command = await parseCommand([
    'run', `--manifests=${manifests}`, `--run-dir=${plane.folder}`, `--http-port=${httpPort}`, `--https-port=${httpsPort}`,
    '--bind-address=127.0.0.1', '--healthz-host=127.0.0.1', '--healthz-port=0', '--watch-ingress-without-class', ...flags,
  ], '', {})
  if (command?.name !== 'run') throw new Error('the flags are not understood')
  const { options } = command
  const lines: string[] = []
  const log = pino({ level: 'trace' }, { write: (line) => void lines.push(line) })
  const run = (): Promise<Running> => runController(options, log, '')
  let running = await run()
  test.after(async () => {
    await running.close()
    await plane.stop()
    await rm(plane.folder, { recursive: true, force: true })
  })
  const admin = async <T>(path: string): Promise<T> => {
    const answer = await request(`http://127.0.0.1:${running.adminPort}${path}`)
    return (await answer.body.json()) as T
  }
  const ready = (): Promise<boolean> => until('it is ready', async () => {
    return (await request(`http://127.0.0.1:${running.adminPort}/readyz`)).statusCode === 200
  })
  await ready()
  return {
    plane,
    http: `http://127.0.0.1:${httpPort}`,
    https: `https://127.0.0.1:${httpsPort}`,
    log: () => lines.join(''),
    write,
    admin,
    restart: async () => {
      await running.close()
      running = await run()
      await ready()
    },
    untilFinding: (reason) => until(`there is a finding ${reason}`, async () => {
      return (await admin<{ findings: Finding[] }>('/v1/findings')).findings.find((it) => it.reason === reason)
    }),
  }
}
