/** The ciphers of a host: a handshake knows its name, and no path. */
import type { Finding, Origin } from '../ir/origin.ts'
import type { HostCiphers, Route, VirtualHost } from '../ir/types.ts'
import { clientCiphers } from '../policy/client-ciphers.ts'
import { canonicalJson } from '../util/canonical.ts'

/** What the oldest object with a say has, of the namespace that owns the host; `routes` by age. */
export function chooseCiphers(owner: string, routes: readonly Route[], findings: Finding[]): Pick<VirtualHost, 'ciphers'> {
  let chosen: HostCiphers | undefined
  const heard = new Set<string>()
  for (const { host, policies, sources, origin } of routes) {
    const ciphers = policies[clientCiphers.name] as HostCiphers | undefined
    const object = `${origin.kind}/${origin.namespace}/${origin.name}`
    if (ciphers === undefined || heard.has(object)) continue
    heard.add(object)
    const said = Object.values(sources[clientCiphers.name] ?? {})[0] ?? origin
    if (origin.namespace !== owner) {
      findings.push(unheard(said, 'HostOwnedByOther', `host ${host} belongs to namespace ${owner}, which alone says what its ciphers are`))
    } else if (chosen !== undefined && canonicalJson(chosen) !== canonicalJson(ciphers)) {
      findings.push(unheard(said, 'CipherConflict', `the ciphers of host ${host} are those of an older object`))
    }
    if (origin.namespace === owner) chosen ??= ciphers
  }
  return chosen === undefined ? {} : { ciphers: chosen }
}

function unheard(origin: Origin, reason: string, message: string): Finding {
  return { origin, severity: 'warning', reason, message }
}
