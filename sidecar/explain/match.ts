/**
 * Which route a request takes: the rules of `lua/ingress/router.lua` on the same records. Lua is what
 * decides about traffic; tests hold both against the same cases.
 */
import { RE2JS } from 're2js'
import type { DataRecord, HostRecord, RecordKey, RouteRecord } from '../dynamic/records.ts'
import { ANY_HOST, DEFAULT_LISTENER } from '../ir/names.ts'
import type { RouteMatch, ValueMatch } from '../ir/types.ts'
import { byBytes, queryParameters, routedPath, type ExplainRequest } from './request.ts'

export type Records = ReadonlyMap<RecordKey, DataRecord>

export interface HostMatch {
  /** `example.com`, `*.example.com`, or `_` for the one that takes any. */
  readonly name: string
  readonly how: 'exact' | 'wildcard' | 'any'
  readonly record: HostRecord
}

/** A host of a request without port and trailing dot, in lower case, as NGINX has it. */
export function normalisedHost(header: string): string {
  const name = header.startsWith('[') ? header.slice(0, header.indexOf(']') + 1) : header.replace(/:.*$/s, '')
  return name.replace(/\.$/, '').toLowerCase()
}

/** `*.example.com` of `www.example.com`. */
export function wildcardOf(name: string): string | undefined {
  const dot = name.indexOf('.', 1)
  return dot < 0 ? undefined : `*${name.slice(dot)}`
}

/** Exact, then the wildcard of one label, then any. */
export function findHost(records: Records, header: string): HostMatch | undefined {
  const name = normalisedHost(header)
  const wildcard = wildcardOf(name)
  const candidates = [
    { name, how: 'exact' as const },
    ...(wildcard === undefined ? [] : [{ name: wildcard, how: 'wildcard' as const }]),
    { name: ANY_HOST, how: 'any' as const },
  ]
  for (const candidate of candidates) {
    const record = records.get(`host/${DEFAULT_LISTENER}/${candidate.name}`)
    if (record !== undefined) return { ...candidate, record: record as HostRecord }
  }
  return undefined
}

/** Positions of the routes that take the request, in order of precedence: the first is the one. */
export function matchingRoutes(routes: readonly RouteRecord[], request: ExplainRequest): number[] {
  const path = routedPath(request.path)
  if (path === undefined) return []
  return [...routes.keys()].filter((position) => {
    const route = routes[position]
    return route !== undefined && matchesPath(route, path) && matchesRequest(route.match, request)
  })
}

/** `path`: as `routedPath` gives it. */
function matchesPath({ path: wanted, pathType }: Pick<RouteRecord, 'path' | 'pathType'>, path: string): boolean {
  if (pathType === 'Regex') return finds(`^(?:${byBytes(wanted)})`, path, RE2JS.CASE_INSENSITIVE)
  if (pathType === 'Exact') return path === byBytes(wanted)
  const prefix = byBytes(wanted).replace(/\/$/, '')
  return path === prefix || path.startsWith(`${prefix}/`)
}

/** Whether everything that a route asks for beside its path is there. */
function matchesRequest(match: RouteMatch | undefined, { method, headers, query }: ExplainRequest): boolean {
  if (match === undefined) return true
  if (match.methods !== undefined && !match.methods.includes(method)) return false
  if (match.headers !== undefined && !match.headers.every((wanted) => hasValue(wanted, headers))) return false
  return match.query === undefined || match.query.every((wanted) => hasValue(wanted, queryParameters(query)))
}

/** The first of that name counts. */
function hasValue({ name, value, pattern }: ValueMatch, present: readonly (readonly [string, string])[]): boolean {
  const found = present.find(([each]) => each === name)?.[1]
  if (found === undefined) return false
  if (value !== undefined) return found === value
  return pattern === undefined || finds(byBytes(pattern), byBytes(found), 0)
}

/** In linear time, whatever the pattern: nobody can hold up the sidecar with one. */
export function finds(pattern: string, text: string, flags: number): boolean {
  return RE2JS.compile(pattern, flags).matcher(text).find()
}
