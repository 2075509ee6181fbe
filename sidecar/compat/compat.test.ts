/**
 * Everything that ingress-nginx 1.15.1 knows is known here: supported, or in a table that says what to use instead, and
 * never both. The lists were read from its source: annotations, ConfigMap keys, flags.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { FLAG_NAMES, parseCommand, UsageError } from '../options/options.ts'
import type { Field } from '../policy/common/policy.ts'
import { isProtection } from '../policy/set/protection.ts'
import { POLICIES } from '../policy/registry.ts'
import { KEYS } from '../source/configmap/keys.ts'
import { PROTECTIONS } from '../source/configmap/translate.ts'
import { KNOWN_ANNOTATIONS } from './annotations.ts'
import { KNOWN_KEYS } from './configmap.ts'
import { flagNotice, KNOWN_FLAGS } from './flags.ts'
import { aboutKnown, holdsAnyway, knownTable, type Known } from './known.ts'
import { nearestName } from './nearest.ts'

const ANNOTATIONS = `
  affinity affinity-canary-behavior affinity-mode allowlist-source-range app-root auth-always-set-cookie
  auth-cache-duration auth-cache-key auth-keepalive auth-keepalive-requests auth-keepalive-share-vars
  auth-keepalive-timeout auth-method auth-proxy-set-headers auth-realm auth-request-redirect
  auth-response-headers auth-secret auth-secret-type auth-signin auth-signin-redirect-param auth-snippet
  auth-tls-error-page auth-tls-match-cn auth-tls-pass-certificate-to-upstream auth-tls-secret
  auth-tls-verify-client auth-tls-verify-depth auth-type auth-url backend-protocol canary canary-by-cookie
  canary-by-header canary-by-header-pattern canary-by-header-value canary-weight canary-weight-total
  client-body-buffer-size configuration-snippet connection-proxy-header cors-allow-credentials
  cors-allow-headers cors-allow-methods cors-allow-origin cors-expose-headers cors-max-age custom-headers
  custom-http-errors default-backend denylist-source-range disable-proxy-intercept-errors enable-access-log
  enable-cors enable-global-auth enable-modsecurity enable-opentelemetry enable-owasp-core-rules
  enable-rewrite-log fastcgi-index fastcgi-params-configmap force-ssl-redirect from-to-www-redirect
  http2-push-preload limit-allowlist limit-burst-multiplier limit-connections limit-rate limit-rate-after
  limit-rpm limit-rps limit-whitelist load-balance mirror-host mirror-request-body mirror-target
  modsecurity-snippet modsecurity-transaction-id opentelemetry-operation-name opentelemetry-trust-incoming-span
  permanent-redirect permanent-redirect-code preserve-trailing-slash proxy-body-size proxy-buffer-size
  proxy-buffering proxy-buffers-number proxy-busy-buffers-size proxy-connect-timeout proxy-cookie-domain
  proxy-cookie-path proxy-http-version proxy-max-temp-file-size proxy-next-upstream proxy-next-upstream-timeout
  proxy-next-upstream-tries proxy-read-timeout proxy-redirect-from proxy-redirect-to proxy-request-buffering
  proxy-send-timeout proxy-ssl-ciphers proxy-ssl-name proxy-ssl-protocols proxy-ssl-secret proxy-ssl-server-name
  proxy-ssl-verify proxy-ssl-verify-depth relative-redirects rewrite-target satisfy server-alias server-snippet
  service-upstream session-cookie-change-on-failure session-cookie-conditional-samesite-none
  session-cookie-domain session-cookie-expires session-cookie-max-age session-cookie-name session-cookie-path
  session-cookie-samesite session-cookie-secure ssl-ciphers ssl-passthrough ssl-prefer-server-ciphers
  ssl-redirect stream-snippet temporal-redirect temporal-redirect-code upstream-hash-by upstream-hash-by-subset
  upstream-hash-by-subset-size upstream-vhost use-port-in-redirects use-regex whitelist-source-range
  x-forwarded-prefix
`
/** Those of older releases. */
const OLDER = `
  add-base-url ajp base-url-scheme enable-dynamic-tls-records enable-influxdb enable-opentracing global-rate-limit
  global-rate-limit-ignored-cidrs global-rate-limit-key global-rate-limit-window grpc-backend influxdb-host
  influxdb-measurement influxdb-port influxdb-server-name lua-resty-waf lua-resty-waf-allow-unknown-content-types
  lua-resty-waf-debug lua-resty-waf-extra-rules lua-resty-waf-ignore-rulesets
  lua-resty-waf-process-multipart-body lua-resty-waf-score-threshold opentracing-trust-incoming-span
  secure-backends secure-verify-ca-secret session-cookie-hash upstream-fail-timeout upstream-max-fails
`
const SETTINGS = `
  access-log-params access-log-path add-headers allow-backend-server-header allow-cross-namespace-resources
  allow-snippet-annotations annotation-value-word-blocklist annotations-risk-level app-root bind-address
  block-cidrs block-referers block-user-agents brotli-level brotli-min-length brotli-types
  client-body-buffer-size client-body-timeout client-header-buffer-size client-header-timeout
  compute-full-forwarded-for custom-http-errors debug-connections default-type denylist-source-range
  disable-access-log disable-http-access-log disable-ipv6 disable-ipv6-dns disable-proxy-intercept-errors
  disable-stream-access-log enable-access-log-for-default-backend enable-aio-write enable-auth-access-log
  enable-brotli enable-modsecurity enable-multi-accept enable-ocsp enable-opentelemetry
  enable-owasp-modsecurity-crs enable-real-ip enable-serial-reloads enable-syslog enable-underscores-in-headers
  error-log-level error-log-path force-ssl-redirect forwarded-for-header forwarded-for-proxy-protocol-header
  forwarded-host-header generate-request-id geoip2-autoreload-in-minutes global-allowed-response-headers
  global-auth-always-set-cookie global-auth-cache-duration global-auth-cache-key global-auth-method
  global-auth-request-redirect global-auth-response-headers global-auth-signin global-auth-signin-redirect-param
  global-auth-snippet global-auth-url grpc-buffer-size-kb gzip-disable gzip-level gzip-min-length gzip-types
  hide-headers hsts hsts-include-subdomains hsts-max-age hsts-preload http-access-log-path http-redirect-code
  http-snippet http2-max-concurrent-streams http2-max-field-size http2-max-header-size http2-max-requests
  ignore-invalid-headers keep-alive keep-alive-requests large-client-header-buffers limit-conn-status-code
  limit-conn-zone-variable limit-rate limit-rate-after limit-req-status-code load-balance location-snippet
  log-format-escape-json log-format-escape-none log-format-stream log-format-upstream lua-shared-dicts
  main-snippet map-hash-bucket-size max-worker-connections max-worker-open-files modsecurity-snippet
  nginx-status-ipv4-whitelist nginx-status-ipv6-whitelist no-auth-locations no-tls-redirect-locations
  opentelemetry-config opentelemetry-operation-name opentelemetry-trust-incoming-span otel-max-export-batch-size
  otel-max-queuesize otel-sampler otel-sampler-parent-based otel-sampler-ratio otel-schedule-delay-millis
  otel-service-name otlp-collector-host otlp-collector-port preserve-trailing-slash
  proxy-add-original-uri-header proxy-body-size proxy-buffer-size proxy-buffering proxy-buffers-number
  proxy-busy-buffers-size proxy-connect-timeout proxy-cookie-domain proxy-cookie-path
  proxy-headers-hash-bucket-size proxy-headers-hash-max-size proxy-http-version proxy-max-temp-file-size
  proxy-next-upstream proxy-next-upstream-timeout proxy-next-upstream-tries proxy-protocol-header-timeout
  proxy-read-timeout proxy-real-ip-cidr proxy-redirect-from proxy-redirect-to proxy-request-buffering
  proxy-send-timeout proxy-set-headers proxy-ssl-location-only proxy-stream-next-upstream
  proxy-stream-next-upstream-timeout proxy-stream-next-upstream-tries proxy-stream-responses
  proxy-stream-timeout relative-redirects retry-non-idempotent reuse-port server-name-hash-bucket-size
  server-name-hash-max-size server-snippet server-tokens service-upstream skip-access-log-urls ssl-buffer-size
  ssl-ciphers ssl-dh-param ssl-early-data ssl-ecdh-curve ssl-protocols ssl-redirect ssl-reject-handshake
  ssl-session-cache ssl-session-cache-size ssl-session-ticket-key ssl-session-tickets ssl-session-timeout
  stream-access-log-path stream-snippet strict-validate-path-type syslog-host syslog-port upstream-hash-by
  upstream-hash-by-subset upstream-hash-by-subset-size upstream-keepalive-connections
  upstream-keepalive-requests upstream-keepalive-time upstream-keepalive-timeout use-forwarded-headers
  use-geoip2 use-gzip use-http2 use-port-in-redirects use-proxy-protocol variables-hash-bucket-size
  variables-hash-max-size whitelist-source-range worker-cpu-affinity worker-processes worker-shutdown-timeout
`
const FLAGS = `
  annotations-prefix apiserver-host bucket-factor certificate-authority configmap controller-class deep-inspect
  default-backend-service default-server-port default-ssl-certificate disable-catch-all disable-full-test
  disable-leader-election disable-svc-external-name disable-sync-events dynamic-configuration-retries
  election-id election-ttl enable-annotation-validation enable-metrics enable-ssl-chain-completion
  enable-ssl-passthrough enable-topology-aware-routing exclude-socket-metrics health-check-path
  health-check-timeout healthz-host healthz-port http-port https-port ingress-class ingress-class-by-name
  internal-logger-address kubeconfig length-buckets max-buckets maxmind-edition-ids maxmind-license-key
  maxmind-mirror maxmind-retries-count maxmind-retries-timeout metrics-per-host metrics-per-undefined-host
  monitor-max-batch-size post-shutdown-grace-period profiler-address profiler-port profiling publish-service
  publish-status-address report-node-internal-ip-address report-status-classes shutdown-grace-period
  size-buckets ssl-passthrough-proxy-port status-port status-update-interval stream-port sync-period
  sync-rate-limit tcp-services-configmap time-buckets udp-services-configmap update-status
  update-status-on-shutdown validating-webhook validating-webhook-certificate validating-webhook-key version
  watch-ingress-without-class watch-namespace watch-namespace-selector
`
/** Of its logging library. */
const LOG_FLAGS = `
  v vmodule logtostderr alsologtostderr stderrthreshold log_dir log_file log_file_max_size log_backtrace_at
  add_dir_header skip_headers skip_log_headers one_output
`

function words(text: string): string[] {
  return text.trim().split(/\s+/)
}

type Table = ReadonlyMap<string, Known>

/** Each name is supported or in the table; the table has no name that is supported, and none of its own. */
function assertKnown(names: readonly string[], supported: ReadonlySet<string>, table: Table): void {
  const nowhere = names.filter((name) => !supported.has(name) && !table.has(name))
  assert.deepEqual(nowhere, [], 'neither supported nor in sidecar/compat')
  assert.deepEqual([...table.keys()].filter((name) => supported.has(name)), [], 'supported: its row in sidecar/compat can go')
  assert.deepEqual([...table.keys()].filter((name) => !names.includes(name)), [], 'not of ingress-nginx')
}

const FIELDS = POLICIES.flatMap(({ fields }): Field[] => Object.values(fields))
const OWN_ANNOTATIONS = new Set(FIELDS.map(({ annotation }) => annotation))

test('all 138 annotations, and older ones, are known', () => {
  assert.equal(words(ANNOTATIONS).length, 138)
  assertKnown([...words(ANNOTATIONS), ...words(OLDER)], OWN_ANNOTATIONS, KNOWN_ANNOTATIONS)
  for (const name of words(OLDER)) assert.equal(KNOWN_ANNOTATIONS.get(name)?.standing, 'gone', name)
})

test('docs/annotations.md says how many have their effect', () => {
  const text = readFileSync(join(import.meta.dirname, '../../docs/annotations.md'), 'utf8')
  const acting = words(ANNOTATIONS).filter((name) => OWN_ANNOTATIONS.has(name))
  assert.ok(text.includes(`Of the 138 annotations of ingress-nginx 1.15.1, ${acting.length} have their effect here`))
})

test('all keys of the ConfigMap are known', () => {
  assertKnown(words(SETTINGS), new Set(Object.values(KEYS).map(({ name }) => name)), KNOWN_KEYS)
})

test('all flags are known', () => {
  assertKnown([...words(FLAGS), ...words(LOG_FLAGS)], new Set([...FLAG_NAMES, 'version']), KNOWN_FLAGS)
})

/** All that have an effect, as users write them; some exclude each other. */
const ARGUMENTS = `
  --annotations-prefix=nginx.ingress.kubernetes.io --apiserver-host=https://api.example --certificate-authority=/ca.crt
  --configmap=edge/settings --controller-class=k8s.io/ingress-nginx --default-backend-service=edge/pages
  --default-ssl-certificate=edge/tls --disable-catch-all --disable-leader-election=false --disable-svc-external-name
  --election-id=ingress-nginx-leader --election-ttl=30s --enable-metrics=true --enable-ssl-passthrough
  --enable-topology-aware-routing --exclude-socket-metrics=nginx_ingress_controller_bytes_sent
  --health-check-path=/healthz --healthz-host=0.0.0.0 --healthz-port=10254 --http-port=8080 --https-port=8443
  --ingress-class=nginx --ingress-class-by-name --kubeconfig=/config --length-buckets=10,20 --metrics-per-host
  --metrics-per-undefined-host --publish-status-address=198.18.0.1 --report-node-internal-ip-address
  --report-status-classes --shutdown-grace-period=30 --size-buckets=10,20 --status-update-interval=60
  --tcp-services-configmap=edge/tcp --time-buckets=0.1,1 --udp-services-configmap=edge/udp --update-status=true
  --update-status-on-shutdown=false --watch-ingress-without-class --watch-namespace=prod
`
const INSTEAD = ['--publish-service=edge/ingress', '--watch-namespace-selector=team=a']

async function ignoredOf(args: readonly string[]): Promise<readonly string[] | undefined> {
  const command = await parseCommand(['run', ...args], '', {})
  return command?.name === 'run' ? command.options.ignored : undefined
}

test('all flags are accepted; those without effect are listed, and an unknown one is an error', async () => {
  const args = words(ARGUMENTS)
  assert.deepEqual(await ignoredOf(args), [])
  assert.deepEqual(await ignoredOf(INSTEAD), [])
  assert.deepEqual((await ignoredOf([...KNOWN_FLAGS.keys()].map((flag) => `--${flag}=some`)))?.toSorted(), [...KNOWN_FLAGS.keys()].toSorted())
  const given = new Set([...args, ...INSTEAD].map((it) => it.slice(2).split('=')[0]))
  assert.deepEqual(words(FLAGS).filter((flag) => !given.has(flag) && !KNOWN_FLAGS.has(flag)), ['version'])
  for (const flag of ['no-such-flag', 'enable-metric', 'annotation-prefix']) {
    await assert.rejects(parseCommand(['run', `--${flag}=true`], '', {}), UsageError, flag)
  }
})

test('what protects is known, too', () => {
  const settings = new Set(Object.values(KEYS).map(({ name }) => name))
  for (const key of PROTECTIONS) assert.ok(KNOWN_KEYS.has(key) || settings.has(key), key)
  for (const name of ['auth-url', 'auth-tls-secret', 'proxy-ssl-verify', 'satisfy', 'whitelist-source-range']) {
    assert.ok(OWN_ANNOTATIONS.has(name) || (isProtection(name) && KNOWN_ANNOTATIONS.has(name)), name)
  }
  assert.ok(!isProtection('server-alias'))
})

test('each says in one line what it does and what to use instead', () => {
  for (const table of [KNOWN_ANNOTATIONS, KNOWN_KEYS, KNOWN_FLAGS]) {
    for (const [name, known] of table) {
      assert.match(aboutKnown(known), /^[^;]+; it has no effect; in ingress-nginx: .+; instead: [^;]/, name)
      assert.match(known.there, /^[^\n.]{4,90}/, name)
      assert.doesNotMatch(aboutKnown(known), /[\n.;]$|undefined/, name)
    }
  }
  assert.match(flagNotice('sync-period'), /^--sync-period is not needed here; it has no effect; in ingress-nginx: /)
  assert.throws(() => flagNotice('http-port'), /has an effect/)
})

test('a value that holds here anyway is none to report', () => {
  const known = knownTable({ later: { a: ['x', '', 'true'], b: ['x', 'y'] } })
  assert.ok(holdsAnyway(known.get('a'), 'True'))
  assert.ok(!holdsAnyway(known.get('a'), 'false'))
  assert.ok(!holdsAnyway(known.get('b'), 'true'))
  assert.ok(!holdsAnyway(undefined, 'true'))
  const about = aboutKnown({ standing: 'later', there: 'x' }, 'it is refused')
  assert.equal(about, 'not supported yet; it is refused; in ingress-nginx: x; instead: nothing')
})

test('a typing error finds the name that was meant', () => {
  const names = ['proxy-body-size', 'proxy-buffer-size', 'app-root', 'v']
  assert.equal(nearestName('proxy-body-sise', names), 'proxy-body-size')
  assert.equal(nearestName('proxy-bodysize', names), 'proxy-body-size')
  assert.equal(nearestName('porxy-body-szie', names), 'proxy-body-size')
  assert.equal(nearestName('ap-root', names), 'app-root')
  assert.equal(nearestName('a-rot', names), undefined)
  assert.equal(nearestName('proxy-cookie-path', names), undefined)
  assert.equal(nearestName('x', names), undefined)
  assert.equal(nearestName('proxy-body-size'.padEnd(70, 'x'), names), undefined)
})
