/** Every policy, in the order in which its class directives are printed. One line = one policy. */
import { access } from './access.ts'
import { accessLog } from './access-log.ts'
import { affinity } from './affinity.ts'
import { appRoot } from './app-root.ts'
import { basicAuth } from './basic-auth.ts'
import { backendProtocolPolicy } from './backend-protocol.ts'
import { backendConnection } from './backend-connection.ts'
import { backendTls } from './backend-tls.ts'
import { backendUrls } from './backend-urls.ts'
import { blocks } from './blocks.ts'
import { bodySize } from './body-size.ts'
import { buffering } from './buffering.ts'
import { externalAuth } from './external-auth.ts'
import { fastcgiIndex } from './fastcgi-index.ts'
import { fastcgiParams } from './fastcgi-params.ts'
import { headerSpellings } from './header-spellings.ts'
import { limits } from './limits.ts'
import { loadBalance } from './load-balance.ts'
import { canary } from './canary.ts'
import { clientCertificate } from './client-certificate.ts'
import { clientCiphers } from './client-ciphers.ts'
import { cors } from './cors.ts'
import { customHeaders } from './custom-headers.ts'
import { customErrors } from './custom-errors.ts'
import { defaultBackend } from './default-backend.ts'
import { directResponse } from './direct-response.ts'
import { retries } from './retries.ts'
import { mirror } from './mirror.ts'
import { redirect } from './redirect.ts'
import { regex } from './regex.ts'
import { requestHeaders } from './request-headers.ts'
import { responseHeaders } from './response-headers.ts'
import { rewrite } from './rewrite.ts'
import { satisfy } from './satisfy.ts'
import { serverAlias } from './server-alias.ts'
import { serviceUpstream } from './service-upstream.ts'
import { timeouts } from './timeouts.ts'
import { sslPassthrough } from './ssl-passthrough.ts'
import { tlsRedirect } from './tls-redirect.ts'
import { wwwRedirect } from './www-redirect.ts'
import type { Policy } from './common/policy.ts'

export const POLICIES: readonly Policy[] = [
  regex,
  rewrite,
  redirect,
  appRoot,
  wwwRedirect,
  serverAlias,
  tlsRedirect,
  limits,
  clientCertificate,
  access,
  basicAuth,
  satisfy,
  externalAuth,
  blocks,
  headerSpellings,
  backendProtocolPolicy,
  backendTls,
  fastcgiIndex,
  fastcgiParams,
  bodySize,
  buffering,
  backendConnection,
  timeouts,
  retries,
  serviceUpstream,
  defaultBackend,
  customErrors,
  loadBalance,
  affinity,
  canary,
  requestHeaders,
  responseHeaders,
  backendUrls,
  customHeaders,
  cors,
  directResponse,
  mirror,
  sslPassthrough,
  clientCiphers,
  accessLog,
]

/** What a canary says for itself; everything else holds as the main route has it (ingress-nginx). */
export const ARM_POLICIES: readonly Policy[] = [loadBalance, affinity]
