/** Tables of the documentation, made of what they are about: they cannot be wrong. */
import { KNOWN_ANNOTATIONS } from '../compat/annotations.ts'
import { KNOWN_KEYS } from '../compat/configmap.ts'
import { KNOWN_FLAGS } from '../compat/flags.ts'
import { STANDINGS, type Known } from '../compat/known.ts'
import { DEFAULT_SETTINGS, type Settings } from '../ir/settings.ts'
import { KNOWN_VARIABLES } from '../ir/template.ts'
import type { Parser } from '../ir/value.ts'
import { isProtection } from '../policy/set/protection.ts'
import { POLICIES } from '../policy/registry.ts'
import { serviceUpstream } from '../policy/service-upstream.ts'
import { KEYS } from '../source/configmap/keys.ts'
import { PROTECTIONS } from '../source/configmap/translate.ts'
import { CONF_ALTERNATIVES } from '../source/service/conf-alternatives.ts'
import { CONF_DIRECTIVES } from '../source/service/conf-directives.ts'
import { CONSENT_ANNOTATION } from '../source/proxy/backend.ts'
import { EXPOSE_ANNOTATIONS } from '../source/service/annotations.ts'
import { HEALTH_CHECK } from '../source/service/health-check.ts'
import { compareText } from '../util/canonical.ts'
import { reloading } from './reloads.ts'

/** No grammar takes it, so each tells what it takes. */
const NOTHING = '\0'

function allowed(parse: Parser<unknown>): string {
  const parsed = parse(NOTHING)
  if ('value' in parsed) {
    // One that bends what it does not understand says so.
    if (parsed.warning !== undefined) return cell(parsed.warning)
    throw new Error('a grammar takes a control character')
  }
  // Some tell what is wrong with the text, which here is that character.
  return cell(parsed.allowed.replace(/ \((control characters|entry) .*\)$/, '').replace(/"\\u0000" is not [^:]*: /, ''))
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
  const reloads = reloading()
  const rows = annotationRows(fields).map((row, i) => [...row, reloads.has(fields[i]?.annotation ?? '') ? 'yes' : 'no'])
  return table(['annotation of an Ingress', 'what it says', 'allowed', 'reload'], rows)
}

function serviceTable(): string {
  const rows = [
    ...[...EXPOSE_ANNOTATIONS, CONSENT_ANNOTATION].map(([name, about, form]) => [`\`${name}\``, about, form]),
    ...annotationRows([...Object.values(serviceUpstream.fields), ...Object.values(HEALTH_CHECK)]),
  ]
  return table(['annotation of a Service', 'what it says', 'allowed'], rows)
}

/** Defaults that are too long for a table, or nothing to read. */
const DEFAULT_TEXTS: { readonly [K in keyof Settings]?: string } = {
  sslCiphers: "Mozilla's intermediate list, without DHE",
  logFormat: 'that of ingress-nginx',
  logFormatStream: 'that of ingress-nginx',
  addHeaders: 'none',
  proxySetHeaders: 'none',
}

function defaultText(name: keyof Settings): string {
  const value: unknown = DEFAULT_SETTINGS[name]
  const text = DEFAULT_TEXTS[name]
  if (text !== undefined) return text
  if (typeof value === 'boolean' && 'value' in KEYS[name].parse('on')) return value ? 'on' : 'off'
  if (typeof value !== 'object' || value === null) return String(value ?? '') || 'none'
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

function confTable(): string {
  const rows = [...CONF_DIRECTIVES.values()].map(({ usage, about }) => [`\`${cell(usage)};\``, cell(about)])
  return table(['directive', 'what it does'], rows)
}

function alternativesTable(): string {
  return table(['instead of', 'there is'], CONF_ALTERNATIVES.map(([directive, instead]) => [`\`${directive}\``, cell(instead)]))
}

/** `effect`: what happens to those whose absence would let requests through; undefined for others. */
function knownRows(known: ReadonlyMap<string, Known>, effect: (name: string) => string | undefined, dashes = ''): string[][] {
  return [...known].map(([name, { standing, there, instead }]) => {
    const here = [STANDINGS[standing], effect(name)].filter((part) => part !== undefined).join('; ')
    return [`\`${dashes}${name}\``, cell(there), here, cell(instead ?? 'nothing')]
  })
}

function withoutEffect(subject: string, rows: readonly (readonly string[])[]): string {
  return table([subject, 'what it does in ingress-nginx', 'here', 'instead'], rows)
}

function otherAnnotations(): string {
  return withoutEffect('annotation', knownRows(KNOWN_ANNOTATIONS, (name) => (isProtection(name) ? 'its paths answer 503' : undefined)))
}

function otherSettings(): string {
  return withoutEffect('key', knownRows(KNOWN_KEYS, (name) => (PROTECTIONS.has(name) ? 'refuses the ConfigMap' : undefined)))
}

function otherFlags(): string {
  return withoutEffect('flag', knownRows(KNOWN_FLAGS, () => undefined, '--'))
}

const LINE_LENGTH = 110

/** Names in the lines of a paragraph. */
function variableList(): string {
  const names = [...KNOWN_VARIABLES, 'arg_NAME', 'cookie_NAME', 'http_NAME'].map((name) => `\`${name}\``)
  return names.reduce((text, name) => {
    const last = text.slice(text.lastIndexOf('\n') + 1)
    return `${text},${last.length + name.length > LINE_LENGTH ? '\n' : ' '}${name}`
  })
}

/** By the name that the documents call them by. */
const TABLES: Readonly<Record<string, () => string>> = {
  ingress: ingressTable,
  service: serviceTable,
  settings: settingsTable,
  conf: confTable,
  'conf-alternatives': alternativesTable,
  variables: variableList,
  'annotations without effect': otherAnnotations,
  'keys without effect': otherSettings,
  'flags without effect': otherFlags,
}

/** The document with its tables made anew: each stands between two comments that name it. */
export function withTables(document: string): string {
  return Object.entries(TABLES).reduce((text, [name, make]) => {
    const mark = (word: string): string => `<!-- ${word} of the table: ${name} -->`
    const [before = '', rest] = text.split(mark('begin'))
    if (rest === undefined) return text
    const [, after = ''] = rest.split(mark('end'))
    return `${before}${mark('begin')}\n${make()}\n${mark('end')}${after}`
  }, document)
}

/** The tables that none of these documents has. */
export function missingTables(documents: readonly string[]): string[] {
  return Object.keys(TABLES).filter((name) => documents.every((text) => !text.includes(`<!-- begin of the table: ${name} -->`)))
}
