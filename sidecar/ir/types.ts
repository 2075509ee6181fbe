/**
 * Our vocabulary, between the Kubernetes objects on one side and records and nginx.conf on the other.
 * Everything here is immutable plain data; equality is equality of its canonical JSON.
 */
import type { ObjectName } from './object-name.ts'
import type { Finding, Origin } from './origin.ts'
import type { TemplatePart } from './template.ts'

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

export type PathType = 'Exact' | 'Prefix' | 'Regex'

/** A Service port as a destination. `port` is the number or the name that the referrer wrote. */
export interface BackendRef {
  readonly namespace: string
  readonly service: string
  readonly port: string
  /** Absent: TCP. */
  readonly protocol?: 'UDP'
  /**
   * To the Service's own address; or to the addresses of a DNS name, or to an IP address, which stands in place of the
   * Service; absent: to its endpoints.
   */
  readonly via?: 'service' | 'name'
}

export interface WeightedBackend extends BackendRef {
  readonly weight: number
}

/** Policy name -> value that passed the policy's schema. */
export type PolicySet = { readonly [policy: string]: Json }

/** Policy name -> field of its value -> where that was said. */
export type PolicySources = { readonly [policy: string]: { readonly [field: string]: Origin } }

/** A header or query parameter: equal to `value`, found by `pattern`, or else there at all. */
export interface ValueMatch {
  /** Of a header in lower case. */
  readonly name: string
  readonly value?: string
  readonly pattern?: string
}

/** What a request must have beside its host and path; all of it. */
export interface RouteMatch {
  /** One of these, in upper case. */
  readonly methods?: readonly string[]
  readonly headers?: readonly ValueMatch[]
  readonly query?: readonly ValueMatch[]
}

/** The header of a canary: equal to `value`, found by `pattern`, or else the words "always" and "never". */
export interface CanaryHeader {
  readonly name: string
  readonly value?: string
  readonly pattern?: string
}

/** One destination that takes a share of the requests of a route. */
export interface CanaryArm {
  readonly backend: BackendRef
  /** Of the total of all arms of the route. */
  readonly weight: number
  readonly header?: CanaryHeader
  /** Name of a cookie with the words "always" and "never". */
  readonly cookie?: string
  readonly policies: PolicySet
  readonly origin: Origin
}

export interface Canaries {
  readonly total: number
  /** The cookie of affinity decides before everything else. */
  readonly sticky: boolean
  /** What stays the same for a client, so that weights can move without moving everybody. */
  readonly key?: readonly TemplatePart[]
  readonly arms: readonly CanaryArm[]
}

export interface Route {
  readonly host: string
  readonly path: string
  readonly pathType: PathType
  readonly match?: RouteMatch
  readonly backends: readonly WeightedBackend[]
  readonly policies: PolicySet
  readonly sources: PolicySources
  readonly canaries?: Canaries
  /** Answers where no backend has an endpoint, and has the pages of errors. */
  readonly defaultBackend?: BackendRef
  /** A protection could not be understood: the route answers 503. The reason, for people. */
  readonly closed?: string
  /** The default backend of an Ingress for a host of it: gives way to any declared `/`. */
  readonly fallback?: true
  /** It changes what the host is as a whole: it counts only in the namespace that owns the host. */
  readonly owners?: true
  /** It counts only where no object claims the host. */
  readonly vacant?: true
  readonly origin: Origin
}

/** A further name of a host, where nobody claims it. */
export interface Alias {
  readonly name: string
  readonly host: string
  readonly origin: Origin
}

/** The claim of one object to a certificate for a host. */
export interface TlsClaim {
  readonly host: string
  /** The host is named in `spec.tls[].hosts`; otherwise the claim counts only where the certificate covers it. */
  readonly named: boolean
  /** Absent: the default certificate is asked for. */
  readonly secret?: ObjectName
  readonly origin: Origin
}

/** When an object was made: the total order of objects (older first, then the source's own tie-break). */
export interface Age {
  /** RFC 3339 time in whole seconds, UTC; equal length, so text order is time order. Missing: ''. */
  readonly created: string
  /** `namespace/name`. */
  readonly name: string
}

/** What is known of an object before it is served: becomes a condition of its status. */
export interface KnownCondition {
  readonly status: boolean
  /** One CamelCase word. */
  readonly reason: string
  readonly message: string
}

export interface FragmentConditions {
  /** Of the spec that this is about. */
  readonly generation?: number
  readonly accepted: KnownCondition
  readonly resolvedRefs: KnownCondition
}

/** The IR of one object: what it wants, before it meets the others. */
export interface Fragment {
  readonly age: Age
  readonly origin: Origin
  /** Every host that the object claims, also those without a route. */
  readonly hosts: readonly string[]
  readonly routes: readonly Route[]
  /** Of a canary: what it would add to the routes of others. It claims no host and has no routes. */
  readonly arms: readonly Route[]
  readonly tls: readonly TlsClaim[]
  readonly aliases?: readonly Alias[]
  /** Every Secret that it refers to, whether or not it is there. */
  readonly secrets: readonly ObjectName[]
  /** The same of ConfigMaps. */
  readonly configMaps?: readonly ObjectName[]
  /** Answers requests without a route, of whatever host. */
  readonly defaultBackend?: BackendRef
  /** Where requests go beside all of these. */
  readonly destinations?: readonly BackendRef[]
  /** Ports whose bytes are passed on as they come. */
  readonly streams?: readonly StreamRoute[]
  /** Hosts whose TLS ends at the backend. */
  readonly passthrough?: readonly Passthrough[]
  readonly findings: readonly Finding[]
  /** Of a kind whose status has conditions. */
  readonly conditions?: FragmentConditions
}

/** One port and the backend that gets what comes in there. */
export interface StreamRoute {
  readonly protocol: 'TCP' | 'UDP'
  readonly port: number
  readonly backend: BackendRef
  /** Clients begin with a header of PROXY protocol. TCP only, as the other way. */
  readonly acceptProxyProtocol: boolean
  readonly sendProxyProtocol: boolean
  /** How the endpoint is chosen, as the policy `load_balance`; absent: what holds for all. */
  readonly loadBalance?: Json
  readonly origin: Origin
}

/** A host whose TLS ends at the backend. */
export interface Passthrough {
  readonly host: string
  readonly backend: BackendRef
  readonly origin: Origin
}

/** A port of NGINX for layer 4, and who has it, if it is to be had. */
export interface StreamPort {
  readonly route?: StreamRoute
  readonly findings: readonly Finding[]
}

/**
 * What NGINX needs of layer 4. Endpoints matter only to one without stream-lua, as do the hosts below a wildcard
 * whose TLS ends here (`except`).
 */
export interface Layer4 {
  readonly ports: readonly (StreamRoute & WithEndpoints)[]
  readonly passthrough: readonly (Passthrough & WithEndpoints & { readonly except?: readonly string[] })[]
}

export interface WithEndpoints {
  readonly endpoints: readonly Endpoint[]
}

/** What handshakes of a host ask of clients: a certificate of this authority, a Secret. */
export interface HostDemand {
  readonly authority: ObjectName
  /** Of certificates between that of a client and the authority. */
  readonly depth: number
}

export interface VirtualHost {
  readonly host: string
  /** Only canaries name the host, and they alone make none: there is only what is wrong about them. */
  readonly unclaimed?: true
  /** In order of precedence: the first that matches wins. */
  readonly routes: readonly Route[]
  /** Somebody asked for TLS on this host, with or without a usable certificate. */
  readonly tls: boolean
  readonly certificate?: ObjectName
  /** Beside that, each with a key of another type: OpenSSL takes the one that suits the client. */
  readonly alternatives?: readonly ObjectName[]
  /** What the handshakes of the host have in place of the settings. */
  readonly ciphers?: HostCiphers
  /** The policy of its oldest object that demands certificates of clients: it holds for every request to the host. */
  readonly clientCertificate?: Json
  /** Why no request to the host is served: what protects all of it could not be understood. */
  readonly closed?: string
  /** TLS of the host goes to this backend as it is. */
  readonly passthrough?: Passthrough
  readonly findings: readonly Finding[]
}

/** Of TLS up to 1.2. */
export interface HostCiphers {
  /** In the language of OpenSSL. */
  readonly list?: string
  /** The server's order counts, or the client's. */
  readonly prefer_server?: boolean
}

export interface Endpoint {
  readonly address: string
  readonly port: number
  /** It terminates and still serves: for those who are bound to it. */
  readonly draining?: true
  /** In another zone: for when too few of ours are there. */
  readonly priority?: 1
}

/** Each endpoint is asked for a path again and again. Times in seconds, thresholds in answers in a row. */
export interface HealthCheck {
  readonly path: string
  readonly interval: number
  readonly timeout: number
  readonly healthy: number
  readonly unhealthy: number
  readonly host?: string
  readonly port?: number
  /** Ranges of good answers, both ends among them. */
  readonly statuses?: readonly (readonly [number, number])[]
  /** Absent: HTTP without TLS. */
  readonly tls?: CheckTls
}

/** Certificates of endpoints are not verified by checks. */
export interface CheckTls {
  /** For SNI. */
  readonly name?: string
  /** `namespace/name` of the Secret with the certificate that we show. */
  readonly identity?: string
  /** That is all: nothing is asked for afterwards. */
  readonly handshake?: true
}

/** What DNS says of a name. */
export interface Resolution {
  /** Of the last good answer, in order. */
  readonly addresses: readonly string[]
  /** The last try failed, and every one before it since that time (RFC 3339). */
  readonly failure?: { readonly since: string; readonly reason: string }
}

export interface Backend extends BackendRef {
  readonly endpoints: readonly Endpoint[]
  /** The DNS name whose addresses the endpoints are. */
  readonly externalName?: string
  /** Hex text that only the cluster knows; absent where there is no Service. */
  readonly salt?: string
  readonly healthCheck?: HealthCheck
  readonly findings: readonly Finding[]
}
