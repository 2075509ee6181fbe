/** Hosts of URLs as destinations: of questions of external authentication, and of whatever else a URL stands for. */
import type { Reader } from '../../collection/graph.ts'
import type { Finding } from '../../ir/origin.ts'
import type { Backend, BackendRef, Fragment } from '../../ir/types.ts'
import type { Context } from '../context.ts'
import { namedDestinations } from './named.ts'

/** Objects with the same URL that are told what is wrong with it. */
const MAX_TOLD = 16

/**
 * The addresses of the name that stands in place of a Service. Those in front of this controller are among them:
 * what comes back is routed like any other request.
 * @param users the objects with the URL
 */
export function urlBackend(ref: BackendRef, users: readonly Fragment[], read: Reader, context: Context): Backend {
  const { service: name } = ref
  const named = { name, port: Number(ref.port), subject: `the host ${name} of a URL`, otherwise: 'requests to it fail' }
  const { endpoints, problems, asked } = namedDestinations(named, read, context)
  const findings = problems.flatMap((problem) =>
    users.slice(0, MAX_TOLD).map(({ origin }): Finding => ({ origin, severity: 'warning', ...problem })),
  )
  return { ...ref, endpoints, findings, ...(asked ? { externalName: name } : {}) }
}
