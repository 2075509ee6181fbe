/** How a Proxy spells external authentication. */
import { destinationUrl } from '../ir/destination-url.ts'
import { urlTemplate } from '../ir/template.ts'
import type { Json } from '../ir/types.ts'
import type { Parser } from '../ir/value.ts'
import { cacheKey, MAX_CACHE_SECONDS, MAX_RESPONSE_HEADERS, METHODS, responseHeaders, signin, signinParam } from './external-auth-grammar.ts'
import { changesOf, headersField, readHeaders } from './common/headers.ts'
import type { PolicyValue, ProxyField } from './common/policy.ts'
import { choice, duration, flag, group, member, proxyField, textual, type Member } from './common/proxy-field.ts'

const LONGEST_URL = 2048

function urlMember(field: string, parse: Parser<Json>, description: string): Member {
  return textual(field, parse, { minLength: 1, maxLength: LONGEST_URL, description })
}

/** What the service gets beside what it always gets. */
const requestHeaders: Member = {
  schema: headersField('Changes of the headers of the question.'),
  read: (value) => {
    const read = readHeaders(value, 'request')
    return typeof read === 'string' ? read : { request_headers: changesOf(read) }
  },
}

const CACHE = group(
  { description: 'Answers of the service are kept, for requests that the same rule takes and that have the same key.', required: ['key', 'duration'] },
  {
    key: textual('cache_key', cacheKey, {
      minLength: 1, maxLength: 256,
      description: 'What tells answers apart: variables such as $http_authorization or $cookie_session. It has to tell clients apart.',
    }),
    duration: duration('cache_seconds', [1, MAX_CACHE_SECONDS], 'How long an answer holds.'),
    statuses: member(
      'cache_statuses',
      {
        type: 'array', minItems: 1, maxItems: 16, items: { type: 'integer', format: 'int32', minimum: 200, maximum: 499 },
        description: 'Statuses of answers that are kept; 200, 202 and 401 when not set.',
      },
      (value) => ({ value }),
    ),
  },
)

const members = group(
  {
    description: 'A service is asked about each request, and lets it in by answering with a status of 200 to 299.',
    rules: [{
      cel: 'has(self.url) || has(self.useGlobal)',
      message: 'url is missing',
      holds: (given) => given.url !== undefined || given.useGlobal !== undefined,
    }],
  },
  {
    url: urlMember('url', destinationUrl, 'URL of the service, http or https. Its host is a DNS name, an IP address or $host; $request_uri and the like may stand after it.'),
    method: choice(Object.fromEntries(METHODS.map((name) => [name, { method: name }])), 'Method of the question; GET when not set.'),
    signIn: urlMember('signin', signin, 'Where clients are sent to log in, in place of 401: a URL, or a path of the same host.'),
    signInRedirectParameter: textual('signin_param', signinParam, {
      minLength: 1, maxLength: 64, pattern: '^[A-Za-z0-9_.-]+$', description: 'Name of the parameter that tells the way back from there; rd when not set.',
    }),
    responseHeaders: member(
      'response_headers',
      {
        type: 'array', minItems: 1, maxItems: MAX_RESPONSE_HEADERS, items: { type: 'string', minLength: 1, maxLength: 128 },
        description: "Headers of the service's answer that the backend gets, in place of what the client sent under their names.",
      },
      (value) => responseHeaders((value as readonly string[]).join(',')),
    ),
    requestHeaders,
    requestRedirect: urlMember('request_redirect', urlTemplate, 'X-Auth-Request-Redirect for the service; the path and query of the request when not set.'),
    cache: CACHE,
    alwaysSetCookie: flag('always_set_cookie', 'Cookies of the service go to the client with errors, too.'),
    useGlobal: flag('use_global', 'Whether the service that the ConfigMap names is asked (global-auth-url), where there is no url.'),
  },
)

/** `cache` says durations by status. */
function combine(given: PolicyValue): PolicyValue {
  const { cache_seconds: seconds, cache_statuses: statuses = [200, 202, 401], ...value } = given
  if (seconds === undefined) return value
  const durations = (statuses as readonly number[]).map((status) => [String(status), seconds])
  return { ...value, cache_duration: Object.fromEntries(durations) as Json }
}

export const externalAuthField: ProxyField = proxyField('externalAuth', members, combine)
