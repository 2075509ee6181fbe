/** The annotation `conf` of a Service: lines in NGINX's syntax -> policies of every route to it. */
import type { KubeObject } from '../../collection/objects.ts'
import { nearestName } from '../../compat/nearest.ts'
import { quoted } from '../../ir/names.ts'
import type { Finding, Origin, Severity } from '../../ir/origin.ts'
import { byName, MAX_HEADERS, nameOf, type Direction } from '../../policy/common/headers.ts'
import type { Said } from '../../policy/set/merge.ts'
import type { PolicyValue } from '../../policy/common/policy.ts'
import { text } from '../../util/field.ts'
import { alternativeTo, isConfProtection } from './conf-alternatives.ts'
import { CONF_DIRECTIVES } from './conf-directives.ts'
import type { Effect, FieldEffect, HeaderEffect } from './conf-effect.ts'
import { readDirectives, type ConfDirective } from './conf-tokens.ts'

/** What a line costs that cannot be honoured: itself, or all of them. */
export interface Wording {
  readonly line: string
  readonly rest: string
  readonly closed: string
}

const OF_SERVICE: Wording = {
  line: 'this line has no effect',
  rest: 'nothing from there on has an effect',
  closed: 'routes to this Service answer 503',
}

/** Where names of directives stand. */
const NAMES = /(?:^|[;{}\n])[ \t\r]*(\w+)/g
/** The second counts only without the first. */
const ANNOTATIONS = ['resty-ingress.io/conf', 'conf'] as const
const HEADER_POLICIES: Readonly<Record<Direction, string>> = { request: 'request_headers', response: 'response_headers' }

export interface ConfReading extends Said {
  readonly findings: readonly Finding[]
}

/** Routes ask again and again for the same Service. */
const known = new WeakMap<KubeObject, ConfReading>()

/** Undefined: the Service has no `conf`. What is wrong in a line is a finding and costs that line alone. */
export function serviceConf(service: KubeObject): ConfReading | undefined {
  const annotation = ANNOTATIONS.find((name) => text(service.metadata.annotations?.[name]).trim() !== '')
  if (annotation === undefined) return undefined
  const reading = known.get(service) ?? readConf(service, annotation)
  known.set(service, reading)
  return reading
}

function readConf({ metadata, apiVersion }: KubeObject, annotation: string): ConfReading {
  const { namespace, name, uid } = metadata
  const object = { kind: 'Service', apiVersion, namespace, name, ...(uid === undefined ? {} : { uid }) }
  const origin = { ...object, field: `metadata.annotations[${annotation}]` }
  return readConfText(metadata.annotations?.[annotation] ?? '', origin, OF_SERVICE)
}

/** A text of an annotation, which `origin` names. */
export function readConfText(conf: string, origin: Origin, wording: Wording): ConfReading {
  const work = new Reading(origin, wording)
  const { directives, error } = readDirectives(conf)
  for (const directive of directives) work.read(directive)
  if (error !== undefined) {
    const where = `line ${error.line}, column ${error.column}`
    const unread = conf.split('\n').slice((directives.at(-1)?.line ?? 1) - 1).join('\n')
    const names = [...unread.matchAll(NAMES)].map(([, name = '']) => name)
    work.refuse(error.line, `${where}: ${error.message}; ${wording.rest}`, names)
  }
  return work.result()
}

/**
 * Headers may be listed over many lines, so a directive behind a ";" that is missing could be taken for names of some.
 * Only `expires` is both.
 */
function swallowedBy({ words, lines }: ConfDirective): string | undefined {
  const found = words.findIndex((word, i) => i > 0 && lines[i] !== lines[i - 1] && word !== 'expires' && CONF_DIRECTIVES.has(word))
  return found < 0 ? undefined : `a ";" is missing in front of ${words[found] ?? ''} in line ${lines[found] ?? 0}, so both are one directive`
}

/** An effect, and the line that has it. */
interface Placed<E extends Effect> {
  readonly effect: E
  readonly line: number
}

class Reading {
  readonly #origin: Origin
  readonly #wording: Wording
  readonly #findings: Finding[] = []
  readonly #headers: Placed<HeaderEffect>[] = []
  readonly #policies: Record<string, PolicyValue> = {}
  readonly #sources: Record<string, Record<string, Origin>> = {}
  #closed: string | undefined

  constructor(origin: Origin, wording: Wording) {
    this.#origin = origin
    this.#wording = wording
  }

  read(directive: ConfDirective): void {
    const { words: [name = '', ...words], line, block } = directive
    const entry = block ? undefined : CONF_DIRECTIVES.get(name)
    if (entry === undefined) return this.#unsupported(name, line)
    const swallowed = swallowedBy(directive)
    if (swallowed !== undefined) return this.refuse(line, `line ${line}: ${name}: ${swallowed}; ${this.#wording.line}`, words)
    const isComplete = words.length >= entry.min && words.length <= entry.max
    const effects = isComplete ? entry.read(words) : `it is written: ${entry.usage}`
    if (typeof effects !== 'string') for (const effect of effects) this.#take({ effect, line })
    else this.refuse(line, `line ${line}: ${name}: ${effects}; ${this.#wording.line}`, words)
  }

  /** A protection must not be lost with a semicolon: where one of the lost words names one, routes are closed. */
  refuse(line: number, message: string, lost: readonly string[]): void {
    const protection = lost.find(isConfProtection)
    if (protection === undefined) return this.report(line, 'InvalidConf', message)
    this.#closed ??= `${protection} in annotation ${this.#annotation} may protect this route and cannot be read`
    this.report(line, 'InvalidConf', `${message}; ${quoted(protection)} may protect, so ${this.#wording.closed}`)
  }

  report(line: number, reason: string, message: string, severity: Severity = 'error'): void {
    const origin = { ...this.#origin, line }
    this.#findings.push({ origin, severity, reason, message: `annotation ${this.#annotation}: ${message}` })
  }

  result(): ConfReading {
    for (const direction of ['request', 'response'] as const) this.#addHeaders(direction)
    return {
      policies: this.#policies,
      sources: this.#sources,
      findings: this.#findings,
      ...(this.#closed === undefined ? {} : { closed: this.#closed }),
    }
  }

  get #annotation(): string {
    return this.#origin.field.slice('metadata.annotations['.length, -1)
  }

  #unsupported(name: string, line: number): void {
    const protects = isConfProtection(name)
    const instead = alternativeTo(name)
    const effect = protects ? `it protects, so ${this.#wording.closed}` : this.#wording.line
    const advice = instead === undefined ? this.#meant(name) : `; instead: ${instead}`
    if (protects) this.#closed ??= `${name} in annotation ${this.#annotation} protects this route and cannot be honoured`
    const message = `line ${line}: directive ${quoted(name)} is not supported; ${effect}${advice}`
    this.report(line, 'UnsupportedDirective', message, protects ? 'error' : 'warning')
  }

  #meant(name: string): string {
    const meant = nearestName(name.toLowerCase(), CONF_DIRECTIVES.keys())
    return meant === undefined ? '; docs/services.md lists those that are' : `; did you mean ${meant}?`
  }

  #take({ effect, line }: Placed<Effect>): void {
    if ('direction' in effect) this.#headers.push({ effect, line })
    else this.#setField(effect, line)
  }

  /** The first of two holds, as of two objects the older does. */
  #setField({ policy, field, value }: FieldEffect, line: number): void {
    const sources = (this.#sources[policy] ??= {})
    const first = sources[field]
    if (first !== undefined && first.line !== line) {
      this.report(line, 'InvalidConf', `line ${line}: line ${first.line} says that already, and holds`)
      return
    }
    sources[field] = { ...this.#origin, line }
    this.#policies[policy] = { ...this.#policies[policy], [field]: value }
  }

  #addHeaders(direction: Direction): void {
    const placed = this.#headers.filter(({ effect }) => effect.direction === direction)
    if (placed.length === 0) return
    const extra = placed[MAX_HEADERS]
    if (extra !== undefined) {
      const message = `line ${extra.line}: there are more than ${MAX_HEADERS} changes of headers; the rest has no effect`
      this.report(extra.line, 'InvalidConf', message)
    }
    const inOrder = placed.slice(0, MAX_HEADERS).sort((one, other) => one.effect.rank - other.effect.rank)
    const name = HEADER_POLICIES[direction]
    this.#policies[name] = byName(inOrder.map(({ effect }) => effect.change))
    this.#sources[name] = Object.fromEntries(
      inOrder.map(({ effect, line }) => [nameOf(effect.change).toLowerCase(), { ...this.#origin, line }]),
    )
  }
}
