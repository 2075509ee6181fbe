/** `server-alias` of an Ingress -> further names of the first host of its rules. */
import { ANY_HOST } from '../../ir/names.ts'
import type { Finding, Origin } from '../../ir/origin.ts'
import type { Alias } from '../../ir/types.ts'
import type { PolicyReading } from '../../policy/set/annotations.ts'
import { fields, items, text } from '../../util/field.ts'

export interface AliasReading {
  /** Of the fragment. */
  readonly members: { readonly aliases?: readonly Alias[] }
  readonly names: readonly string[]
  readonly findings: readonly Finding[]
}

const NONE: AliasReading = { members: {}, names: [], findings: [] }

/** They count where nobody claims the name (snapshot/alias.ts). */
export function readAliases(
  hosts: readonly string[],
  { policies, sources }: PolicyReading,
  object: Origin,
): AliasReading {
  const names = items(fields(policies.server_alias).names).map(text)
  if (names.length === 0) return NONE
  const origin = sources.server_alias?.names ?? object
  const host = hosts.find((name) => name !== ANY_HOST)
  if (host === undefined) {
    const message = 'annotation server-alias: it has no effect without a rule that has a host'
    return { ...NONE, findings: [{ origin, severity: 'warning', reason: 'NoHost', message }] }
  }
  const others = names.filter((name) => !hosts.includes(name))
  if (others.length === 0) return NONE
  return { members: { aliases: others.map((name) => ({ name, host, origin })) }, names: others, findings: [] }
}
