/** PolicySet -> what Lua reads, and the static directives that make a location class. */
import type { Origin } from '../../ir/origin.ts'
import type { Settings } from '../../ir/settings.ts'
import type { Json, PolicySet, PolicySources } from '../../ir/types.ts'
import { print, type Directive } from '../../syntax/directive.ts'
import { compareText, hashName } from '../../util/canonical.ts'
import { backendProtocol, backendProtocolPolicy, type BackendProtocol } from '../backend-protocol.ts'
import { backendAuthority, backendIdentity } from '../backend-tls.ts'
import { externalAuth } from '../external-auth.ts'
import { routeAuthConnections, type AuthConnections } from '../external-auth-connections.ts'
import type { Policy, PolicyValue, RouteContext } from '../common/policy.ts'
import { POLICIES } from '../registry.ts'
import type { StandardHeader } from '../common/standard-headers.ts'

export interface LocationClass {
  /** `c` and the hash of its directives: equal sets share one class. */
  readonly name: string
  readonly directives: readonly Directive[]
  /** Lua may change the headers of its answers. */
  readonly filters?: true
  /** Lua needs threads for its requests. */
  readonly threads?: true
  /** Headers for the backend that Lua sets in place of the configuration. */
  readonly own?: readonly StandardHeader[]
  /** Absent: HTTP without TLS, over connections that all such routes share. Others have connections of their own. */
  readonly protocol?: BackendProtocol
  /** Whose certificate those connections show: nobody else may use them. */
  readonly identity?: string
  /** Digest of the file of authorities that the directives name. */
  readonly authority?: string
  /** Over which its questions of external authentication go; absent: over those that all share. */
  readonly authConnections?: AuthConnections
}

/** That of requests that no route takes; undefined: nobody is asked about them. */
export function unroutedClass(settings: Settings): LocationClass | undefined {
  return locationClass({}, settings, [externalAuth])
}

function staticEffect(policy: Policy, policies: PolicySet, settings: Settings): readonly Directive[] {
  const value = policies[policy.name] ?? (policy.always === true ? {} : undefined)
  return value === undefined ? [] : (policy.directives?.(value as PolicyValue, settings) ?? [])
}

/** What Lua does in some locations only. */
const LUA_PARTS = ['filters', 'threads'] as const
type LuaPart = (typeof LUA_PARTS)[number]

function luaParts(policy: Policy, policies: PolicySet, settings: Settings): readonly LuaPart[] {
  const value = policies[policy.name] ?? (policy.always === true ? {} : undefined)
  return value === undefined ? [] : LUA_PARTS.filter((part) => policy[part]?.(value as PolicyValue, settings) === true)
}

function ownHeaders({ name, ownHeaders: own }: Policy, policies: PolicySet): readonly StandardHeader[] {
  const value = policies[name]
  return value === undefined ? [] : (own?.(value as PolicyValue) ?? [])
}

/** Undefined: the ordinary location serves the route. */
export function locationClass(
  policies: PolicySet,
  settings: Settings,
  acting: readonly Policy[] = POLICIES,
): LocationClass | undefined {
  const own = [...new Set(acting.flatMap((policy) => ownHeaders(policy, policies)))].sort(compareText)
  const parts = acting.flatMap((policy) => luaParts(policy, policies, settings))
  const content = {
    directives: acting.flatMap((policy) => staticEffect(policy, policies, settings)),
    ...Object.fromEntries(parts.map((part) => [part, true as const])),
    ...(own.length === 0 ? {} : { own }),
    ...connections(policies),
  }
  if (isOrdinary(content)) return undefined
  return { name: `c${hashName(classLines(content).join('\n'))}`, ...content }
}

function isOrdinary({ directives, filters, threads, own, protocol }: Omit<LocationClass, 'name'>): boolean {
  return directives.length === 0 && [filters, threads, own, protocol].every((it) => it === undefined)
}

/** What keeps the connections of a class apart from those of others. */
function connections(policies: PolicySet): Pick<LocationClass, 'protocol' | 'identity' | 'authority' | 'authConnections'> {
  const protocol = backendProtocol(policies)
  const [identity, authority] = [backendIdentity(policies), backendAuthority(policies)]
  const auth = routeAuthConnections(policies)
  return {
    ...(protocol === undefined ? {} : { protocol }),
    ...(identity === undefined ? {} : { identity }),
    ...(authority === undefined ? {} : { authority }),
    ...(auth === undefined ? {} : { authConnections: auth }),
  }
}

/** What makes a class, in lines for people. */
export function classLines(content: Omit<LocationClass, 'name'>): readonly string[] {
  const { directives, filters, threads, own = [], protocol, identity, authConnections: auth } = content
  return [
    ...directives.map(print),
    ...(filters === true ? ['header_filter_by_lua_block;'] : []),
    ...(threads === true ? ['thread_pool;'] : []),
    ...own.map((name) => `proxy_set_header ${name} by Lua;`),
    ...(protocol === undefined ? [] : [`backends speak ${protocol};`]),
    ...(identity === undefined ? [] : [`backends see certificate ${identity};`]),
    ...(auth === undefined ? [] : [`questions go over ${auth.name};`]),
  ]
}

/** Where that was said which gives a route its location class. */
export function staticSources(policies: PolicySet, sources: PolicySources, settings: Settings): Origin[] {
  const acting = POLICIES.filter(
    (policy) =>
      staticEffect(policy, policies, settings).length > 0
      || luaParts(policy, policies, settings).length > 0
      || (policy.name === backendProtocolPolicy.name && backendProtocol(policies) !== undefined)
      || ownHeaders(policy, policies).length > 0,
  )
  return acting.flatMap(({ name }) => Object.values(sources[name] ?? {}))
}

/** Of most routes: one object for all of them. */
const NONE: PolicySet = {}

/** What a route's record holds under `policies`, or that of something else for which only those `acting` count. */
export function runtimePolicies(
  policies: PolicySet,
  context: RouteContext,
  acting: readonly Policy[] = POLICIES,
): PolicySet {
  const effects: Record<string, Json> = {}
  for (const { name, runtime } of acting) {
    const value = policies[name] ?? (runtime?.always === true ? {} : undefined)
    if (value === undefined) continue
    const effect = runtime?.effect(value as PolicyValue, context)
    if (effect !== undefined) effects[name] = effect
  }
  return Object.keys(effects).length === 0 ? NONE : effects
}
