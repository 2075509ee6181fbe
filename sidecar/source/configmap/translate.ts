/** The controller's ConfigMap -> Settings. Key names and meanings are those of ingress-nginx. */
import { KNOWN_KEYS } from '../../compat/configmap.ts'
import { aboutKnown, holdsAnyway } from '../../compat/known.ts'
import { nearestName } from '../../compat/nearest.ts'
import type { KubeObject } from '../../collection/objects.ts'
import { quoted } from '../../ir/names.ts'
import type { Finding, Origin } from '../../ir/origin.ts'
import { DEFAULT_SETTINGS, type Settings } from '../../ir/settings.ts'
import type { Parser } from '../../ir/value.ts'
import { texts } from '../../util/field.ts'
import { KEYS } from './keys.ts'

/** Keys whose bad value would open or unhinge the whole edge: the ConfigMap is then refused as a whole. */
export const PROTECTIONS: ReadonlySet<string> = new Set([
  'denylist-source-range',
  'whitelist-source-range',
  'block-cidrs',
  'block-user-agents',
  'block-referers',
  'global-auth-url',
  'annotations-risk-level',
  'annotation-value-word-blocklist',
  'global-auth-method',
  'global-auth-response-headers',
  'global-auth-request-redirect',
  'global-auth-cache-key',
  'global-auth-cache-duration',
  'global-auth-always-set-cookie',
  'no-auth-locations',
  'proxy-real-ip-cidr',
  'external-name-denied',
  'ssl-protocols',
])

/** Unknown keys for which the key is looked for that was meant. */
const MOST_SEARCHES = 20

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
    Object.entries(KEYS).map(([name, key]) => [
      name,
      reading.value(key.name, key.parse as Parser<unknown>) ?? DEFAULT_SETTINGS[name as keyof Settings],
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
  #searches = 0

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
    if ('allowed' in parsed) {
      this.#report(key, 'error', 'InvalidSetting', `${quoted(text)} is refused; allowed: ${parsed.allowed}`)
      return undefined
    }
    if (parsed.warning !== undefined) this.#report(key, 'warning', 'AdjustedSetting', parsed.warning)
    return parsed.value
  }

  reportUnknown(): void {
    for (const [key, text] of this.#data) {
      const known = KNOWN_KEYS.get(key)
      if (this.#known.has(key) || text === '' || holdsAnyway(known, text)) continue
      const severity = PROTECTIONS.has(key) ? 'error' : 'warning'
      if (known === undefined) this.#report(key, severity, 'UnknownSetting', `unknown; it has no effect${this.#meant(key)}`)
      else this.#report(key, severity, 'UnsupportedSetting', aboutKnown(known))
    }
  }

  #meant(key: string): string {
    if (this.#searches++ >= MOST_SEARCHES) return ''
    const name = nearestName(key, [...this.#known, ...KNOWN_KEYS.keys()])
    return name === undefined ? '' : `; did you mean ${name}?`
  }

  /** Keys that do not fit together. */
  consistent(settings: Settings): Settings {
    return this.#withOrderedTimes(this.#withTrust(settings))
  }

  /** Trusting forwarded headers from nobody in particular would trust everybody. */
  #withTrust(settings: Settings): Settings {
    if (settings.proxyRealIpCidr.length > 0) return settings
    if (settings.useProxyProtocol) {
      const effect = 'headers of PROXY protocol are read, and the addresses in them do not count'
      this.#report('use-proxy-protocol', 'warning', 'NobodyTrusted', `proxy-real-ip-cidr names no range: ${effect}`)
    }
    if (settings.enableRealIp) {
      const message = 'proxy-real-ip-cidr names no range: the address of a client is that of its connection'
      this.#report('enable-real-ip', 'warning', 'NobodyTrusted', message)
    }
    if (!settings.useForwardedHeaders) return settings
    const message = 'forwarded headers are trusted only from the ranges in proxy-real-ip-cidr, which names none: not trusted'
    this.#report('use-forwarded-headers', 'error', 'InvalidSetting', message)
    return { ...settings, useForwardedHeaders: false }
  }

  #withOrderedTimes(settings: Settings): Settings {
    const { ejectionTime, ejectionMaxTime } = settings
    if (ejectionTime <= ejectionMaxTime) return settings
    const message = `${ejectionMaxTime} is less than ejection-time, ${ejectionTime}, which applies`
    this.#report('ejection-max-time', 'warning', 'AdjustedSetting', message)
    return { ...settings, ejectionMaxTime: ejectionTime }
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
