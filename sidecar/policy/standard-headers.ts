/** What the configuration tells backends of the request, in lower case. */
export const STANDARD_HEADERS = [
  'host', 'x-request-id', 'x-real-ip', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-port', 'x-forwarded-proto',
  'x-forwarded-scheme', 'x-scheme', 'x-original-forwarded-for', 'x-original-forwarded-host',
] as const
/** What they are told of certificates of clients: nothing, unless Lua does (docs/authentication.md). */
export const CERTIFICATE_HEADERS = [
  'ssl-client-verify', 'ssl-client-subject-dn', 'ssl-client-issuer-dn', 'ssl-client-cert',
] as const
export type StandardHeader = (typeof STANDARD_HEADERS)[number] | (typeof CERTIFICATE_HEADERS)[number]
