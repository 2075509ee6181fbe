/** What the configuration tells backends of the request, in lower case. */
export const STANDARD_HEADERS = [
  'host', 'x-request-id', 'x-real-ip', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-port', 'x-forwarded-proto',
  'x-forwarded-scheme', 'x-scheme', 'x-original-forwarded-for', 'x-original-forwarded-host',
] as const
/** What they are told of certificates of clients: nothing, unless Lua does (docs/authentication.md). */
export const CERTIFICATE_HEADERS = [
  'ssl-client-verify', 'ssl-client-subject-dn', 'ssl-client-issuer-dn', 'ssl-client-cert',
] as const
/** What the default backend is told of an error whose page it has (docs/control-api.md). */
export const ERROR_HEADERS = [
  'x-code', 'x-format', 'x-namespace', 'x-ingress-name', 'x-service-name', 'x-service-port', 'x-original-uri',
] as const
/** What a service of external authentication is told beside the standard ones. */
export const QUESTION_HEADERS = [
  'x-original-url', 'x-original-method', 'x-forwarded-uri', 'x-forwarded-method', 'x-forwarded-prefix',
  'x-auth-request-redirect', 'x-sent-from',
] as const
export type StandardHeader = (typeof STANDARD_HEADERS)[number] | (typeof CERTIFICATE_HEADERS)[number]
