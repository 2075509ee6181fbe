import type { Settings } from '../ir/settings.ts'
import type { Json } from '../ir/types.ts'
import { integer, list, seconds, word, type Parser } from '../ir/value.ts'
import { directive, keyword, type Directive } from '../syntax/directive.ts'
import { defined } from '../util/field.ts'
import type { Policy, PolicyValue } from './common/policy.ts'
import { duration, group, member, proxyField, wholeNumber } from './common/proxy-field.ts'
import { object } from './common/schema.ts'

/** What lets NGINX try another endpoint; the order is that of the directive that we write. */
const CONDITIONS = [
  'error', 'timeout', 'invalid_header', 'http_500', 'http_502', 'http_503', 'http_504', 'http_403', 'http_404', 'http_429',
  'non_idempotent',
] as const
type Condition = (typeof CONDITIONS)[number]

/** More than anybody has endpoints, and a year: whoever means "no limit" says so with a large number. */
const MAX_TRIES = 1_000_000
const MAX_SECONDS = 31_536_000

/** `off` alone, or each word once. */
const conditions: Parser<readonly (Condition | 'off')[]> = (text) => {
  const parsed = list(word(...CONDITIONS, 'off'), CONDITIONS.length)(text)
  if (!('value' in parsed)) return parsed
  const words = new Set<Condition | 'off'>(parsed.value)
  const isPlain = words.size === parsed.value.length && (words.size === 1 || !words.has('off'))
  return isPlain ? parsed : { allowed: `"off", or each once: ${CONDITIONS.join(', ')}` }
}

/** `http_502` is `Http502` in a Proxy. */
const PROXY_CONDITIONS = new Map(CONDITIONS.map((it) => [camelCase(it), it]))

function camelCase(snakeCase: string): string {
  return snakeCase.split('_').map((part) => part.charAt(0).toUpperCase() + part.slice(1)).join('')
}

const proxyConditions = member(
  'conditions',
  {
    type: 'array',
    description:
      'After which failures another endpoint is tried. NonIdempotent: also for POST, LOCK and PATCH. ' +
      'A list that no other route has costs one reload of NGINX.',
    minItems: 1,
    maxItems: CONDITIONS.length,
    items: { type: 'string', enum: [...PROXY_CONDITIONS.keys()] },
    'x-kubernetes-list-type': 'set',
  },
  (words) => ({ value: (words as readonly string[]).map((it) => PROXY_CONDITIONS.get(it) ?? it) }),
)

/** `off` needs no directive, hence no reload: it is one try. */
function isOff(words: Json | undefined): boolean {
  return Array.isArray(words) && words[0] === 'off'
}

/** The words of the directive, in their order; of `off` there are none, so the default of NGINX stands in. */
function wordsOf(words: readonly Json[], { retryNonIdempotent }: Settings): readonly Condition[] {
  const given = isOff(words) ? ['error', 'timeout'] : words
  return CONDITIONS.filter((it) => given.includes(it) || (it === 'non_idempotent' && retryNonIdempotent))
}

/** The directive that holds where no class has another. */
export function nextUpstream(settings: Settings): Directive {
  return printed(wordsOf(settings.proxyNextUpstream, settings))
}

function printed(words: readonly Condition[]): Directive {
  return directive('proxy_next_upstream', ...words.map((it) => keyword(it)))
}

/** Undefined: they are those of the settings, or none. */
function ownConditions(value: PolicyValue, settings: Settings): readonly Condition[] | undefined {
  if (!Array.isArray(value.conditions) || isOff(value.conditions)) return undefined
  const words = wordsOf(value.conditions, settings)
  return words.join() === wordsOf(settings.proxyNextUpstream, settings).join() ? undefined : words
}

/** How many tries and for how long, of all routes. */
export function globalRetries(settings: Settings): { readonly tries: number; readonly timeout: number } {
  const { proxyNextUpstream, proxyNextUpstreamTries, proxyNextUpstreamTimeout } = settings
  return { tries: isOff(proxyNextUpstream) ? 1 : proxyNextUpstreamTries, timeout: proxyNextUpstreamTimeout }
}

function effect(value: PolicyValue, settings: Settings): Json | undefined {
  const global = globalRetries(settings)
  const off = isOff(value.conditions ?? settings.proxyNextUpstream)
  const tries = off ? 1 : (value.tries ?? settings.proxyNextUpstreamTries)
  const timeout = value.timeout ?? global.timeout
  const own = ownConditions(value, settings)
  if (tries === global.tries && timeout === global.timeout && own === undefined) return undefined
  return defined<Json>({
    tries,
    timeout,
    conditions: own?.filter((it) => it !== 'non_idempotent'),
    non_idempotent: own?.includes('non_idempotent'),
  })
}

/** When a request goes on to another endpoint. Which failures count is a directive without variables. */
export const retries = {
  name: 'retries',
  fields: {
    conditions: { annotation: 'proxy-next-upstream', parse: conditions, about: 'After which failures another endpoint is tried' },
    timeout: {
      annotation: 'proxy-next-upstream-timeout',
      parse: seconds(0, MAX_SECONDS),
      about: 'For how long after the first try another may begin; 0: no limit',
    },
    tries: {
      annotation: 'proxy-next-upstream-tries',
      parse: integer(0, MAX_TRIES),
      about: 'How many endpoints are tried, the first among them; 0: each',
    },
  },
  proxy: proxyField(
    'retries',
    group('When a request goes on to another endpoint.', {
      conditions: proxyConditions,
      tries: wholeNumber('tries', [0, MAX_TRIES], 'How many endpoints are tried, the first among them; 1: no retries; 0: each.'),
      timeout: duration('timeout', [0, MAX_SECONDS], 'For how long after the first try another may begin; 0s: no limit.'),
    }),
  ),
  directives: (value, settings) => {
    const own = ownConditions(value, settings)
    return own === undefined ? [] : [printed(own)]
  },
  runtime: {
    schema: object(
      { tries: { type: 'integer', minimum: 0, maximum: MAX_TRIES }, timeout: { type: 'integer', minimum: 0, maximum: MAX_SECONDS } },
      {
        conditions: { type: 'array', items: { enum: CONDITIONS.filter((it) => it !== 'non_idempotent') } },
        non_idempotent: { type: 'boolean' },
      },
    ),
    effect: (value, { settings }) => effect(value, settings),
  },
} satisfies Policy
