/** What active checks of a backend speak: what the routes to it do. */
import { backendName } from '../../ir/backend-name.ts'
import type { BackendRef, CheckTls, Fragment, PolicySet } from '../../ir/types.ts'
import { backendProtocol, type BackendProtocol } from '../../policy/backend-protocol.ts'
import { backendIdentity, type BackendTls } from '../../policy/backend-tls.ts'
import { compareText } from '../../util/canonical.ts'
import { fields } from '../../util/field.ts'

/** With TLS for whatever client. */
const TLS_ONLY: ReadonlySet<BackendProtocol | undefined> = new Set<BackendProtocol>(['HTTPS', 'GRPCS'])

/**
 * By TLS where every route to the backend is, as the one of the oldest object says it; undefined: without.
 * @param users whose routes lead to it
 */
export function checkTls(ref: BackendRef, users: readonly Fragment[]): CheckTls | undefined {
  const name = backendName(ref)
  const routes = [...users].sort(byAge).flatMap((fragment) => fragment.routes)
  const leading = routes.filter(({ backends }) => backends.some((backend) => backendName(backend) === name))
  const policies = leading.map((route) => route.policies)
  const [first] = policies
  const isOver = policies.every((it) => TLS_ONLY.has(backendProtocol(it)))
  return first === undefined || !isOver ? undefined : tlsOf(first)
}

function byAge({ age: left }: Fragment, { age: right }: Fragment): number {
  return compareText(left.created, right.created) || compareText(left.name, right.name)
}

/** Over HTTP/2 alone nobody can be asked for a path. */
function tlsOf(policies: PolicySet): CheckTls {
  const { server_name: sendsName, name }: BackendTls = fields(policies.backend_tls)
  const identity = backendIdentity(policies)
  return {
    ...(sendsName === true && name !== undefined ? { name } : {}),
    ...(identity === undefined ? {} : { identity }),
    ...(backendProtocol(policies) === 'GRPCS' ? { handshake: true } : {}),
  }
}
