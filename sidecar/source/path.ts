/** One path of an Ingress rule -> what the router matches. */
import { quoted } from '../ir/names.ts'
import { regularExpression } from '../ir/regex.ts'
import type { PathType } from '../ir/types.ts'

export type PathReading =
  | { readonly path: string; readonly pathType: PathType }
  | { readonly reason: 'InvalidPath' | 'InvalidRegex' | 'InvalidPathType'; readonly problem: string }

const MAX_PATH = 2048

/**
 * Exact, Prefix and ImplementationSpecific as Kubernetes defines them; the last is Prefix, as in
 * ingress-nginx, and a trailing `/*` there means everything below.
 */
export function readPath(path: unknown, pathType: unknown, regexMode: boolean): PathReading {
  if (pathType !== undefined && !['Exact', 'Prefix', 'ImplementationSpecific'].includes(String(pathType))) {
    const problem = `pathType ${quoted(pathType)} is none of Exact, Prefix, ImplementationSpecific`
    return { reason: 'InvalidPathType', problem }
  }
  const literal = path === undefined || path === '' ? '/' : path
  const problem = pathProblem(literal)
  if (problem !== undefined) return { reason: 'InvalidPath', problem: `path ${quoted(path)} ${problem}` }
  return regexMode ? regexPath(String(literal)) : literalPath(String(literal), pathType)
}

/** As `strict-validate-path-type` of ingress-nginx has it: expressions are judged elsewhere. */
export function strictPath(reading: PathReading): PathReading {
  if ('problem' in reading || reading.pathType === 'Regex' || /^[/][A-Za-z0-9._/-]*$/.test(reading.path)) return reading
  const problem = `path ${quoted(reading.path)} has others than letters, digits, ".", "_", "-" and "/": strict-validate-path-type`
  return { reason: 'InvalidPath', problem }
}

/** Why a path may not mean what its author thinks: Kubernetes knows no wildcards in Exact and Prefix. */
export function pathNotice(reading: PathReading): string | undefined {
  if ('problem' in reading || reading.pathType === 'Regex' || !reading.path.endsWith('/*')) return undefined
  const { path, pathType } = reading
  const below = `pathType Prefix and ${quoted(path.slice(0, -2) || '/')}`
  return `path ${quoted(path)} (${pathType}): "*" stands for itself here; for everything below write ${below}, or ImplementationSpecific`
}

function pathProblem(path: unknown): string | undefined {
  if (typeof path !== 'string') return 'is not text'
  if (!path.startsWith('/')) return 'must begin with "/"'
  if (path.length > MAX_PATH) return `is longer than ${MAX_PATH} characters`
  if (!path.isWellFormed()) return 'is not Unicode text'
  // eslint-disable-next-line no-control-regex -- control characters are what is refused
  return /[\x00-\x1f\x7f]/.test(path) ? 'holds control characters' : undefined
}

function regexPath(path: string): PathReading {
  const parsed = regularExpression(path)
  if ('value' in parsed) return { path, pathType: 'Regex' }
  return { reason: 'InvalidRegex', problem: `path ${quoted(path)} must be ${parsed.allowed}` }
}

function literalPath(path: string, pathType: unknown): PathReading {
  const below = pathType !== 'Exact' && pathType !== 'Prefix' && path.endsWith('/*') ? path.slice(0, -1) : path
  if (/\/\/|\/\.\.?(\/|$)|%[0-9a-fA-F]{2}|[?#]/.test(below)) {
    const problem = `path ${quoted(path)} can never match: request paths are compared decoded, without "//", "/./", "/../", "?" and "#"`
    return { reason: 'InvalidPath', problem }
  }
  return { path: below, pathType: pathType === 'Exact' ? 'Exact' : 'Prefix' }
}
