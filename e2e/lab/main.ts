/**
 * `npm run lab`: the whole lab with our controller and a demo in it, until Ctrl-C. Its network is a world
 * of its own, so three ports on this machine's loopback lead into it.
 */

import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { V1Ingress, V1Service } from '@kubernetes/client-node'
import { kubeconfigText, API_PORT } from './control-plane.ts'
import { progress } from './command.ts'
import { insideCommand, isInside } from './enter.ts'
import { startLab, type Lab } from './lab.ts'
import { OUTSIDE_ADDRESS } from './network.ts'
import { REPOSITORY, VARIANTS, prepareTools, type Variant } from './tools.ts'

const USAGE = `Usage: npm run lab -- [options]

  --variant NAME     the NGINX that serves: ${VARIANTS.join(', ')} (default: next)
  --nodes N          how many nodes (default: 1)
  --http-port N      on 127.0.0.1, leads to port 80 of the controller (default: a free one)
  --https-port N     on 127.0.0.1, leads to port 443 of the controller (default: a free one)
  --prepare          only build or fetch what the lab needs
  --help
`

/** The environment variable that names the folder which both programs see. */
const FOLDER = 'RESTY_INGRESS_LAB_FOLDER'
/** File descriptors that the inner program inherits: listening sockets of the outer network. */
const DOORS = { http: 3, https: 4, api: 5 }
const CONTROLLER = { namespace: 'resty-ingress', name: 'resty-ingress' }

interface Options {
  readonly variant: Variant
  readonly nodes: number
  readonly httpPort: number
  readonly httpsPort: number
  readonly prepare: boolean
  readonly help: boolean
}

/** Throws one sentence when the command line makes no sense. */
function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      'variant': { type: 'string', default: 'next' },
      'nodes': { type: 'string', default: '1' },
      'http-port': { type: 'string', default: '0' },
      'https-port': { type: 'string', default: '0' },
      'prepare': { type: 'boolean', default: false },
      'help': { type: 'boolean', default: false },
    },
  })
  const variant = VARIANTS.find((name) => name === values.variant)
  if (variant === undefined) throw new Error(`--variant must be one of ${VARIANTS.join(', ')}`)
  return {
    variant,
    nodes: wholeNumber('nodes', values.nodes, 1, 9),
    httpPort: wholeNumber('http-port', values['http-port'], 0, 65535),
    httpsPort: wholeNumber('https-port', values['https-port'], 0, 65535),
    prepare: values.prepare,
    help: values.help,
  }
}

function wholeNumber(option: string, text: string, least: number, most: number): number {
  const number = Number(text)
  if (Number.isInteger(number) && number >= least && number <= most) return number
  throw new Error(`--${option} must be a number from ${least} to ${most}`)
}

/** Opens the doors, runs this program again inside, and cleans up after it. */
async function runOutside({ variant, httpPort, httpsPort }: Options): Promise<number> {
  const { argv, env } = await insideCommand(variant)
  const doors = [await openDoor(httpPort), await openDoor(httpsPort), await openDoor(0)]
  const folder = await mkdtemp(join(tmpdir(), 'resty-ingress-lab-'))
  const child = spawn(argv[0] ?? '', argv.slice(1), {
    stdio: ['ignore', 'inherit', 'inherit', ...doors.map(descriptor), 'ipc'],
    env: { ...env, [FOLDER]: folder },
  })
  await writeFile(join(folder, 'pid'), String(child.pid))
  // The child has its own copies; ours must not take its connections.
  for (const door of doors) door.close()
  const stop = (): void => { if (child.connected) child.send('stop') }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop)
  const code = await new Promise<number>((resolve) => { child.once('exit', (status) => { resolve(status ?? 1) }) })
  await rm(folder, { recursive: true, force: true })
  return code
}

async function openDoor(port: number): Promise<Server> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(error.code === 'EADDRINUSE' ? new Error(`port ${port} is taken; choose another one`) : error)
    })
    server.listen(port, '127.0.0.1', resolve)
  })
  return server
}

/** Node passes a number on as a file descriptor; a server does not tell its own in any other way. */
function descriptor(server: Server): number {
  return (server as unknown as { _handle: { fd: number } })._handle.fd
}

async function runInside(options: Options): Promise<number> {
  const stopped = new Promise<void>((resolve) => {
    process.on('message', () => { resolve() })
    process.once('disconnect', resolve)
    process.on('SIGINT', resolve)
  })
  const lab = await startLab(options)
  try {
    const ports = await openForwards(lab)
    process.stdout.write(`export KUBECONFIG=${join(ports.folder, 'kubeconfig')}\n`)
    await lab.applyFolder(join(REPOSITORY, 'manifests'))
    await lab.apply(await readFile(join(REPOSITORY, 'e2e', 'lab', 'demo.yaml'), 'utf8'))
    await Promise.race([stopped, untilServing(lab)])
    await Promise.race([stopped, printHints(lab, ports)])
    await stopped
    progress('stopping')
    return 0
  } finally {
    await lab.close()
  }
}

interface Ports {
  readonly http: number
  readonly https: number
  readonly folder: string
}

/** Accepts outside, connects inside. */
async function openForwards(lab: Lab): Promise<Ports> {
  const folder = process.env[FOLDER] ?? tmpdir()
  const http = await forward(DOORS.http, 80, () => controllerAddress(lab))
  const https = await forward(DOORS.https, 443, () => controllerAddress(lab))
  const api = await forward(DOORS.api, API_PORT, () => OUTSIDE_ADDRESS)
  const credentials = { ...lab.credentials, url: `https://127.0.0.1:${api}` }
  await writeFile(join(folder, 'kubeconfig'), kubeconfigText(credentials), { mode: 0o600 })
  return { http, https, folder }
}

async function forward(fd: number, port: number, address: () => Promise<string> | string): Promise<number> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    Promise.resolve(address())
      .then((host) => { splice(socket, connect({ host, port, allowHalfOpen: true })) })
      .catch(() => { socket.destroy() })
  })
  await new Promise<void>((resolve) => { server.listen({ fd }, resolve) })
  server.unref()
  return (server.address() as AddressInfo).port
}

function splice(outer: Socket, inner: Socket): void {
  outer.pipe(inner)
  inner.pipe(outer)
  outer.once('error', () => { inner.destroy() }).once('close', () => { inner.destroy() })
  inner.once('error', () => { outer.destroy() }).once('close', () => { outer.destroy() })
}

/** What the lab's load balancer gave to the controller's Service. */
async function controllerAddress(lab: Lab): Promise<string> {
  const service = await lab.client.get<V1Service & object>('v1/Service', CONTROLLER)
  const address = service.status?.loadBalancer?.ingress?.[0]?.ip
  if (address === undefined) throw new Error('the controller has no address yet')
  return address
}

async function untilServing(lab: Lab): Promise<void> {
  progress('waiting for the controller and the demo')
  await lab.waitForDeployment('demo', 'account-user')
  await lab.waitForDeployment('demo', 'book-server')
  await lab.waitForDeployment(CONTROLLER.namespace, CONTROLLER.name)
}

async function printHints(lab: Lab, { http, https, folder }: Ports): Promise<void> {
  const ingresses = await lab.client.list<V1Ingress & object>('networking.k8s.io/v1/Ingress')
  const targets = ingresses.flatMap((ingress) => ingress.spec?.rules ?? []).flatMap(({ host, http: rule }) =>
    (rule?.paths ?? []).map(({ path }) => ({ host, path })))
  process.stdout.write([
    '',
    ...targets.map(({ host, path }) => `curl -H 'Host: ${host}' http://127.0.0.1:${http}${path}`),
    ...targets.slice(0, 1).map(({ host, path }) => `curl -k --connect-to ::127.0.0.1:${https} https://${host}${path}`),
    '',
    `export KUBECONFIG=${join(folder, 'kubeconfig')}`,
    'kubectl get pods,ingress -A',
    'kubectl -n resty-ingress logs deployment/resty-ingress -c sidecar -f',
    '',
    `inside the lab's network: nsenter -t ${await readFile(join(folder, 'pid'), 'utf8')} -n -m`,
    'Ctrl-C stops the lab.',
    '',
  ].join('\n'))
}

async function main(): Promise<number> {
  const options = readOptions()
  if (options.help) process.stdout.write(USAGE)
  else if (options.prepare) await prepareTools(options.variant)
  else return isInside() ? await runInside(options) : await runOutside(options)
  return 0
}

main().then((code) => { process.exit(code) }, (error: unknown) => {
  process.stderr.write(`lab: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(1)
})
