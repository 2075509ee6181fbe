/** An explanation as text for a terminal. */
import type { Finding, Origin } from '../ir/origin.ts'
import type { BackendExplanation, Explanation, PolicyExplanation, RouteSummary } from './explain.ts'

/** Ends with a line break. */
export function printExplanation(explanation: Explanation): string {
  const { request, listener, outcome, passed, host, route, others, findings } = explanation
  const { method, scheme, path = '(cannot be understood)' } = request
  const lines = [
    `request   ${method} ${scheme}://${request.host} path ${path}`,
    `listener  ${listener}`,
    `outcome   ${outcome}`,
    ...(passed === undefined ? [] : backendLines(passed)),
  ]
  if (host !== undefined) lines.push(`host      ${host.name} (${host.how}), ${host.certificate}`)
  if (route !== undefined) {
    lines.push(
      `route     ${routeText(route)}`,
      `because   ${route.why}`,
      `class     ${route.class}`,
      ...route.policies.flatMap(policyLines),
      ...route.backends.flatMap(backendLines),
    )
  }
  lines.push(...others.map((other) => `also      ${routeText(other)}`))
  lines.push(...findings.map((finding) => `finding   ${reportText(finding)}`))
  return lines.map((line) => `${printable(line)}\n`).join('')
}

function routeText({ path, pathType, match, object }: RouteSummary): string {
  const predicates = match === undefined ? '' : ` and ${JSON.stringify(match)}`
  return `${path} (${pathType})${predicates} of ${objectText(object)}`
}

/** `Service prod/web metadata.annotations[conf] line 2`. */
function objectText({ kind, namespace, name, field, line }: Origin): string {
  const object = [namespace, name].filter((part) => part !== '').join('/')
  const place = line === undefined ? '' : `line ${line}`
  return [kind, object, field, place].filter((part) => part !== '').join(' ')
}

/** A finding in a line. Messages that begin with their field, as those of a Proxy do, do not get it twice. */
export function reportText({ severity, origin, message }: Finding): string {
  const named = origin.field !== '' && message.startsWith(origin.field) ? { ...origin, field: '' } : origin
  return `${severity}: ${objectText(named)}: ${message}`
}

function policyLines({ name, value, setBy }: PolicyExplanation): string[] {
  const said = Object.entries(setBy).map(([field, origin]) => `          ${field} by ${objectText(origin)}`)
  const effect = value === undefined ? 'nothing per request: its class or the translation has it' : JSON.stringify(value)
  return [`policy    ${name}: ${effect}`, ...(said.length === 0 ? ['          by the settings'] : said)]
}

function backendLines({ backend, weight, canary, isDefault, endpoints }: BackendExplanation): string[] {
  const share = isDefault === true ? 'default backend' : `weight ${weight}`
  const arm = canary === undefined ? '' : armText(canary)
  const list = endpoints.map(({ address, state }) => `          ${address} ${state}`)
  return [`backend   ${backend.slice('backend/'.length)} ${share}${arm}`, ...(list.length === 0 ? ['          no endpoint'] : list)]
}

const SHARES = { takes: ', which takes this request', refuses: ', which this request goes past', weight: '' }

function armText({ kind, namespace, name, header, cookie, share }: NonNullable<BackendExplanation['canary']>): string {
  const { value, pattern } = header ?? {}
  const wanted = value !== undefined ? `: ${value}` : pattern !== undefined ? ` ~ ${pattern}` : ''
  const rules = [
    ...(header === undefined ? [] : [` by header ${header.name}${wanted}`]),
    ...(cookie === undefined ? [] : [` by cookie ${cookie}`]),
  ]
  return `, canary of ${kind} ${namespace}/${name}${rules.join(' or')}${SHARES[share]}`
}

/** Objects hold what their authors like: nothing of it reaches the terminal as a control sequence. */
export function printable(text: string): string {
  return text.replace(/\p{C}/gu, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`)
}
