/** A Finding as the body of an Event of core/v1. Pure. */
import type { Finding } from '../ir/origin.ts'
import { ENDPOINT_SLICE, INGRESS, INGRESS_CLASS } from './resource.ts'

export interface EventFacts {
  readonly name: string
  readonly first: Date
  readonly last: Date
  readonly count: number
  readonly instance: string
}

const CONTROLLER = 'resty-ingress'
/** Events of objects without a namespace live there, as those of client-go do. */
const DEFAULT_NAMESPACE = 'default'
/** The API server's bound on the text of an Event. */
const MAX_MESSAGE = 1024
/** A name may have 253 characters; the hash and its dot need 17. */
const MAX_NAME = 236
const GROUPS = new Map<string, string>(
  [INGRESS, INGRESS_CLASS, ENDPOINT_SLICE].map(({ kind, apiVersion }) => [kind, apiVersion]),
)

/** Events lie beside their object; those of kinds without a namespace in `default`. */
export function eventNamespace({ origin }: Finding): string {
  return origin.namespace === '' ? DEFAULT_NAMESPACE : origin.namespace
}

/** The same finding has the same name in each run, so that a restart finds its Event again. */
export function eventName({ origin }: Finding, identity: string): string {
  return `${origin.name.slice(0, MAX_NAME).replace(/[-.]+$/, '')}.${identity}`
}

/** The Event (core v1) of a finding. */
export function eventBody(finding: Finding, facts: EventFacts): object {
  const { origin, reason, message } = finding
  const { kind, namespace, name, uid, field } = origin
  const apiVersion = origin.apiVersion ?? GROUPS.get(kind) ?? 'v1'
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: facts.name, namespace: eventNamespace(finding) },
    involvedObject: { apiVersion, kind, namespace, name, uid, ...(field === '' ? {} : { fieldPath: field }) },
    type: 'Warning',
    reason,
    message: plain(message),
    count: facts.count,
    firstTimestamp: seconds(facts.first),
    lastTimestamp: seconds(facts.last),
    source: { component: CONTROLLER },
    reportingComponent: CONTROLLER,
    reportingInstance: facts.instance,
  }
}

/** Times of core/v1 Events have no fraction. */
export function seconds(time: Date): string {
  return time.toISOString().replace(/\.\d+Z$/, 'Z')
}

/** Object text in a message must not move the cursor of whoever reads it. At most 1024 characters. */
export function plain(message: string): string {
  const clean = message.replace(/\p{Cc}+/gu, ' ')
  return clean.length <= MAX_MESSAGE ? clean : `${clean.slice(0, MAX_MESSAGE - 1).toWellFormed()}…`
}
