/** The annotation `ssl-passthrough` of an Ingress -> the hosts whose TLS it wants passed on. */
import { ANY_HOST } from '../../ir/names.ts'
import type { Finding, Origin } from '../../ir/origin.ts'
import type { Passthrough, Route } from '../../ir/types.ts'
import type { PolicyReading } from '../../policy/set/annotations.ts'
import { POLICIES } from '../../policy/registry.ts'
import { fields } from '../../util/field.ts'

export interface PassthroughReading {
  readonly passthrough: readonly Passthrough[]
  readonly findings: readonly Finding[]
}

const NONE: PassthroughReading = { passthrough: [], findings: [] }

/**
 * Of each host the backend of `/`, as in ingress-nginx. A protection cannot be kept where NGINX sees no
 * request: with one, TLS ends here.
 * @param enabled the flag `--enable-ssl-passthrough`
 */
export function readPassthrough(
  routes: readonly Route[],
  reading: PolicyReading,
  enabled: boolean,
): PassthroughReading {
  const origin = reading.sources.ssl_passthrough?.enabled
  if (origin === undefined || fields(reading.policies.ssl_passthrough).enabled !== true) return NONE
  const problem = enabled ? protectionOf(reading) : 'the flag --enable-ssl-passthrough is not set'
  if (problem !== undefined) return { passthrough: [], findings: [finding(origin, `TLS ends here: ${problem}`)] }
  const roots = Map.groupBy(routes.filter(isRoot), ({ host }) => host)
  const hosts = [...new Set(routes.map(({ host }) => host))]
  const findings: Finding[] = []
  const passthrough = hosts.flatMap((host): Passthrough[] => {
    const backend = host === ANY_HOST ? undefined : roots.get(host)?.[0]?.backends[0]
    if (backend !== undefined) {
      const { weight: _, ...ref } = backend
      return [{ host, backend: ref, origin }]
    }
    findings.push(finding(origin, host === ANY_HOST
      ? 'TLS of rules without a host ends here: a name is what connections are told apart by'
      : `TLS of host ${host} ends here: it would go to the backend of the path /, and there is none`))
    return []
  })
  return { passthrough, findings }
}

function isRoot({ path, pathType }: Route): boolean {
  return path === '/' && pathType === 'Prefix'
}

function protectionOf({ policies, closed }: PolicyReading): string | undefined {
  if (closed !== undefined) return closed
  const protection = POLICIES.find(({ name, protects }) => protects === true && policies[name] !== undefined)
  return protection === undefined ? undefined : `${protection.name} protects the paths, which is not possible without reading requests`
}

function finding(origin: Origin, message: string): Finding {
  return { origin, severity: 'error', reason: 'PassthroughRefused', message: `annotation ssl-passthrough: ${message}` }
}
