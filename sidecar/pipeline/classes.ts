/** The part of the translation that is location classes: what NGINX has to be configured with, and for whom. Pure. */
import type { Collection, Graph, Index } from '../collection/graph.ts'
import type { Origin } from '../ir/origin.ts'
import type { Settings } from '../ir/settings.ts'
import type { VirtualHost } from '../ir/types.ts'
import { locationClass, staticSources, unroutedClass, type LocationClass } from '../policy/set/effects.ts'
import type { SettingsReading } from '../source/configmap/translate.ts'
import { authorityFiles, type AuthorityResult } from '../source/secret/authority.ts'
import { inForce } from './settings.ts'

export interface ClassInputs {
  /** Under ''. */
  readonly settings: Collection<SettingsReading>
  readonly virtualHosts: Collection<VirtualHost>
  readonly authorities: Collection<AuthorityResult>
}

/** Only the set of classes matters for nginx.conf. */
interface HostClasses {
  readonly host: string
  readonly classes: readonly LocationClass[]
}

export class ClassPipeline {
  readonly #virtualHosts: Collection<VirtualHost>
  /** By class, as JSON: the hosts that use it. */
  readonly #users: Index<HostClasses>
  /** By the digest of their content. */
  readonly #files: Index<AuthorityResult>

  constructor(graph: Graph, inputs: ClassInputs) {
    this.#virtualHosts = inputs.virtualHosts
    this.#files = inputs.authorities.index(authorityFiles)
    this.#users = graph
      .map(inputs.virtualHosts, (host, read) => classesOf(host, inForce(inputs.settings, read)))
      .index(({ classes }) => classes.map((it) => JSON.stringify(it)))
  }

  /** Those that routes use now, and that of requests without a route. */
  all(settings: Settings): LocationClass[] {
    const routed = [...this.#users.keys()].map((key) => JSON.parse(key) as LocationClass)
    const unrouted = unroutedClass(settings)
    return unrouted === undefined || routed.some(({ name }) => name === unrouted.name) ? routed : [...routed, unrouted]
  }

  /** The content of a file that a class names (`LocationClass.authority`); undefined: no Secret has it any more. */
  file(digest: string): string | undefined {
    const [found] = this.#files.lookup(digest)
    return found !== undefined && 'authority' in found ? found.authority.pem : undefined
  }

  /** The objects that want a class, with the fields that call for it; at most `limit`. */
  users(className: string, settings: Settings, limit: number): Origin[] {
    const key = [...this.#users.keys()].find((text) => (JSON.parse(text) as LocationClass).name === className) ?? ''
    const hosts = this.#users.lookup(key).slice(0, limit)
    const routes = hosts.flatMap(({ host }) => this.#virtualHosts.get(host)?.routes ?? [])
    const users = new Map<string, Origin>()
    for (const { policies, sources } of routes) {
      if (locationClass(policies, settings)?.name !== className) continue
      for (const user of staticSources(policies, sources, settings)) users.set(JSON.stringify(user), user)
    }
    return [...users.values()].slice(0, limit)
  }
}

/** Undefined: the ordinary location serves all of them. */
function classesOf({ host, routes }: VirtualHost, settings: Settings): HostClasses | undefined {
  const classes = routes.flatMap((route) => locationClass(route.policies, settings) ?? [])
  return classes.length === 0 ? undefined : { host, classes }
}
