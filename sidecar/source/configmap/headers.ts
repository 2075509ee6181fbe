/** ConfigMaps whose keys are the names of headers, as settings and annotations name them. */
import type { Collection, Reader } from '../../collection/graph.ts'
import { isListed } from '../../collection/object-store.ts'
import type { KubeObject } from '../../collection/objects.ts'
import { headerText, isLineName, type HeaderMap, type HeaderText } from '../../ir/header-text.ts'
import { quoted } from '../../ir/names.ts'
import type { Finding, Origin } from '../../ir/origin.ts'
import type { Settings } from '../../ir/settings.ts'
import type { Parsed, Parser } from '../../ir/value.ts'
import { headerProblem, MAX_HEADERS, type Direction } from '../../policy/common/headers.ts'
import { compareText } from '../../util/canonical.ts'
import { texts } from '../../util/field.ts'
import type { SettingsReading } from './translate.ts'

interface Entry<T> {
  readonly name: string
  readonly text: T
}

export interface HeaderReading<T> {
  readonly headers: readonly Entry<T>[]
  /** What is wrong, by key. */
  readonly problems: readonly { readonly name: string; readonly message: string }[]
}

function refusal(text: string, parsed: Parsed<unknown>): string | undefined {
  return 'value' in parsed ? undefined : `${quoted(text)} is refused; allowed: ${parsed.allowed}`
}

/** Headers by name, in a stable order. `check`: why a name cannot be used. */
export function readHeaderMap<T>(
  { data }: KubeObject, parse: Parser<T>, check: (name: string) => string | undefined,
): HeaderReading<T> {
  const entries = Object.entries(texts(data)).sort(([one], [other]) => compareText(one, other))
  const headers: Entry<T>[] = []
  const problems: { name: string; message: string }[] = []
  const seen = new Set<string>()
  for (const [name, text] of entries.slice(0, MAX_HEADERS)) {
    const parsed = parse(text.trim())
    const twice = seen.has(name.toLowerCase()) ? 'it is there already, in other letters' : undefined
    seen.add(name.toLowerCase())
    const problem = twice ?? check(name) ?? refusal(text, parsed)
    if (problem === undefined && 'value' in parsed) headers.push({ name, text: parsed.value })
    else problems.push({ name, message: problem ?? '' })
  }
  const [extra] = entries[MAX_HEADERS] ?? []
  if (extra !== undefined) problems.push({ name: extra, message: `there are more than ${MAX_HEADERS} keys; the rest has no effect` })
  return { headers, problems }
}

/** Settings that name such a ConfigMap, and whose headers they are. */
const NAMED = { addHeaders: ['add-headers', 'response'], proxySetHeaders: ['proxy-set-headers', 'request'] } as const

const SETTINGS = Object.keys(NAMED) as (keyof typeof NAMED)[]

/** Of all answers, or all requests: lines of nginx.conf. */
function lineProblem(name: string, direction: Direction): string | undefined {
  const lower = name.toLowerCase()
  if (!isLineName(name)) return 'the name of a header has 1 to 40 letters, digits and "-" here'
  if (lower === 'host') return 'the Host of a request leads to its route; upstream-vhost says another to the backend'
  if (lower === 'strict-transport-security') return 'the keys hsts, hsts-max-age and so on say it'
  return headerProblem(name, direction === 'request' ? 'set' : 'add', direction)
}

/** `namespace/name` of the ConfigMaps that these settings name. */
export function headerConfigMaps(settings: Settings): readonly string[] {
  return SETTINGS.map((key) => settings[key].configMap).filter((name) => name !== '')
}

/** ConfigMaps by `namespace/name`; of one that is not there nothing is known before it has been listed. */
export interface LookUp {
  readonly get: (name: string) => KubeObject | undefined
  readonly isListed: (name: string) => boolean
}

/** For a derivation. */
export function lookUp(read: Reader, configMaps: Collection<KubeObject>, listed: Collection<true>): LookUp {
  return {
    get: (name) => read.get(configMaps, name),
    isListed: (name) => isListed(read, listed, 'ConfigMap', name),
  }
}

/** The settings with the headers of the ConfigMaps that they name; a bad key costs that header alone. */
export function withHeaderMaps(
  reading: SettingsReading, object: KubeObject | undefined, configMaps: LookUp,
): SettingsReading {
  if (object === undefined || headerConfigMaps(reading.settings).length === 0) return reading
  let { settings, findings } = reading
  for (const setting of SETTINGS) {
    const { configMap } = settings[setting]
    if (configMap === '') continue
    const found = configMaps.get(configMap)
    const [key, direction] = NAMED[setting]
    const read = found === undefined ? missing(object, key, configMap, configMaps) : lines(found, direction)
    findings = [...findings, ...read.findings]
    const map: HeaderMap = { configMap, headers: read.headers }
    settings = { ...settings, [setting]: map }
  }
  return { ...reading, settings, findings }
}

interface Lines {
  readonly headers: readonly HeaderText[]
  readonly findings: readonly Finding[]
}

function missing(object: KubeObject, key: string, configMap: string, { isListed }: LookUp): Lines {
  if (!isListed(configMap)) return { headers: [], findings: [] }
  return { headers: [], findings: [finding(object, key, 'MissingConfigMap', `key ${key}: there is no ConfigMap ${configMap}`)] }
}

function lines(object: KubeObject, direction: Direction): Lines {
  const { headers, problems } = readHeaderMap(object, headerText, (name) => lineProblem(name, direction))
  const findings = problems.map(({ name, message }) =>
    finding(object, name, 'InvalidHeader', `header ${quoted(name)}: ${message}`))
  return { headers, findings }
}

function finding({ metadata }: KubeObject, key: string, reason: string, message: string): Finding {
  const { namespace, name, uid } = metadata
  const object = { kind: 'ConfigMap', apiVersion: 'v1', namespace, name, ...(uid === undefined ? {} : { uid }) }
  const origin: Origin = { ...object, field: `data[${key}]` }
  return { origin, severity: 'error', reason, message }
}
