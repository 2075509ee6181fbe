/** docs/annotations.md, made of the registry of policies and the keys of the ConfigMap: it cannot be wrong. */
import { DEFAULT_SETTINGS, type Settings } from '../ir/settings.ts'
import type { Parser } from '../ir/value.ts'
import { POLICIES } from '../policy/registry.ts'
import { serviceUpstream } from '../policy/service-upstream.ts'
import { KEYS } from '../source/configmap/keys.ts'
import { EXPOSE_ANNOTATIONS } from '../source/service/expose.ts'
import { HEALTH_CHECK } from '../source/service/health-check.ts'
import { compareText } from '../util/canonical.ts'

/** No grammar takes it, so each tells what it takes. */
const NOTHING = '\0'

function allowed(parse: Parser<unknown>): string {
  const parsed = parse(NOTHING)
  if ('value' in parsed) throw new Error('a grammar takes a control character')
  // A regular expression is told what is wrong with it, which here is that character.
  return cell(parsed.allowed.replace(/ \(control characters .*\)$/, ''))
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;')
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`)
  return lines.join('\n')
}

interface Documented {
  readonly annotation: string
  readonly parse: Parser<unknown>
  readonly about: string
}

function annotationRows(fields: readonly Documented[]): string[][] {
  return fields.map(({ annotation, parse, about }) => [`\`${annotation}\``, cell(about), allowed(parse)])
}

function ingressTable(): string {
  const fields = POLICIES.flatMap((policy): Documented[] => Object.values(policy.fields))
  return table(['annotation of an Ingress', 'what it says', 'allowed'], annotationRows(fields))
}

function serviceTable(): string {
  const rows = [
    ...EXPOSE_ANNOTATIONS.map(([name, about, form]) => [`\`${name}\``, about, form]),
    ...annotationRows([...Object.values(serviceUpstream.fields), ...Object.values(HEALTH_CHECK)]),
  ]
  return table(['annotation of a Service', 'what it says', 'allowed'], rows)
}

function defaultText(name: keyof Settings): string {
  const value: unknown = DEFAULT_SETTINGS[name]
  if (name === 'logFormat') return 'that of ingress-nginx'
  if (typeof value === 'boolean' && 'value' in KEYS[name].parse('on')) return value ? 'on' : 'off'
  if (typeof value !== 'object' || value === null) return String(value)
  return Object.values(value).map(String).join(' ') || 'none'
}

function settingsTable(): string {
  const names = (Object.keys(KEYS) as (keyof Settings)[]).sort((a, b) => compareText(KEYS[a].name, KEYS[b].name))
  const rows = names.map((name) => {
    const { name: key, parse, about } = KEYS[name]
    return [`\`${key}\``, cell(about), allowed(parse as Parser<unknown>), cell(defaultText(name))]
  })
  return table(['key of the ConfigMap', 'what it says', 'allowed', 'default'], rows)
}

/** The document with its tables made anew: each stands between two comments that name it. */
export function withTables(document: string): string {
  const tables = { ingress: ingressTable(), service: serviceTable(), settings: settingsTable() }
  return Object.entries(tables).reduce((text, [name, made]) => {
    const mark = (word: string): string => `<!-- ${word} of the table: ${name} -->`
    const [before = '', rest = ''] = text.split(mark('begin'))
    const [, after = ''] = rest.split(mark('end'))
    return `${before}${mark('begin')}\n${made}\n${mark('end')}${after}`
  }, document)
}
