/** Settings that judge Ingresses as a whole, before anything of them is served. */

/** In ascending order. */
export const RISKS = ['Low', 'Medium', 'High', 'Critical'] as const
export type Risk = (typeof RISKS)[number]

export interface ObjectSettings {
  /** Exact and Prefix paths are of letters, digits and `._-/` alone. */
  readonly strictValidatePathType: boolean
  /** An Ingress with an annotation above that is refused. */
  readonly annotationsRiskLevel: Risk
  /** An Ingress with one of these in the value of an annotation is refused. */
  readonly annotationValueWordBlocklist: readonly string[]
}

export const DEFAULT_OBJECT_SETTINGS: ObjectSettings = {
  // ingress-nginx: true, since a path becomes text of its configuration.
  strictValidatePathType: false,
  // ingress-nginx: High, since the ones above are snippets, which here have no effect.
  annotationsRiskLevel: 'Critical',
  annotationValueWordBlocklist: [],
}
