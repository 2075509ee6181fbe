import type { RouteContext } from './policy.ts'

/**
 * Nobody has to log in to paths of `no-auth-locations`, nor below them, as in ingress-nginx: whoever issues
 * certificates has no password. It is the path of the route, element by element; what a regular expression matches is
 * not known.
 */
export function needsNoLogin({ path, pathType, settings }: RouteContext): boolean {
  return pathType !== 'Regex' && settings.noAuthLocations.some((prefix) => isBelow(path, prefix))
}

function isBelow(path: string, prefix: string): boolean {
  return `${path}/`.startsWith(prefix.endsWith('/') ? prefix : `${prefix}/`)
}
