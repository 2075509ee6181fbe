/**
 * A Lease of coordination.k8s.io/v1 as a lock, read and written as client-go does, so that every tool
 * understands it. Pure.
 */
import { fields, text } from '../util/field.ts'
import type { RawObject } from './resource.ts'

export interface LeaseHolder {
  readonly identity: string
  /** Of the lease, in seconds: how long others wait for a sign of life. */
  readonly seconds: number
}

/** Whose it is; '' = nobody's. */
export function holderOf(lease: RawObject): string {
  return text(fields(lease['spec'])['holderIdentity'])
}

/** How long the lease lasts after a sign of life, in milliseconds. What the holder says counts. */
export function durationOf(lease: RawObject): number {
  const seconds = fields(lease['spec'])['leaseDurationSeconds']
  return typeof seconds === 'number' ? seconds * 1000 : 0
}

/** Changes with each sign of life, whatever the clock of the holder says. */
export function signOfLife(lease: RawObject): string {
  return JSON.stringify(lease['spec'] ?? null)
}

/** The spec of a lease that is acquired or renewed; `lease`: as it is now, undefined when there is none. */
export function heldSpec(lease: RawObject | undefined, holder: LeaseHolder, now: Date): object {
  const spec = fields(lease?.['spec'])
  const renewed = { leaseDurationSeconds: holder.seconds, renewTime: microTime(now) }
  if (lease !== undefined && holderOf(lease) === holder.identity) return { ...spec, ...renewed }
  const transitions = typeof spec['leaseTransitions'] === 'number' ? spec['leaseTransitions'] + 1 : 0
  return {
    ...spec,
    ...renewed,
    holderIdentity: holder.identity,
    acquireTime: microTime(now),
    leaseTransitions: transitions,
  }
}

/** The spec of a lease that its holder gives back: the next one need not wait. */
export function releasedSpec(lease: RawObject, now: Date): object {
  const spec = fields(lease['spec'])
  return { ...spec, holderIdentity: '', leaseDurationSeconds: 1, renewTime: microTime(now) }
}

/** The API server demands six digits. */
function microTime(time: Date): string {
  return time.toISOString().replace('Z', '000Z')
}
