/** What holds for a route: its own object's policies, over those of the Service that it leads to. */
import type { Reader } from '../collection/graph.ts'
import type { Finding, Origin } from '../ir/origin.ts'
import type { BackendRef, Route } from '../ir/types.ts'
import { isEqual } from '../util/equal.ts'
import type { PolicyReading } from '../policy/set/annotations.ts'
import { merged } from '../policy/set/merge.ts'
import type { Context } from './context.ts'
import { serviceConf, type ConfReading } from './service/conf.ts'

/** Members of a route that say what holds for it. `main` is its first backend, if it has any. */
export function routePolicies(
  own: PolicyReading,
  main: BackendRef | undefined,
  read: Reader,
  context: Context,
): Pick<Route, 'policies' | 'sources' | 'closed'> {
  const { policies, sources, closed } = own
  const said = { policies, sources, ...(closed === undefined ? {} : { closed }) }
  const conf = main === undefined ? undefined : confOf(main, read, context)
  return conf === undefined ? said : merged(conf, said)
}

function confOf({ namespace, service }: BackendRef, read: Reader, context: Context): ConfReading | undefined {
  const object = read.get(context.services, `${namespace}/${service}`)
  return object === undefined ? undefined : serviceConf(object)
}

/**
 * Of several backends the first one's `conf` holds for the whole route, since which of them a request goes to is
 * not known when most of it acts: a finding for each other that says something else.
 */
export function confConflicts(
  backends: readonly BackendRef[],
  origin: Origin,
  read: Reader,
  context: Context,
): readonly Finding[] {
  const [main, ...others] = backends
  if (main === undefined || others.length === 0) return []
  const holding = confOf(main, read, context)
  return others.flatMap((backend): Finding[] => {
    const conf = confOf(backend, read, context)
    if (conf === undefined || isEqual(conf.policies, holding?.policies)) return []
    const message = `conf of Service ${backend.namespace}/${backend.service} has no effect here: that of the first backend holds, Service ${main.namespace}/${main.service}`
    return [{ origin, severity: 'warning', reason: 'ConfOfOtherBackend', message }]
  })
}
