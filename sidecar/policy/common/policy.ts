/** What a policy is: named settings of a route, how annotations spell them, and what they do. */
import type { Settings } from '../../ir/settings.ts'
import type { BackendRef, Json, PathType } from '../../ir/types.ts'
import type { Parser } from '../../ir/value.ts'
import type { Directive } from '../../syntax/directive.ts'
import type { Schema } from './schema.ts'
import type { StandardHeader } from './standard-headers.ts'

export type PolicyValue = { readonly [field: string]: Json }

export interface Field {
  /** Annotation name without its prefix. */
  readonly annotation: string
  /** For docs/annotations.md. */
  readonly about: string
  readonly parse: Parser<Json>
  /** It names an object of this kind: `parse` is `reference`, and the value `namespace/name`. */
  readonly names?: NamedKind
  /** Of a policy that protects: without this field it protects as well, so a bad value counts as not set. */
  readonly harmless?: true
}

/** Kinds that policies refer to; only what they name is watched. */
export type NamedKind = 'Secret' | 'ConfigMap'

/** What an effect may depend on beside the policy's own value. */
export interface RouteContext {
  readonly settings: Settings
  /** Port that clients are sent to by a redirect to https. */
  readonly httpsPort: number
  /** Port that NGINX listens on for TLS. */
  readonly ownHttpsPort: number
  /** Somebody asked for TLS on the route's host. */
  readonly tls: boolean
  readonly path: string
  readonly pathType: PathType
  readonly host: string
  /** The default backend of an object, for what no path takes. */
  readonly fallback: boolean
  /** Of the object. */
  readonly namespace: string
  /** Where the route leads, if it leads anywhere. */
  readonly backend?: BackendRef
}

/** What Lua reads in the route's record, where `lua/ingress/policy/<name>.lua` checks and applies it. */
export interface Runtime {
  /** The shape of the effect, which the tests hold every record against. */
  readonly schema: Schema
  /** The settings alone can have an effect on a route: it is asked with an empty value where nothing is set. */
  readonly always?: true
  /** Undefined: nothing, the setting holds. */
  effect(value: PolicyValue, context: RouteContext): Json | undefined
}

/** How a Proxy spells a policy. */
export interface ProxyField {
  /** Member of a rule of a Proxy, and of its `spec.policies`, which hold for all its rules. */
  readonly name: string
  /** Member of `spec` instead: it is about the object as a whole. */
  readonly whole?: true
  /** Structural schema for the API server, with a description of everything that people write. */
  readonly schema: Schema
  /** A value that holds to the schema; text: why it cannot be honoured all the same. */
  read(value: Json): PolicyValue | string
}

/** Something wrong with a field that only the others show. */
export interface Problem {
  readonly field: string
  readonly message: string
  /** Of a policy that protects: without what is missing the routes would be open. */
  readonly closes?: true
}

export interface Combined {
  readonly value: PolicyValue
  readonly problems: readonly Problem[]
}

export interface Policy {
  /** Member of the PolicySet and, when it acts per request, name of `lua/ingress/policy/<name>.lua`. */
  readonly name: string
  readonly fields: { readonly [field: string]: Field }
  readonly proxy?: ProxyField
  /** It keeps requests out or private: a value that cannot be understood closes the routes, never opens them. */
  readonly protects?: true
  /** What reaches Lua is not for people to see: it is never shown. */
  readonly secret?: true
  /**
   * What the fields mean together. `refused` names those that are set and cannot be understood, where
   * leaving one out would turn the meaning of another around.
   */
  combine?(value: PolicyValue, refused: ReadonlySet<string>): Combined
  /**
   * Of two objects that have a say, `above` wins: in which members, where it is not simply all that it
   * has.
   */
  merge?(below: PolicyValue, above: PolicyValue): PolicyValue
  /**
   * Static effect: only the directives that differ from the ordinary location. A route with any gets
   * a location class, and a new class costs one reload.
   */
  directives?(value: PolicyValue, settings: Settings): readonly Directive[]
  /** The settings alone can give a route directives: they are asked with an empty value where nothing is set. */
  readonly always?: true
  /**
   * Lua changes answers of such a route, error pages too (`compile_filter` of `lua/ingress/policy/<name>.lua`):
   * in a location class, so that no other route pays for it.
   */
  filters?(value: PolicyValue, settings: Settings): boolean
  /** Lua needs threads for such a route. They come with its location class, since they slow down all of a worker. */
  threads?(value: PolicyValue, settings: Settings): boolean
  /** Headers for the backend that Lua sets where the configuration would: of a location class, too. */
  ownHeaders?(value: PolicyValue): readonly StandardHeader[]
  /** Where else requests of a route go, as URLs of the policy say, which belong to objects of `namespace`. */
  backends?(value: PolicyValue, host: string, namespace: string): readonly BackendRef[]
  /** Dynamic effect: per request, without a reload. */
  readonly runtime?: Runtime
}
