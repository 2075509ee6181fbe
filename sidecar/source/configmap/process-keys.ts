/** Keys about NGINX as a process. */
import { address, cidr } from '../../ir/address.ts'
import { streamLogFormat } from '../../ir/log-format.ts'
import { LOG_LEVELS, type ProcessSettings } from '../../ir/process-settings.ts'
import { boolean, integer, list, word, type Parser } from '../../ir/value.ts'
import { key, type Key } from './key.ts'

const masks: Parser<readonly string[]> = (text) => {
  if (text === 'auto') return { value: ['auto'] }
  const mask: Parser<string> = (each) =>
    /^[01]{1,256}$/.test(each) ? { value: each } : { allowed: '"auto", or a mask of 0 and 1 for each worker' }
  return list(mask, 256)(text)
}

const openFiles: Parser<number> = (text) => {
  const parsed = integer(0, 10_000_000)(text)
  return 'value' in parsed && parsed.value > 0 && parsed.value < 64 ? { allowed: '0, or a whole number from 64 on' } : parsed
}

/** NGINX finds them in a table, by what stands in the request line. */
const loggedPath: Parser<string> = (text) =>
  /^[/][A-Za-z0-9_./:@*=-]{0,254}$/.test(text)
    ? { value: text }
    : { allowed: 'a path of letters, digits and "_./:@*=-", compared as a whole; no regular expression' }

const forwardedForHeader: Parser<string> = (text) =>
  /^[A-Za-z0-9-]{1,46}$/.test(text) ? { value: text } : { allowed: 'the name of a header: 1 to 46 letters, digits and "-"' }

export const PROCESS_KEYS: { readonly [K in keyof ProcessSettings]: Key<ProcessSettings[K]> } = {
  maxWorkerOpenFiles: key('max-worker-open-files', openFiles, 'Files and connections that a worker may have open; 0: as many as the container allows'),
  workerCpuAffinity: key('worker-cpu-affinity', masks, 'auto: each worker stays on a CPU; or a mask of CPUs for each'),
  debugConnections: key('debug-connections', list(cidr, 64), 'Addresses whose connections the error log has in detail, where NGINX is built for that'),
  bindAddress: key('bind-address', list(address, 16), 'Addresses to listen on, unless `--bind-address` names some'),
  disableIpv6: key('disable-ipv6', boolean, 'NGINX listens on IPv4 only'),
  errorLogLevel: key('error-log-level', word(...LOG_LEVELS), 'From which level on there are lines in the error log'),
  skipAccessLogUrls: key('skip-access-log-urls', list(loggedPath, 256), 'Paths, with their query, whose requests are not logged'),
  logDefaultBackend: key('enable-access-log-for-default-backend', boolean, 'Requests that no object takes are logged: 404, and those to the default backend'),
  disableHttpAccessLog: key('disable-http-access-log', boolean, 'No access log for HTTP'),
  disableStreamAccessLog: key('disable-stream-access-log', boolean, 'No access log for TCP and UDP'),
  logFormatStream: key('log-format-stream', streamLogFormat, 'Format of the access log for TCP and UDP'),
  generateRequestId: key('generate-request-id', boolean, 'Backends get an X-Request-ID of ours where the client sends none'),
  enableUnderscoresInHeaders: key('enable-underscores-in-headers', boolean, 'Headers with "_" in their names are passed on, but for [other spellings](authentication.md#spellings) of ours'),
  enableRealIp: key('enable-real-ip', boolean, 'The address of the client comes from a header of the proxies in `proxy-real-ip-cidr`, and nothing else they say counts'),
  forwardedForHeader: key('forwarded-for-header', forwardedForHeader, 'That header'),
}
