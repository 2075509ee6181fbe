/** What the TLS policy of a route means with the Secret that it names: never less than what was asked for. */
import type { Reader } from '../../collection/graph.ts'
import type { KubeObject } from '../../collection/objects.ts'
import { isListed } from '../../collection/object-store.ts'
import { quoted } from '../../ir/names.ts'
import { objectName } from '../../ir/object-name.ts'
import type { Finding, Origin } from '../../ir/origin.ts'
import type { Fragment, PolicySet, Route } from '../../ir/types.ts'
import { backendProtocol, isTls } from '../../policy/backend-protocol.ts'
import { backendTls, type BackendTls } from '../../policy/backend-tls.ts'
import { fields } from '../../util/field.ts'
import type { Context } from '../context.ts'
import type { AuthorityResult } from './authority.ts'
import type { CertificateResult } from './translate.ts'

/** The value with what the Secret holds; `closed`: why backends cannot be asked as they should be. */
interface Outcome {
  readonly value?: BackendTls
  readonly closed?: string
  /** Member of the policy -> what is wrong there. */
  readonly problems: Readonly<Record<string, string>>
}

const { name: POLICY } = backendTls

/**
 * The same fragment, with routes whose TLS to backends is complete. Where it cannot be, they are closed: a backend that
 * should have been verified is not asked.
 */
export function withBackendTls(fragment: Fragment, read: Reader, context: Context): Fragment {
  if (!fragment.routes.some(({ policies }) => POLICY in policies)) return fragment
  const outcomes = new Map<PolicySet, Outcome>()
  const findings = new Map<string, Finding>()
  const routes = fragment.routes.map((route) => {
    if (!(POLICY in route.policies)) return route
    const outcome = outcomes.get(route.policies) ?? outcomeOf(route.policies, read, context)
    outcomes.set(route.policies, outcome)
    for (const finding of findingsOf(route, outcome)) findings.set(JSON.stringify(finding), finding)
    return applied(route, outcome)
  })
  return { ...fragment, routes, findings: [...fragment.findings, ...findings.values()] }
}

function applied(route: Route, { value, closed }: Outcome): Route {
  const { [POLICY]: _, ...others } = route.policies
  const policies = value === undefined ? others : { ...others, [POLICY]: { ...value } }
  const reason = route.closed ?? closed
  return { ...route, policies, ...(reason === undefined ? {} : { closed: reason }) }
}

function outcomeOf(policies: PolicySet, read: Reader, context: Context): Outcome {
  const tls: BackendTls = fields(policies[POLICY])
  if (!isTls(backendProtocol(policies))) {
    const message = 'it has no effect, as the backends are not spoken to by TLS: that is said by backend-protocol'
    return { problems: { [Object.keys(tls)[0] ?? '']: message } }
  }
  const secret = tls.secret === undefined ? {} : secretOf(tls.secret, read, context)
  if (secret.problem !== undefined) return refused('secret', secret.problem)
  return verified({ ...tls, ...secret })
}

function verified(tls: BackendTls): Outcome {
  if (tls.verify === true && tls.authority === undefined) {
    return refused('verify', 'backends cannot be verified without a Secret that has the key ca.crt')
  }
  if (tls.verify === true && tls.name === undefined) {
    return refused('verify', 'backends cannot be verified without the name that their certificates must have')
  }
  if (tls.server_name === true && tls.name === undefined) {
    return { value: { ...tls, server_name: false }, problems: { server_name: 'it has no effect without a name' } }
  }
  return { value: tls, problems: {} }
}

function refused(field: string, problem: string): Outcome {
  return { closed: `TLS to the backends: ${problem}`, problems: problem === UNKNOWN ? {} : { [field]: problem } }
}

interface SecretParts extends Pick<BackendTls, 'authority' | 'identity'> {
  readonly problem?: string
}

/** It will be looked up in a moment: nothing to tell anybody. */
const UNKNOWN = 'the Secret is not known yet'

function secretOf(key: string, read: Reader, context: Context): SecretParts {
  const secret = read.get(context.secrets, key)
  if (secret === undefined) {
    return { problem: isListed(read, context.listed, 'Secret', key) ? `${about(key)} does not exist` : UNKNOWN }
  }
  const authorities = authorityOf(read.get(context.authorities, key))
  const parts = [authorities, identityOf(secret, read.get(context.certificates, key))]
  const problem = parts.find((it) => it.problem !== undefined)?.problem
  if (problem !== undefined) return { problem: `${about(key)}: ${problem}` }
  const found: SecretParts = { ...parts[0], ...parts[1] }
  const isEmpty = found.authority === undefined && found.identity === undefined
  return isEmpty ? { problem: `${about(key)} has neither ca.crt nor tls.crt and tls.key` } : found
}

function authorityOf(result: AuthorityResult | undefined): SecretParts {
  if (result === undefined) return {}
  return 'problem' in result ? result : { authority: result.authority.digest }
}

function identityOf(secret: KubeObject, result: CertificateResult | undefined): SecretParts {
  const { 'tls.crt': chain, 'tls.key': key } = fields(secret.data)
  if (chain === undefined && key === undefined) return {}
  if (result === undefined) return { problem: 'its certificate cannot be read' }
  return 'problem' in result ? result : { identity: true }
}

function about(key: string): string {
  const { namespace, name } = objectName(key)
  return `Secret ${quoted(name)} of namespace ${namespace}`
}

function findingsOf({ sources, origin }: Route, { problems, closed }: Outcome): Finding[] {
  return Object.entries(problems).map(([field, problem]): Finding => ({
    origin: originOf(sources[POLICY] ?? {}, field) ?? origin,
    severity: closed === undefined ? 'warning' : 'error',
    reason: closed === undefined ? 'AdjustedAnnotation' : 'InvalidSecret',
    message: closed === undefined ? problem : `${problem}; the paths that need it answer 503`,
  }))
}

/** Where the field was said; that of another one of the policy where it was not. */
function originOf(said: Readonly<Record<string, Origin>>, field: string): Origin | undefined {
  return said[field] ?? Object.values(said)[0]
}
