/** The ciphers of a host: a handshake knows its name, and no path. */
import type { Finding } from '../ir/origin.ts'
import type { HostCiphers, Route, VirtualHost } from '../ir/types.ts'
import { clientCiphers } from '../policy/client-ciphers.ts'
import { canonicalJson } from '../util/canonical.ts'

/** What the oldest object with a say has, of the namespace that owns the host; `routes` by age. */
export function chooseCiphers(owner: string, routes: readonly Route[], findings: Finding[]): Pick<VirtualHost, 'ciphers'> {
  const speaking = onePerObject(routes.filter((route) => ciphersOf(route) !== undefined))
  const [first, ...younger] = speaking.filter(({ origin }) => origin.namespace === owner)
  for (const route of speaking.filter(({ origin }) => origin.namespace !== owner)) {
    const message = `host ${route.host} belongs to namespace ${owner}, which alone says what its ciphers are`
    findings.push(unheard(route, 'HostOwnedByOther', message))
  }
  if (first === undefined) return {}
  const ciphers = ciphersOf(first) ?? {}
  for (const route of younger.filter((it) => canonicalJson(ciphersOf(it)) !== canonicalJson(ciphers))) {
    findings.push(unheard(route, 'CipherConflict', `the ciphers of host ${route.host} are those of an older object`))
  }
  return { ciphers }
}

function ciphersOf({ policies }: Route): HostCiphers | undefined {
  return policies[clientCiphers.name] as HostCiphers | undefined
}

/** The routes of one object all say the same. */
function onePerObject(routes: readonly Route[]): readonly Route[] {
  const first = new Map<string, Route>()
  for (const route of routes) {
    const { kind, namespace, name } = route.origin
    const object = `${kind}/${namespace}/${name}`
    if (!first.has(object)) first.set(object, route)
  }
  return [...first.values()]
}

function unheard({ sources, origin }: Route, reason: string, message: string): Finding {
  const [said = origin] = Object.values(sources[clientCiphers.name] ?? {})
  return { origin: said, severity: 'warning', reason, message }
}
