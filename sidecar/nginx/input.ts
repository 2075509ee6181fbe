/** What nginx.conf depends on. */
import type { Settings } from '../ir/settings.ts'
import type { Layer4 } from '../ir/types.ts'
import type { LocationClass } from '../policy/set/effects.ts'

/** What the running NGINX can do; OpenResty reports it, nobody else compares versions. */
export interface Capabilities {
  readonly http2_directive: boolean
  readonly keepalive_min_timeout: boolean
  readonly headers_more: boolean
  /** The filter of ngx_brotli; absent: as false. */
  readonly brotli?: boolean
  readonly ipv6: boolean
  /** The stream module: TCP and UDP. */
  readonly stream: boolean
  /** Lua in it: endpoints of layer 4 are records. */
  readonly stream_lua: boolean
  /** Its realip module: the address in a PROXY header can become that of the client. */
  readonly stream_realip: boolean
}

export interface Listeners {
  /** Empty: all addresses. Numeric addresses otherwise. */
  readonly addresses: readonly string[]
  readonly httpPort: number
  readonly httpsPort: number
  /** What clients know it by, as backends are told; absent: the same. */
  readonly knownHttpsPort?: number
  /** `--enable-ssl-passthrough`. */
  readonly sslPassthrough?: boolean
}

/** How requests are counted. Buckets in ascending order. */
export interface RequestCounting {
  /** Seconds. */
  readonly timeBuckets: readonly number[]
  /** Bytes. */
  readonly lengthBuckets: readonly number[]
  /** Bytes. */
  readonly sizeBuckets: readonly number[]
  readonly perHost: boolean
  readonly perUndefinedHost: boolean
  /** By 2xx instead of 200. */
  readonly statusClasses: boolean
  /** Of busy series, durations and sizes are those of one request of several. */
  readonly sampling: boolean
  /** Names of metrics that nobody wants to see. */
  readonly excluded: readonly string[]
}

export interface NginxInput {
  readonly settings: Settings
  readonly classes: readonly LocationClass[]
  readonly listeners: Listeners
  readonly capabilities: Capabilities
  /** Absent: nothing. */
  readonly layer4?: Layer4
  /** Absent: requests are not counted. */
  readonly counting?: RequestCounting
}
