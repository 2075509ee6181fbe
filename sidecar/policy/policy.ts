/** What a policy is: named settings of a route, how annotations spell them, and what they do. */
import type { Parser } from '../ir/value.ts'
import type { Json } from '../ir/types.ts'
import type { Settings } from '../ir/settings.ts'
import type { Directive } from '../nginx/directive.ts'

export type PolicyValue = { readonly [field: string]: Json }

export interface Field {
  /** Annotation name without its prefix. */
  readonly annotation: string
  readonly parse: Parser<Json>
}

export interface Policy {
  /** Member of the PolicySet and, when it acts per request, name of `lua/ingress/policy/<name>.lua`. */
  readonly name: string
  readonly fields: { readonly [field: string]: Field }
  /** It keeps requests out or private: a value that cannot be understood closes the routes, never opens them. */
  readonly protects?: true
  /**
   * Static effect: only the directives that differ from the ordinary location. A route with any gets
   * a location class, and a new class costs one reload.
   */
  directives?(value: PolicyValue, settings: Settings): readonly Directive[]
  /** Dynamic effect: what Lua reads in the route's record; undefined = nothing. */
  runtime?(value: PolicyValue, settings: Settings): Json | undefined
}
