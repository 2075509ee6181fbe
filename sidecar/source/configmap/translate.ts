/** The controller's ConfigMap -> Settings. Key names and meanings are those of ingress-nginx. */
import type { KubeObject } from '../../collection/objects.ts'
import { parseCidr } from '../../ir/address.ts'
import { logFormat } from '../../ir/log-format.ts'
import { quoted } from '../../ir/names.ts'
import type { Finding, Origin } from '../../ir/origin.ts'
import { ALGORITHMS, DEFAULT_SETTINGS, type Settings } from '../../ir/settings.ts'
import { boolean, buffers, integer, list, seconds, size, word, type Parser } from '../../ir/value.ts'
import { bodySize } from '../../policy/body-size.ts'
import { buffering } from '../../policy/buffering.ts'
import { canary } from '../../policy/canary.ts'
import { loadBalance } from '../../policy/load-balance.ts'
import { timeouts } from '../../policy/timeouts.ts'
import { tlsRedirect } from '../../policy/tls-redirect.ts'
import { texts } from '../../util/field.ts'

const cidr: Parser<string> = (text) => {
  const value = text.length > 50 ? undefined : parseCidr(text)
  return value === undefined ? { allowed: 'an IP address or a range such as 10.0.0.0/8' } : { value }
}

const pathPrefix: Parser<string> = (text) =>
  text.startsWith('/') ? { value: text } : { allowed: 'a path that begins with "/"' }

const workers: Parser<number | 'auto'> = (text) => (text === 'auto' ? { value: 'auto' } : integer(1, 256)(text))

const httpRedirectCode: Parser<number> = (text) => {
  const parsed = word('301', '302', '307', '308')(text)
  return 'value' in parsed ? { value: Number(parsed.value) } : parsed
}

type Key<T> = readonly [key: string, parse: Parser<T>]

/** The key of the annotation's name holds what applies where no annotation does: same grammar, same bounds. */
function defaultOf<T>(field: { readonly annotation: string; readonly parse: Parser<T> }): Key<T> {
  return [field.annotation, field.parse]
}

/** ConfigMap key -> the setting and its grammar. One line = one key. */
const KEYS: { readonly [K in keyof Settings]: Key<Settings[K]> } = {
  workerProcesses: ['worker-processes', workers],
  maxWorkerConnections: ['max-worker-connections', integer(64, 1_000_000)],
  workerShutdownTimeout: ['worker-shutdown-timeout', seconds(1, 86_400)],
  keepAlive: ['keep-alive', seconds(0, 86_400)],
  keepAliveRequests: ['keep-alive-requests', integer(1, 100_000_000)],
  upstreamKeepaliveConnections: ['upstream-keepalive-connections', integer(1, 65_536)],
  upstreamKeepaliveTimeout: ['upstream-keepalive-timeout', seconds(1, 86_400)],
  upstreamKeepaliveRequests: ['upstream-keepalive-requests', integer(1, 100_000_000)],
  proxyConnectTimeout: defaultOf(timeouts.fields.connect),
  proxyReadTimeout: defaultOf(timeouts.fields.read),
  proxySendTimeout: defaultOf(timeouts.fields.send),
  proxyBodySize: defaultOf(bodySize.fields.max),
  proxyBuffering: defaultOf(buffering.fields.responses),
  proxyRequestBuffering: defaultOf(buffering.fields.requests),
  proxyBufferSize: defaultOf(buffering.fields.size),
  proxyBuffersNumber: defaultOf(buffering.fields.number),
  clientHeaderBufferSize: ['client-header-buffer-size', size(256, 65_536)],
  largeClientHeaderBuffers: ['large-client-header-buffers', buffers],
  clientHeaderTimeout: ['client-header-timeout', seconds(1, 3_600)],
  clientBodyBufferSize: ['client-body-buffer-size', size(1024, 16 * 1024 ** 2)],
  clientBodyTimeout: ['client-body-timeout', seconds(1, 3_600)],
  loadBalance: ['load-balance', word(...ALGORITHMS)],
  slowStart: defaultOf(loadBalance.fields.slow_start),
  canaryHashBy: defaultOf(canary.fields.key),
  useHttp2: ['use-http2', boolean],
  http2MaxConcurrentStreams: ['http2-max-concurrent-streams', integer(1, 1024)],
  sslProtocols: ['ssl-protocols', list(word('TLSv1.2', 'TLSv1.3'), 2)],
  sslRedirect: defaultOf(tlsRedirect.fields.when_tls),
  forceSslRedirect: defaultOf(tlsRedirect.fields.always),
  httpRedirectCode: ['http-redirect-code', httpRedirectCode],
  noTlsRedirectLocations: ['no-tls-redirect-locations', list(pathPrefix, 32)],
  useForwardedHeaders: ['use-forwarded-headers', boolean],
  computeFullForwardedFor: ['compute-full-forwarded-for', boolean],
  proxyRealIpCidr: ['proxy-real-ip-cidr', list(cidr, 256)],
  disableAccessLog: ['disable-access-log', boolean],
  logFormat: ['log-format-upstream', logFormat],
  logFormatEscapeJson: ['log-format-escape-json', boolean],
  logFormatEscapeNone: ['log-format-escape-none', boolean],
}

/** The ConfigMap key that holds a setting. */
export function settingKey(name: keyof Settings): string {
  return KEYS[name][0]
}

/** Keys whose bad value would open or unhinge the whole edge: the ConfigMap is then refused as a whole. */
const PROTECTIONS: ReadonlySet<string> = new Set([
  'denylist-source-range',
  'whitelist-source-range',
  'block-cidrs',
  'block-user-agents',
  'block-referers',
  'global-auth-url',
  'proxy-real-ip-cidr',
  'ssl-protocols',
])

export interface SettingsReading {
  readonly settings: Settings
  readonly findings: readonly Finding[]
  /** A protection in it cannot be honoured: keep what was there before; a start must not become ready. */
  readonly refused?: string
}

/** An absent ConfigMap is an empty one. A bad value counts as absent and is a finding. */
export function translateConfigMap(configMap: KubeObject | undefined): SettingsReading {
  if (configMap === undefined) return { settings: DEFAULT_SETTINGS, findings: [] }
  const data = new Map(Object.entries(texts(configMap.data)).map(([key, text]) => [key, text.trim()]))
  const reading = new Reading(configMap, data)
  const settings = Object.fromEntries(
    Object.entries(KEYS).map(([name, [key, parse]]) => [
      name,
      reading.value(key, parse as Parser<unknown>) ?? DEFAULT_SETTINGS[name as keyof Settings],
    ]),
  ) as unknown as Settings
  reading.reportUnknown()
  return { settings: reading.consistent(settings), ...reading.result() }
}

class Reading {
  readonly #data: ReadonlyMap<string, string>
  readonly #object: Omit<Origin, 'field'>
  readonly #findings: Finding[] = []
  readonly #known = new Set<string>()
  #refused: string | undefined

  constructor(configMap: KubeObject, data: ReadonlyMap<string, string>) {
    const { namespace, name, uid } = configMap.metadata
    this.#data = data
    this.#object = { kind: 'ConfigMap', apiVersion: 'v1', namespace, name, ...(uid === undefined ? {} : { uid }) }
  }

  value(key: string, parse: Parser<unknown>): unknown {
    this.#known.add(key)
    const text = this.#data.get(key)
    if (text === undefined || text === '') return undefined
    const parsed = parse(text)
    if ('value' in parsed) return parsed.value
    this.#report(key, 'error', 'InvalidSetting', `${quoted(text)} is refused; allowed: ${parsed.allowed}`)
    return undefined
  }

  reportUnknown(): void {
    for (const [key, text] of this.#data) {
      if (this.#known.has(key) || text === '') continue
      const severity = PROTECTIONS.has(key) ? 'error' : 'warning'
      this.#report(key, severity, 'UnsupportedSetting', 'the key is not supported and has no effect')
    }
  }

  /** Trusting forwarded headers from nobody in particular would trust everybody. */
  consistent(settings: Settings): Settings {
    if (!settings.useForwardedHeaders || settings.proxyRealIpCidr.length > 0) return settings
    const message = 'forwarded headers are trusted only from the ranges in proxy-real-ip-cidr, which names none: not trusted'
    this.#report('use-forwarded-headers', 'error', 'InvalidSetting', message)
    return { ...settings, useForwardedHeaders: false }
  }

  result(): { readonly findings: readonly Finding[]; readonly refused?: string } {
    return { findings: this.#findings, ...(this.#refused === undefined ? {} : { refused: this.#refused }) }
  }

  #report(key: string, severity: Finding['severity'], reason: string, text: string): void {
    const message = `key ${key}: ${text}`
    this.#findings.push({ origin: { ...this.#object, field: `data[${key}]` }, severity, reason, message })
    if (severity === 'error' && PROTECTIONS.has(key)) this.#refused ??= message
  }
}
