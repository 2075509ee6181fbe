/** How dangerous ingress-nginx 1.15.1 takes an annotation to be; those that are not here are of low risk. */

const MEDIUM = `
  allowlist-source-range whitelist-source-range denylist-source-range auth-realm auth-secret canary-by-cookie
  canary-by-header canary-by-header-pattern canary-by-header-value auth-tls-secret auth-tls-verify-client
  cors-allow-headers cors-allow-methods cors-allow-origin cors-expose-headers custom-headers auth-cache-duration
  auth-cache-key auth-proxy-set-headers auth-request-redirect auth-response-headers auth-signin-redirect-param
  fastcgi-index fastcgi-params-configmap opentelemetry-operation-name proxy-body-size proxy-cookie-domain
  proxy-cookie-path proxy-next-upstream proxy-redirect-from proxy-redirect-to proxy-ssl-ciphers proxy-ssl-secret
  permanent-redirect temporal-redirect app-root force-ssl-redirect preserve-trailing-slash rewrite-target affinity-mode
  session-cookie-domain session-cookie-expires session-cookie-max-age session-cookie-name session-cookie-path
  x-forwarded-prefix`

const HIGH = `
  server-alias auth-tls-error-page auth-tls-match-cn auth-signin auth-url mirror-host mirror-target
  modsecurity-transaction-id proxy-ssl-name upstream-hash-by`

const CRITICAL = `
  configuration-snippet auth-snippet modsecurity-snippet server-snippet stream-snippet`

const RISK: ReadonlyMap<string, number> = new Map(
  [MEDIUM, HIGH, CRITICAL].flatMap((names, i) =>
    names.trim().split(/\s+/).map((name): [string, number] => [name, i + 1])),
)

/** 0 to 3: low, medium, high, critical. `name`: without prefix. */
export function riskOf(name: string): number {
  return RISK.get(name) ?? 0
}
