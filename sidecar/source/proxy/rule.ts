/** One rule of a Proxy -> what its routes have in common, whatever their host. */
import { quoted } from '../../ir/names.ts'
import type { Route, RouteMatch, ValueMatch, WeightedBackend } from '../../ir/types.ts'
import { regularExpression } from '../../ir/regex.ts'
import { merged, type Said } from '../../policy/set/merge.ts'
import type { Schema } from '../../policy/common/schema.ts'
import { defined, fields, items, text, type Fields } from '../../util/field.ts'
import { readPath } from '../path.ts'
import { readDefaultBackend } from '../default-backend.ts'
import { confConflicts, routePolicies } from '../policies.ts'
import { readBackend } from './backend.ts'
import { check } from './check.ts'
import { readMembers } from './policies.ts'
import { ANSWERS, NEEDED, RULE, RULE_POLICIES } from './schema.ts'
import type { Work } from './work.ts'

export type RuleRoute = Omit<Route, 'host'>

const EFFECTS = { missing: 'its share of requests answers 503', refused: 'the rule answers 503' }
const LEFT_OUT = 'the rule is left out'
/** Members of a rule that are no policies. */
const OWN = Object.keys(RULE)
const OWN_SCHEMA: Schema = { type: 'object', properties: RULE }

/** Undefined: it cannot be told what requests the rule is for, or nothing is said of what becomes of them. */
export function readRule(rule: unknown, field: string, defaults: Said, work: Work): RuleRoute | undefined {
  const given = fields(rule)
  const own = Object.fromEntries(OWN.filter((name) => Object.hasOwn(given, name)).map((name) => [name, given[name]]))
  const checked = check(OWN_SCHEMA, given === rule ? own : rule, field)
  if ('refusal' in checked) {
    work.refuse(checked.refusal, LEFT_OUT)
    return undefined
  }
  const checkedRule = fields(checked.value)
  const path = readRulePath(checkedRule, field, work)
  const match = readMatch(checkedRule, field, work)
  if (path === undefined || match === undefined || !hasEffect(given, field, work)) return undefined
  const said = merged(defaults, readMembers(given, { field, policies: RULE_POLICIES, others: OWN }, work))
  const condition = Object.keys(match).length === 0 ? {} : { match }
  return { ...path, ...condition, ...destination(checkedRule, said, field, work) }
}

/** A request must get an answer: from a backend, or from the rule itself. */
function hasEffect(given: Fields, field: string, work: Work): boolean {
  if (items(given.backends).length > 0 || ANSWERS.some((name) => given[name] !== undefined)) return true
  const unknown = Object.keys(given).find((name) => !OWN.includes(name) && !RULE_POLICIES.has(name))
  const hint = unknown === undefined ? '' : `, and ${quoted(unknown)} is no field of it`
  work.report(field, 'InvalidBackend', `${NEEDED}${hint}; ${LEFT_OUT}`)
  return false
}

function readRulePath({ path }: Fields, field: string, work: Work): Pick<Route, 'path' | 'pathType'> | undefined {
  const { type, value } = fields(path)
  const reading = readPath(value, type === 'Regex' ? 'Prefix' : type, type === 'Regex')
  if (!('problem' in reading)) return reading
  work.report(`${field}.path`, reading.reason, `${reading.problem}; ${LEFT_OUT}`)
  return undefined
}

/** Names of headers are compared in lower case. */
function readMatch({ methods, headers, query }: Fields, field: string, work: Work): RouteMatch | undefined {
  const read = {
    methods: nonEmpty(items(methods).map(text)),
    headers: nonEmpty(items(headers).map((it) => predicate(it, (name) => name.toLowerCase()))),
    query: nonEmpty(items(query).map((it) => predicate(it, (name) => name))),
  }
  const problem = [...(read.headers ?? []), ...(read.query ?? [])].map(predicateProblem).find((it) => it !== undefined)
  if (problem === undefined) return defined<unknown>(read) as RouteMatch
  work.report(field, 'InvalidMatch', `${problem}; ${LEFT_OUT}`)
  return undefined
}

function nonEmpty<T>(list: readonly T[]): readonly T[] | undefined {
  return list.length === 0 ? undefined : list
}

function predicate(entry: unknown, spelled: (name: string) => string): ValueMatch {
  const { name, value, pattern } = fields(entry)
  return defined({ name: spelled(text(name)), value, pattern }) as unknown as ValueMatch
}

function predicateProblem({ name, value, pattern }: ValueMatch): string | undefined {
  if (value !== undefined && pattern !== undefined) return `of ${name}, either value or pattern can be asked for, not both`
  const parsed = pattern === undefined ? undefined : regularExpression(pattern)
  return parsed !== undefined && 'allowed' in parsed ? `pattern of ${name} must be ${parsed.allowed}` : undefined
}

type Destination = Omit<RuleRoute, 'path' | 'pathType' | 'match'>

/** Where requests go. If any of the Services is not for this namespace, nowhere: shares would not be as written. */
function destination(rule: Fields, said: Said, field: string, work: Work): Destination {
  const backends: WeightedBackend[] = []
  let { closed } = said
  for (const [i, entry] of items(rule.backends).entries()) {
    const reference = readBackend(entry, `${field}.backends[${i}]`, EFFECTS, work)
    if ('ref' in reference) backends.push({ ...reference.ref, weight: Number(fields(entry).weight ?? 1) })
    else closed ??= reference.refused
  }
  work.warnings.push(...confConflicts(backends, work.at(field), work.read, work.context))
  const reading = { ...said, findings: [], ...(closed === undefined ? {} : { closed }) }
  return {
    backends,
    ...routePolicies(reading, backends[0], work.read, work.context),
    ...defaultBackend(said, work),
    origin: work.at(field),
  }
}

function defaultBackend(said: Said, work: Work): Pick<Route, 'defaultBackend'> {
  const { ref, findings = [] } = readDefaultBackend(said, work.read, work.context) ?? {}
  for (const { origin, reason, message } of findings) work.unresolved(origin.field, reason, message)
  return ref === undefined ? {} : { defaultBackend: ref }
}
