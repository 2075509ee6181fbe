/**
 * Flags of ingress-nginx 1.15.1 that change nothing here: accepted with a warning, so that its arguments can stay. A
 * test holds the list against our flags: each is in one of the two.
 */
import { aboutKnown, knownTable, type Rows } from './known.ts'

const GEOIP = 'a load balancer that adds the country as a header'
const ADMISSION = 'ValidatingAdmissionPolicies (docs/admission.md), without a server and certificate'
const LOG = '--log-level'
const SOCKET = 'nothing needs it: the sidecar and OpenResty speak over a unix socket'
const PROFILER = 'metrics of the sidecar, at --healthz-port'
const CLASSIC = 'the buckets of --time-buckets, --length-buckets and --size-buckets'

const LATER: Rows = {
  'default-server-port': ['port of the 404 for requests that no rule takes', 'nothing needs it: the 404 has no port of its own'],
  'bucket-factor': ['native histograms', CLASSIC],
  'max-buckets': ['their size', CLASSIC],
}

const NEVER: Rows = {
  'enable-ssl-chain-completion': ['missing certificates are fetched from where a certificate says', 'a Secret with the whole chain; an object would say where we connect to', 'false'],
  'enable-annotation-validation': ['values of annotations are checked', 'they always are', 'true'],
  'deep-inspect': ['Ingresses are searched for dangerous text', 'nothing needs it: no text of an object becomes configuration', 'true'],
  'validating-webhook': ['address of the webhook that judges Ingresses', ADMISSION],
  'validating-webhook-certificate': ['its certificate', ADMISSION],
  'validating-webhook-key': ['its key', ADMISSION],
  'disable-full-test': ['that webhook tests less', ADMISSION, 'false'],
}

const NEEDLESS: Rows = {
  'ssl-passthrough-proxy-port': ['port behind the one that passes TLS on', 'a unix socket'],
  'health-check-timeout': ['how long a health check may take', 'the timeout of the probe in the pod'],
  'status-port': ['port by which NGINX is configured', SOCKET],
  'stream-port': ['the same for TCP and UDP', SOCKET],
  'internal-logger-address': ['where NGINX sends its log to', 'it goes to standard output'],
  profiling: ['profiles of the controller', PROFILER, 'false'],
  'profiler-port': ['at which port', PROFILER],
  'profiler-address': ['at which address', PROFILER],
  'monitor-max-batch-size': ['how many requests a worker counts before it tells', 'requests are counted in shared memory'],
  'sync-period': ['how often all objects are read again', 'nothing needs it: each change is followed', '0'],
  'sync-rate-limit': ['how often NGINX may be reloaded', 'few changes reload, and those are paced (docs/architecture.md)'],
  'dynamic-configuration-retries': ['how often a push is tried', 'it is tried until it succeeds'],
  'post-shutdown-grace-period': ['seconds after the end of NGINX', '--shutdown-grace-period, before it'],
  'disable-sync-events': ['no Event for each synchronisation', 'there are Events for findings only'],
  'maxmind-edition-ids': ['data of countries', GEOIP],
  'maxmind-license-key': ['the licence for them', GEOIP],
  'maxmind-mirror': ['where they are fetched', GEOIP],
  'maxmind-retries-count': ['how often that is tried', GEOIP],
  'maxmind-retries-timeout': ['how long between two tries', GEOIP],
  v: ['how much is logged', LOG],
  vmodule: ['the same by file', LOG],
  logtostderr: ['where the log goes', LOG],
  alsologtostderr: ['the same', LOG],
  stderrthreshold: ['the same by severity', LOG],
  log_dir: ['folder of log files', LOG],
  log_file: ['one log file', LOG],
  log_file_max_size: ['its size', LOG],
  log_backtrace_at: ['lines that log how they were reached', LOG],
  add_dir_header: ['folders in the log', LOG],
  skip_headers: ['lines without a head', LOG],
  skip_log_headers: ['log files without a head', LOG],
  one_output: ['each line once', LOG],
}

/** By flag, without dashes. */
export const KNOWN_FLAGS = knownTable({ later: LATER, never: NEVER, needless: NEEDLESS })

/** What is said of such a flag at the start. */
export function flagNotice(flag: string): string {
  const known = KNOWN_FLAGS.get(flag)
  if (known === undefined) throw new Error(`--${flag} has an effect`)
  return `--${flag} is ${aboutKnown(known)}`
}
