/** Which requests have no line in the access log, for the template. */
import type { Settings } from '../ir/settings.ts'
import type { LocationClass } from '../policy/set/effects.ts'
import { keyword, mapLine, pathKey } from '../syntax/directive.ts'

export interface LogView {
  /** There are such requests: a variable says so of each. */
  readonly unlogged: boolean
  /** Some by their path: lines of a map. */
  readonly skips: boolean
  readonly skipped: readonly string[]
  /** All without a route. */
  readonly skips_unrouted: boolean
}

/** By settings (`skip-access-log-urls`, `log-default-backend`), and by routes that have a class without a log. */
export function logView(settings: Settings, classes: readonly LocationClass[]): LogView {
  const { skipAccessLogUrls: paths, logDefaultBackend } = settings
  const ofClasses = classes.some(({ directives }) => directives.some(({ name }) => name === 'access_log'))
  return {
    unlogged: ofClasses || paths.length > 0 || !logDefaultBackend,
    skips: paths.length > 0,
    skipped: [...new Set(paths)].map((path) => mapLine(pathKey(path), keyword('0'))),
    skips_unrouted: !logDefaultBackend,
  }
}
