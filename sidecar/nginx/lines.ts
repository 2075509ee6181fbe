/** The directives that depend on settings and on what the running NGINX can do, section by section. */
import { ROUTE_VARIABLES, variablesOf } from '../ir/log-format.ts'
import { DEFAULT_SETTINGS, type Settings } from '../ir/settings.ts'
import { bufferDirectives, buffersOf } from '../policy/buffering.ts'
import { nextUpstream } from '../policy/retries.ts'
import { bytes, cidr, condition, directive, keyword, logFormat, number, onOff, opensslNames, time, type Directive } from '../syntax/directive.ts'
import type { Capabilities } from './input.ts'
import { realIpLines } from './servers.ts'

/** Idle keep-alive connections of a stopping worker stay open this long, to answer once more and say goodbye. */
const KEEPALIVE_MIN_SECONDS = 10

/** Outside of every block. */
export function mainLines(settings: Settings): readonly Directive[] {
  const { workerProcesses, workerCpuAffinity: cpus, maxWorkerOpenFiles: files } = settings
  return [
    directive('worker_processes', workerProcesses === 'auto' ? keyword('auto') : number(workerProcesses, 1, 256)),
    ...(cpus.length === 0 ? [] : [directive('worker_cpu_affinity', ...cpus.map((mask) => keyword(mask)))]),
    ...(files === 0 ? [] : [directive('worker_rlimit_nofile', number(files, 64, 10_000_000))]),
    directive('worker_shutdown_timeout', time(settings.workerShutdownTimeout)),
    directive('error_log', keyword('stderr'), keyword(settings.errorLogLevel)),
  ]
}

/** In `events`. */
export function eventLines(settings: Settings): readonly Directive[] {
  return [
    directive('worker_connections', number(settings.maxWorkerConnections, 64, 1_000_000)),
    ...settings.debugConnections.map((range) => directive('debug_connection', cidr(range))),
  ]
}

/** In `http`. `unlogged`: some requests have no line in the access log, which a variable says. */
export function httpLines(settings: Settings, capabilities: Capabilities, unlogged: boolean): readonly Directive[] {
  return [
    ...clientLines(settings, capabilities),
    ...tlsLines(settings, capabilities),
    ...proxyLines(settings),
    ...realIpLines(settings),
    accessLog(settings, unlogged),
  ]
}

function accessLog({ disableAccessLog, disableHttpAccessLog }: Settings, unlogged: boolean): Directive {
  if (disableAccessLog || disableHttpAccessLog) return directive('access_log', keyword('off'))
  const unless = unlogged ? [condition('logged')] : []
  return directive('access_log', keyword('access.log'), keyword('upstreaminfo'), ...unless)
}

/** `$namespace` and the like are declared and set only where the log shows them: each costs 0.2 us a request. */
export function routeVariables(settings: Settings): readonly string[] {
  const used = usedVariables(settings)
  return ROUTE_VARIABLES.filter((name) => used.has(name))
}

function usedVariables({ logFormat: format, logDefaultBackend }: Settings): ReadonlySet<string> {
  return new Set([...variablesOf(format), ...(logDefaultBackend ? [] : ['ingress_name'])])
}

/** The variables that Lua sets for each request. */
export function luaVariables(settings: Settings): readonly string[] {
  const used = usedVariables(settings)
  const upstreams = ['proxy_upstream_name', 'proxy_alternative_upstream_name']
  return [...upstreams, ...ROUTE_VARIABLES].filter((name) => used.has(name)).concat(settings.generateRequestId ? 'new_id' : [])
}

/** The format of the access log; `escape=none` lets clients write anything into it, and is the operator's choice. */
export function logFormatLine(settings: Settings): Directive {
  const { logFormatEscapeJson: json, logFormatEscapeNone: none } = settings
  const escape = none ? [keyword('escape=none')] : json ? [keyword('escape=json')] : []
  return directive('log_format', keyword('upstreaminfo'), ...escape, ...logFormat(settings.logFormat))
}

function clientLines(settings: Settings, capabilities: Capabilities): readonly Directive[] {
  const { number: count, size } = settings.largeClientHeaderBuffers
  const lines = [
    directive('keepalive_timeout', time(settings.keepAlive)),
    directive('keepalive_requests', number(settings.keepAliveRequests, 1, 100_000_000)),
    directive('client_header_buffer_size', bytes(settings.clientHeaderBufferSize)),
    directive('large_client_header_buffers', number(count, 1, 64), bytes(size)),
    directive('client_header_timeout', time(settings.clientHeaderTimeout)),
    directive('client_body_buffer_size', bytes(settings.clientBodyBufferSize)),
    directive('client_body_timeout', time(settings.clientBodyTimeout)),
    directive('client_max_body_size', bytes(settings.proxyBodySize)),
    ...(settings.enableUnderscoresInHeaders ? [directive('underscores_in_headers', onOff(true))] : []),
  ]
  if (!capabilities.keepalive_min_timeout) return lines
  return [...lines, directive('keepalive_min_timeout', time(KEEPALIVE_MIN_SECONDS))]
}

/** The server's order counts, as in ingress-nginx. Suites of TLS 1.3 have a list of their own in OpenSSL. */
function cipherLines({ sslCiphers, sslEcdhCurve }: Settings): readonly Directive[] {
  const { suites } = sslCiphers
  const terms = sslCiphers.ciphers.length > 0 ? sslCiphers.ciphers : DEFAULT_SETTINGS.sslCiphers.ciphers
  return [
    directive('ssl_ciphers', opensslNames(terms)),
    directive('ssl_prefer_server_ciphers', onOff(true)),
    ...(suites.length === 0 ? [] : [directive('ssl_conf_command', keyword('Ciphersuites'), opensslNames(suites))]),
    ...(sslEcdhCurve.length === 0 ? [] : [directive('ssl_ecdh_curve', opensslNames(sslEcdhCurve))]),
  ]
}

/** Tickets stay off: they would carry a session across TLS policies (CVE-2025-23419). */
function tlsLines(settings: Settings, capabilities: Capabilities): readonly Directive[] {
  const { sslSessionCache: keeps, sslSessionCacheSize: size } = settings
  const lines = [
    directive('ssl_protocols', ...settings.sslProtocols.map((protocol) => keyword(protocol))),
    ...cipherLines(settings),
    directive('ssl_buffer_size', bytes(settings.sslBufferSize)),
    directive('ssl_session_tickets', onOff(false)),
    directive('ssl_session_cache', keyword(keeps ? `shared:tls_sessions:${size}` : 'off')),
    directive('ssl_session_timeout', time(settings.sslSessionTimeout)),
  ]
  if (!settings.useHttp2) return lines
  const streams = directive('http2_max_concurrent_streams', number(settings.http2MaxConcurrentStreams, 1, 1024))
  return capabilities.http2_directive ? [...lines, directive('http2', onOff(true)), streams] : [...lines, streams]
}

/** What holds for backends where no class says otherwise. */
export function proxyLines(settings: Settings): readonly Directive[] {
  return [
    directive('proxy_buffering', onOff(settings.proxyBuffering)),
    directive('proxy_request_buffering', onOff(settings.proxyRequestBuffering)),
    ...bufferDirectives(buffersOf(settings)),
    nextUpstream(settings),
    directive('proxy_headers_hash_max_size', number(1024, 1, 65_536)),
  ]
}

/** In the one `upstream`: the pool of idle connections to backends. */
export function upstreamLines(settings: Settings): readonly Directive[] {
  return [
    directive('keepalive', number(settings.upstreamKeepaliveConnections, 1, 65_536)),
    directive('keepalive_timeout', time(settings.upstreamKeepaliveTimeout)),
    directive('keepalive_requests', number(settings.upstreamKeepaliveRequests, 1, 100_000_000)),
    directive('keepalive_time', time(settings.upstreamKeepaliveTime)),
  ]
}
