/** What is said when the records do not fit into OpenResty. */
import type { ObjectRef, Finding } from '../ir/origin.ts'

/** Bytes: what the dictionary of the records would have to hold, and what it can. */
export interface OutOfRoom {
  readonly needed: number
  readonly capacity: number
}

const SETTING = 'RESTY_INGRESS_RECORDS_SIZE'
const MEBIBYTE = 1024 * 1024
/** Pages are never full to the last byte, and there will be more objects. */
const MARGIN = 1.25

/** The finding, about the pod whose setting it is; none when there is room. */
export function capacityFindings(full: OutOfRoom | undefined, pod: Pick<ObjectRef, 'namespace' | 'name'>): Finding[] {
  if (full === undefined) return []
  const { needed, capacity } = full
  const enough = Math.ceil((needed * MARGIN) / MEBIBYTE)
  const message =
    `OpenResty has no room for the newest records and serves the old ones: ${needed} bytes are needed, ` +
    `${capacity} there; set ${SETTING} of the container openresty to ${enough}m or more`
  return [{ origin: { kind: 'Pod', ...pod, field: SETTING }, severity: 'error', reason: 'OutOfRoom', message }]
}
