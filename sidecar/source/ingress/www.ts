/** `from-to-www-redirect` of an Ingress -> routes of the names that differ from its hosts by `www.`. */
import { ANY_HOST, isHost } from '../../ir/names.ts'
import type { Origin } from '../../ir/origin.ts'
import type { Route } from '../../ir/types.ts'
import type { PolicyReading } from '../../policy/set/annotations.ts'
import { fields } from '../../util/field.ts'

const WWW = 'www.'

/** They count where nobody claims the name (snapshot/virtual-host.ts); scheme and port stay. */
export function wwwRoutes(hosts: readonly string[], { policies, sources }: PolicyReading, origin: Origin): Route[] {
  if (fields(policies.www_redirect).enabled !== true) return []
  const said = sources.www_redirect?.enabled ?? origin
  return [...new Set(hosts)].flatMap((host) => {
    const other = otherName(host)
    if (other === undefined || hosts.includes(other)) return []
    const redirect = { policies: { redirect: { host } }, sources: { redirect: { host: said } } }
    return [{ host: other, path: '/', pathType: 'Prefix' as const, vacant: true as const, backends: [], ...redirect, origin: said }]
  })
}

function otherName(host: string): string | undefined {
  const other = host.startsWith(WWW) ? host.slice(WWW.length) : WWW + host
  return host === ANY_HOST || host.startsWith('*') || !isHost(other) ? undefined : other
}
