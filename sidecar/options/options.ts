/** Flags and environment -> Options. The only reader of process.env. Flag names are those of ingress-nginx. */
import yargs, { type Argv, type InferredOptionTypes, type Options as FlagOptions } from 'yargs'
import { KNOWN_FLAGS } from '../compat/flags.ts'
import { holdsAnyway } from '../compat/known.ts'
import { parseAddress } from '../ir/address.ts'
import { CLUSTER_FLAGS, clusterFlagsError } from './cluster.ts'
import { DNS_FLAGS, dnsFlagsError } from './dns.ts'
import { withInspection, type Inspect } from './inspect.ts'
import { LAYER4_FLAGS, layer4FlagsError } from './layer4.ts'
import { METRICS_FLAGS, metricsFlagsError } from './metrics.ts'
import { flagSyntaxError } from './syntax.ts'

const FLAGS = {
  manifests: { type: 'string', describe: 'Read the objects from this folder instead of an API server' },
  'run-dir': { type: 'string', default: '/run/resty-ingress', describe: 'Folder shared with OpenResty; holds control.sock' },
  kubeconfig: { type: 'string', describe: 'kubeconfig file; without it the service account of the pod is used' },
  'apiserver-host': { type: 'string', describe: 'URL of the API server' },
  'certificate-authority': { type: 'string', describe: 'PEM bundle to verify the API server with' },
  configmap: { type: 'string', default: '', describe: 'namespace/name of the ConfigMap with the settings' },
  ...LAYER4_FLAGS,
  'controller-class': {
    type: 'string',
    default: 'resty-ingress.io/ingress-controller',
    describe: 'spec.controller of the IngressClasses to serve; k8s.io/ingress-nginx takes over from ingress-nginx',
  },
  'ingress-class': { type: 'string', default: 'resty-ingress', describe: 'Value of the old annotation kubernetes.io/ingress.class to serve' },
  'ingress-class-by-name': { type: 'boolean', default: false, describe: 'Also serve the IngressClass whose name is --ingress-class' },
  'watch-ingress-without-class': { type: 'boolean', default: false, describe: 'Also serve Ingresses that name no class' },
  ...CLUSTER_FLAGS,
  'annotations-prefix': { type: 'string', default: 'nginx.ingress.kubernetes.io', describe: 'Prefix of annotations, beside resty-ingress.io' },
  'enable-topology-aware-routing': {
    type: 'boolean',
    default: false,
    describe: 'Prefer the endpoints that hints of EndpointSlices give to the zone of our node',
  },
  ...DNS_FLAGS,
  'disable-catch-all': { type: 'boolean', default: false, describe: 'Do not serve an Ingress that is only a default backend' },
  'default-backend-service': {
    type: 'string',
    default: '',
    describe: 'namespace/name of the Service for requests that no rule takes, and for custom-http-errors',
  },
  'default-ssl-certificate': { type: 'string', default: '', describe: 'namespace/name of the Secret to serve where no other fits' },
  'publish-service': { type: 'string', default: '', describe: 'namespace/name of the Service whose address goes into the status' },
  'publish-status-address': { type: 'string', default: '', describe: 'Addresses for the status, separated by commas' },
  'report-node-internal-ip-address': { type: 'boolean', default: false, describe: 'Prefer the internal address of the node for the status' },
  'http-port': { type: 'number', default: 80, describe: 'Port for HTTP' },
  'https-port': { type: 'number', default: 443, describe: 'Port for HTTPS' },
  'https-redirect-port': { type: 'number', describe: 'Port that redirects to https name [443; with --manifests: --https-port]' },
  'bind-address': {
    type: 'string',
    default: '',
    coerce: (text: string): readonly string[] => text.split(',').filter((address) => address !== ''),
    describe: 'Listen only on these addresses, separated by commas; empty: all',
  },
  'healthz-port': { type: 'number', default: 10254, describe: 'Port of health, metrics and the admin API' },
  'healthz-host': { type: 'string', default: '', describe: 'Address of health, metrics and the admin API; empty: all' },
  ...METRICS_FLAGS,
  'health-check-path': { type: 'string', default: '/healthz', describe: 'Path of the liveness check' },
  'shutdown-grace-period': {
    type: 'number',
    default: 10,
    describe: 'Seconds to go on after SIGTERM, not ready any more; as RESTY_INGRESS_SHUTDOWN_GRACE_PERIOD of OpenResty',
  },
  snippets: {
    type: 'string',
    choices: ['off', 'typed'],
    default: 'off',
    describe: 'typed: read configuration-snippet where all its directives are known; no text becomes configuration',
  },
  'log-level': { type: 'string', choices: ['debug', 'info', 'warn', 'error'], default: 'info', describe: 'What to log' },
} as const satisfies Record<string, FlagOptions>

/** Their values are `namespace/name`. */
const OBJECT_FLAGS = [
  'configmap', 'tcp-services-configmap', 'udp-services-configmap', 'publish-service', 'default-backend-service',
  'default-ssl-certificate',
] as const

/** As in openresty/start. */
const MOST_GRACE = 9999

type Flags = InferredOptionTypes<typeof FLAGS>

/** Flags that have a meaning here. */
export const FLAG_NAMES: readonly string[] = Object.keys(FLAGS)

export interface Options extends Readonly<Flags> {
  /** Given flags of ingress-nginx that have no effect here (compat/flags.ts), where that makes a difference. */
  readonly ignored: readonly string[]
  readonly podName: string
  readonly podNamespace: string
  readonly podAddresses: readonly string[]
  /** Ports at which these addresses are ours, where they are those of the node; else empty. */
  readonly podPorts: readonly number[]
  readonly serviceHost: string
  readonly servicePort: string
}

export type Command =
  | { readonly name: 'run'; readonly options: Options }
  | { readonly name: 'translate'; readonly input: string; readonly output: string; readonly options: Options }
  | { readonly name: 'inspect'; readonly inspect: Inspect }

/** What the user typed wrong, as a sentence. */
export class UsageError extends Error {}

/** Why the controller cannot start, as a sentence for the person who started it. */
export class StartError extends Error {}

const ARGUMENT_MISSING = 'an argument is missing: explain takes a URL, translate a folder of manifests'
const TRANSLATE_INPUT = { type: 'string', describe: 'Folder of manifests' } as const
const TRANSLATE_OUT = { type: 'string', demandOption: true, describe: 'Folder to write to' } as const

function withRunFlags<T>(parser: Argv<T>): Argv<T> {
  const accepted = [...KNOWN_FLAGS.keys()].reduce((it, flag) => it.option(flag, { hidden: true }), parser as Argv)
  return accepted.options(FLAGS) as unknown as Argv<T>
}

/**
 * Parses `run …`, `translate DIR --out DIR2`, or a command that looks into a controller. Throws UsageError;
 * gives undefined when help or the version was asked for and printed.
 */
export async function parseCommand(
  args: readonly string[],
  version: string,
  env: Environment = process.env,
): Promise<Command | undefined> {
  const syntaxError = flagSyntaxError(args, FLAGS)
  if (syntaxError !== undefined) throw new UsageError(syntaxError)
  let command: Command | undefined
  const parser = withInspection(yargs([...args]), (inspect) => (command = { name: 'inspect', inspect }))
    .scriptName('resty-ingress')
    // Our own sentences have one language, so yargs must not take the machine's.
    .locale('en')
    .parserConfiguration({ 'duplicate-arguments-array': false, 'camel-case-expansion': false, 'boolean-negation': false })
    .command('run', 'Serve the Ingresses of a cluster, or of a folder', withRunFlags, (flags) => {
      command = { name: 'run', options: complete(flags as unknown as Flags, env) }
    })
    .command(
      'translate <input>',
      'Translate a folder of manifests into nginx.conf, records.json and findings.json',
      (it) => withRunFlags(it).positional('input', TRANSLATE_INPUT).option('out', TRANSLATE_OUT),
      (flags) => {
        const { input, out } = flags as unknown as { input: string; out: string }
        command = { name: 'translate', input, output: out, options: complete(flags as unknown as Flags, env) }
      },
    )
    .demandCommand(1, 'say what to do: run, translate, status, explain, records or config')
    .strict()
    .version(version)
    .wrap(100)
    .exitProcess(false)
    .fail((message, error) => {
      if (error instanceof UsageError) throw error
      throw new UsageError(message?.replace(/^Not enough non-option arguments.*/, ARGUMENT_MISSING) ?? String(error))
    })
  await parser.parseAsync()
  return command
}

export type Environment = Readonly<Record<string, string | undefined>>

function complete(flags: Flags, env: Environment): Options {
  check(flags)
  checkGroups(flags)
  const { POD_NAME = '', POD_NAMESPACE = '', POD_IPS = '', POD_PORTS = '' } = env
  const { KUBERNETES_SERVICE_HOST: serviceHost = '', KUBERNETES_SERVICE_PORT: servicePort = '443' } = env
  return {
    ...flags,
    ignored: ignoredFlags(flags),
    podName: POD_NAME,
    podNamespace: POD_NAMESPACE,
    podAddresses: POD_IPS.split(',').filter((address) => parseAddress(address) !== undefined),
    podPorts: POD_PORTS.split(',').map(Number).filter((port) => port > 0),
    serviceHost,
    servicePort,
  }
}

function ignoredFlags(flags: Readonly<Record<string, unknown>>): string[] {
  const given = [...KNOWN_FLAGS].filter(([flag]) => flags[flag] !== undefined)
  return given.filter(([flag, known]) => !holdsAnyway(known, String(flags[flag]))).map(([flag]) => flag)
}

function check(flags: Flags): void {
  for (const flag of OBJECT_FLAGS) {
    const name = flags[flag]
    if (name !== '' && !/^[^/]+\/[^/]+$/.test(name)) throw new UsageError(`--${flag} must be namespace/name, not ${name}`)
  }
  for (const flag of ['http-port', 'https-port', 'healthz-port'] as const) checkPort(flag, flags[flag])
  const grace = flags['shutdown-grace-period']
  if (!(grace >= 0 && grace <= MOST_GRACE)) {
    throw new UsageError(`--shutdown-grace-period must be seconds up to ${MOST_GRACE}, not ${grace}`)
  }
  const { 'http-port': http, 'https-port': https, 'healthz-port': healthz } = flags
  if (new Set([http, https, healthz]).size < 3) throw new UsageError('--http-port, --https-port and --healthz-port must differ')
  for (const address of flags['bind-address']) {
    if (parseAddress(address) === undefined) throw new UsageError(`--bind-address ${address} is not an IP address`)
  }
}

function checkGroups(flags: Flags): void {
  const error = metricsFlagsError(flags) ?? clusterFlagsError(flags) ?? dnsFlagsError(flags) ?? layer4FlagsError(flags)
  if (error !== undefined) throw new UsageError(error)
}

function checkPort(flag: string, port: number): void {
  const lowest = flag === 'healthz-port' ? 0 : 1
  if (!Number.isInteger(port) || port < lowest || port > 65_535) {
    // Of a text that is no number yargs has kept nothing.
    const given = Number.isNaN(port) ? '' : `, not ${port}`
    throw new UsageError(`--${flag} must be a port number from ${lowest} to 65535${given}`)
  }
}
