/** Are the ports free? Asked before anything starts: NGINX would say it less clearly, and too late. */
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import type { Arguments } from './arguments.ts'
import { codeOf, StandaloneError } from './errors.ts'

interface Wanted {
  readonly flag: string
  readonly port: number
  /** Empty: all addresses. */
  readonly host: string
}

/** Throws StandaloneError for the first port that cannot be had. */
export async function checkPorts({ options }: Arguments): Promise<void> {
  const hosts = options['bind-address'].length === 0 ? [''] : options['bind-address']
  for (const host of hosts) {
    await checkPort({ flag: '--port', port: options['http-port'], host })
    await checkPort({ flag: '--https-port', port: options['https-port'], host })
  }
}

/** The port for health and metrics: the one asked for, or any free one where that does not matter. */
export async function chooseHealthzPort({ options, healthzPortIsFree }: Arguments): Promise<number> {
  const wanted = { flag: '--healthz-port', port: options['healthz-port'], host: options['healthz-host'] }
  try {
    return await openOnce(wanted)
  } catch (error) {
    if (healthzPortIsFree && codeOf(error) === 'EADDRINUSE') return await openOnce({ ...wanted, port: 0 })
    throw explained(wanted, error)
  }
}

async function checkPort(wanted: Wanted): Promise<void> {
  try {
    await openOnce(wanted)
  } catch (error) {
    throw explained(wanted, error)
  }
}

/** The port that was opened, and is closed again. */
async function openOnce({ port, host }: Wanted): Promise<number> {
  const server = createServer().listen({ port, ...(host === '' ? {} : { host }) })
  await once(server, 'listening')
  const opened = (server.address() as AddressInfo).port
  server.close()
  await once(server, 'close')
  return opened
}

function explained({ flag, port, host }: Wanted, error: unknown): StandaloneError {
  const where = `port ${port}${host === '' ? '' : ` of ${host}`}`
  switch (codeOf(error)) {
    case 'EADDRINUSE':
      return new StandaloneError(`${where} is in use; end the program that listens there, or choose another with ${flag}`)
    case 'EACCES':
      return new StandaloneError(`${where} may only be opened by root; choose one from 1024 on with ${flag}`)
    case 'EADDRNOTAVAIL':
      return new StandaloneError(`${host} is no address of this machine`)
    default:
      return new StandaloneError(`${where} cannot be opened: ${error instanceof Error ? error.message : String(error)}`)
  }
}
