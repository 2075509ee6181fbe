/** Canaries: objects whose paths take a share of the requests of a main route of their namespace. */
import type { Finding } from '../ir/origin.ts'
import type { Canaries, CanaryArm, Route } from '../ir/types.ts'
import { canaryPolicy } from '../policy/canary.ts'
import { defined, fields } from '../util/field.ts'
import { matchKey, matchPath } from './order.ts'

/** Each arm is one more backend to try its rules for. */
const MAX_ARMS = 20

/** Gives the main routes with their arms, the oldest first. `arms` come in order of age. */
export function withCanaries(routes: readonly Route[], arms: readonly Route[], findings: Finding[]): readonly Route[] {
  if (arms.length === 0) return routes
  const mains = new Map(routes.map((route) => [slot(route, route.pathType), route]))
  const attached = new Map<Route, Route[]>()
  for (const arm of arms) {
    const main = mainOf(arm, mains)
    const others = (main && attached.get(main)) ?? []
    const problem = problemOf(arm, main, others)
    if (problem !== undefined) findings.push({ origin: arm.origin, severity: 'error', ...problem })
    else if (main !== undefined) attached.set(main, [...others, arm])
  }
  return routes.map((route) => {
    const own = attached.get(route)
    return own === undefined ? route : { ...route, canaries: canaries(route, own, findings) }
  })
}

function slot(route: Route, pathType: Route['pathType']): string {
  const path = pathType === 'Prefix' ? matchPath({ ...route, pathType }) : route.path
  return `${pathType} ${route.fallback === true ? 'default' : ''} ${path} ${matchKey(route.match)}`
}

/** The main object alone says whether paths are regular expressions: a canary may leave `use-regex` out. */
function mainOf(arm: Route, mains: ReadonlyMap<string, Route>): Route | undefined {
  const same = mains.get(slot(arm, arm.pathType))
  if (same !== undefined || arm.pathType === 'Exact') return same
  return mains.get(slot(arm, arm.pathType === 'Regex' ? 'Prefix' : 'Regex'))
}

function problemOf(
  arm: Route,
  main: Route | undefined,
  others: readonly Route[],
): Pick<Finding, 'reason' | 'message'> | undefined {
  const problem = (reason: string, why: string): Pick<Finding, 'reason' | 'message'> => {
    return { reason, message: `path ${JSON.stringify(arm.path)} (${arm.pathType}) of this canary gets no traffic: ${why}` }
  }
  if (main === undefined) return problem('CanaryWithoutMain', 'no main Ingress has the same host, path and type')
  const { kind, namespace, name } = main.origin
  const owner = `${kind} ${namespace}/${name}`
  if (namespace !== arm.origin.namespace) {
    return problem('CanaryOfOtherNamespace', `it belongs to ${owner}, in another namespace`)
  }
  if (arm.closed !== undefined) return problem('CanaryClosed', arm.closed)
  if (others.some(({ origin }) => origin.name === arm.origin.name)) return problem('PathConflict', 'it stands here twice')
  return others.length < MAX_ARMS ? undefined : problem('TooManyCanaries', `${owner} already has ${MAX_ARMS}`)
}

function canaries(main: Route, arms: readonly Route[], findings: Finding[]): Canaries {
  const all = [main, ...arms]
  const key = all.map(({ policies }) => canaryPolicy(policies).key).find((it) => it !== undefined)
  // Of either side, the main one first.
  const behaviour = all.map(({ policies }) => fields(policies.affinity).canary_behavior).find((it) => it !== undefined)
  const sticky = behaviour !== 'legacy'
  const total = Math.max(...arms.map(totalOf))
  const shares = sharesOf(arms, total, findings)
  return {
    total,
    sticky,
    ...(key === undefined ? {} : { key }),
    arms: arms.flatMap((arm, i) => armOf(arm, shares[i] ?? 0, sticky ? main : undefined)),
  }
}

function totalOf({ policies }: Route): number {
  return canaryPolicy(policies).total ?? 1
}

/** Weights that are counted out of different totals are brought to the largest; the oldest get theirs first. */
function sharesOf(arms: readonly Route[], total: number, findings: Finding[]): number[] {
  let room = total
  return arms.map((arm) => {
    const asked = Math.round(((canaryPolicy(arm.policies).weight ?? 0) * total) / totalOf(arm))
    const share = Math.min(asked, room)
    if (share < asked) findings.push(cut(arm, asked, share, total))
    room -= share
    return share
  })
}

function cut(arm: Route, asked: number, share: number, total: number): Finding {
  const message = `this canary gets ${share} instead of ${asked} of ${total}: older canaries of the path take the rest`
  return { origin: arm.origin, severity: 'warning', reason: 'CanaryWeight', message }
}

/** With `stickyTo`, the cookie of the main route holds for the canary too (ingress-nginx). */
function armOf(arm: Route, weight: number, stickyTo: Route | undefined): CanaryArm[] {
  const { header, cookie } = canaryPolicy(arm.policies)
  const { load_balance: loadBalance, affinity } = arm.policies
  const inherited = fields(stickyTo?.policies.affinity).type === 'cookie' ? stickyTo?.policies.affinity : undefined
  const policies = defined({ load_balance: loadBalance, affinity: inherited ?? affinity })
  const rules = { ...(header === undefined ? {} : { header }), ...(cookie === undefined ? {} : { cookie }) }
  return arm.backends.map((backend) => ({ backend, weight, ...rules, policies, origin: arm.origin }))
}
