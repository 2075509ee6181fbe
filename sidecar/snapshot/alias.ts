/** Further names of hosts: which host a name that nobody claims is served as. */
import type { Finding } from '../ir/origin.ts'
import type { Alias, Fragment } from '../ir/types.ts'
import { hostPart } from './by-host.ts'
import { byAge } from './order.ts'

/** Those with a say in a host. */
export type FragmentsOf = (host: string) => readonly Fragment[]

/** The namespace of the oldest object that claims the host; with no claim, of the oldest that names it. */
export function ownerOf(host: string, ordered: readonly Fragment[]): string {
  const owner = ordered.find((fragment) => hostPart(fragment, host).claimed) ?? ordered[0]
  return owner?.origin.namespace ?? ''
}

/**
 * The oldest alias of this name by the namespace that owns the host it leads to. A host of any object
 * beats an alias, whoever is older: the name of a host is nobody else's to give away.
 */
export function chooseAlias(
  name: string,
  ordered: readonly Fragment[],
  fragmentsOf: FragmentsOf,
  findings: Finding[],
): Alias | undefined {
  const asked = ordered.flatMap(({ aliases = [] }) => aliases.filter((alias) => alias.name === name))
  if (asked.length === 0) return undefined
  const refuse = ({ origin }: Alias, reason: string, why: string): void => {
    findings.push({ origin, severity: 'warning', reason, message: `annotation server-alias: ${name} is left out: ${why}` })
  }
  if (ordered.some((fragment) => hostPart(fragment, name).claimed)) {
    for (const alias of asked) refuse(alias, 'HostClaimed', 'it is a host of another object')
    return undefined
  }
  const allowed = asked.filter((alias) => {
    const owner = ownerOf(alias.host, byAge(fragmentsOf(alias.host)))
    if (owner === alias.origin.namespace) return true
    refuse(alias, 'HostOwnedByOther', `host ${alias.host} belongs to namespace ${owner}, which alone gives it names`)
    return false
  })
  const [chosen, ...others] = allowed
  for (const alias of others) {
    if (alias.host !== chosen?.host) refuse(alias, 'AliasConflict', `it is a name of host ${chosen?.host} already`)
  }
  return chosen
}
