/**
 * Ingresses as they were written before Kubernetes 1.22: read from files only, since no API server of today takes
 * them, and said how to write them now.
 */
import { stringify } from 'yaml'
import { fields, type Fields } from '../util/field.ts'

const TODAY = 'networking.k8s.io/v1'

const OLD_VERSIONS: ReadonlySet<string> = new Set(['extensions/v1beta1', 'networking.k8s.io/v1beta1'])
/** Of an object with thousands of paths. */
const MAX_SHOWN = 20

/** Whether an object of a folder is an Ingress of a version before `networking.k8s.io/v1`. */
export function isOldIngress({ kind, apiVersion }: Fields): boolean {
  return kind === 'Ingress' && typeof apiVersion === 'string' && OLD_VERSIONS.has(apiVersion)
}

export interface Conversion {
  readonly object: Fields
  /** What stands where instead, a line each: `spec.defaultBackend: {service: {name: a, port: {number: 80}}}`. */
  readonly changes: readonly string[]
}

/** What is written otherwise today: as many lines as somebody reads, and the number of the others. */
class Changes {
  readonly #lines: string[] = []
  #more = 0

  /** Gives the value back. */
  note<T>(field: string, value: T): T {
    if (this.#lines.length === MAX_SHOWN) this.#more += 1
    else this.#lines.push(`${field}: ${stringify(value, { collectionStyle: 'flow', lineWidth: 0 }).trim()}`)
    return value
  }

  shown(): readonly string[] {
    return this.#more === 0 ? this.#lines : [...this.#lines, `and ${this.#more} more of the same`]
  }
}

/**
 * The same Ingress in today's form. Values are taken as they are: whoever reads the object judges them. A path
 * without type was left to the implementation, which is `ImplementationSpecific` now.
 */
export function convertOldIngress(old: Fields): Conversion {
  const changes = new Changes()
  const apiVersion = changes.note('apiVersion', TODAY)
  const { backend, rules, ...spec } = fields(old.spec)
  const converted = {
    ...spec,
    ...(backend === undefined ? {} : { defaultBackend: changes.note('spec.defaultBackend', newBackend(backend)) }),
    ...(rules === undefined ? {} : { rules: newRules(rules, changes) }),
  }
  return { object: { ...old, apiVersion, spec: converted }, changes: changes.shown() }
}

function newRules(rules: unknown, changes: Changes): unknown {
  if (!Array.isArray(rules)) return rules
  return rules.map((rule: unknown, i) => {
    const { http, ...rest } = fields(rule)
    if (http === undefined) return rest
    const { paths, ...others } = fields(http)
    return { ...rest, http: { ...others, paths: newPaths(paths, `spec.rules[${i}].http.paths`, changes) } }
  })
}

function newPaths(paths: unknown, field: string, changes: Changes): unknown {
  if (!Array.isArray(paths)) return paths
  return paths.map((path: unknown, i) => {
    const { backend, pathType, ...rest } = fields(path)
    const type = pathType ?? changes.note(`${field}[${i}].pathType`, 'ImplementationSpecific')
    return { ...rest, pathType: type, backend: changes.note(`${field}[${i}].backend`, newBackend(backend)) }
  })
}

function newBackend(backend: unknown): unknown {
  const { serviceName, servicePort, ...rest } = fields(backend)
  if (serviceName === undefined) return rest
  const port = typeof servicePort === 'number' ? { number: servicePort } : { name: servicePort }
  return { ...rest, service: { name: serviceName, port } }
}
