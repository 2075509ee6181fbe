import { cidr } from '../ir/address.ts'
import type { Settings } from '../ir/settings.ts'
import type { Json } from '../ir/types.ts'
import { integer, list } from '../ir/value.ts'
import { defined } from '../util/field.ts'
import type { Combined, Policy, PolicyValue, Problem } from './common/policy.ts'
import { addressRanges, byteSize, flawless, group, proxyField, wholeNumber } from './common/proxy-field.ts'
import { object, TEMPLATE_SCHEMA } from './common/schema.ts'

const MAX_RATE = 1_000_000
/** What a worker can count for one client. */
const MAX_CONNECTIONS = 65_535
const MAX_MULTIPLIER = 1000
const MAX_RANGES = 256
const KIBIBYTE = 1024
const MAX_KIBIBYTES = 1_000_000_000
const MAX_BYTES = MAX_KIBIBYTES * KIBIBYTE
/** As in ingress-nginx and NGINX: nobody is told by the record what holds anyway. */
const DEFAULT_MULTIPLIER = 5
const DEFAULT_STATUS = 503

/** What is limited; 0, as in ingress-nginx: it is not. */
const LIMITS = ['rps', 'rpm', 'connections', 'rate']

const kibibytes = (text: string): ReturnType<ReturnType<typeof integer>> => {
  const parsed = integer(0, MAX_KIBIBYTES)(text)
  return 'value' in parsed ? { value: parsed.value * KIBIBYTE } : parsed
}

/** Two names of one list. */
function combine({ whitelist, ...value }: PolicyValue): Combined {
  const problems: Problem[] = []
  const allow = value.allow ?? whitelist
  if (value.allow !== undefined && whitelist !== undefined) {
    problems.push({ field: 'whitelist', message: 'it has no effect beside limit-allowlist' })
  }
  return { value: allow === undefined ? value : { ...value, allow }, problems }
}

function positive(value: Json | undefined): number | undefined {
  return typeof value === 'number' && value > 0 ? value : undefined
}

function unless(value: number, usual: number): number | undefined {
  return value === usual ? undefined : value
}

/** Requests in a time. */
function inTime(value: PolicyValue, settings: Settings): Members {
  const { burst_multiplier: multiplier = DEFAULT_MULTIPLIER } = value
  const rates = { rps: positive(value.rps), rpm: positive(value.rpm) }
  if (rates.rps === undefined && rates.rpm === undefined) return {}
  const status = unless(settings.limitReqStatusCode, DEFAULT_STATUS)
  return { ...rates, burst_multiplier: unless(Number(multiplier), DEFAULT_MULTIPLIER), rate_status: status }
}

/** Requests at a time. */
function atOnce(value: PolicyValue, settings: Settings): Members {
  const connections = positive(value.connections)
  if (connections === undefined) return {}
  return { connections, connection_status: unless(settings.limitConnStatusCode, DEFAULT_STATUS) }
}

function bandwidth(value: PolicyValue, settings: Settings): Members {
  const rate = positive(value.rate ?? settings.limitRate * KIBIBYTE)
  if (rate === undefined) return {}
  return { rate, rate_after: positive(value.rate_after ?? settings.limitRateAfter * KIBIBYTE) }
}

/** Undefined: clients are told apart by their addresses. */
function clientKey({ limitConnZoneVariable: key }: Settings): Json | undefined {
  const [first, ...rest] = key
  return first !== undefined && rest.length === 0 && 'var' in first && first.var === 'binary_remote_addr' ? undefined : key
}

type Members = { readonly [name: string]: number | undefined }

/** Undefined: nothing is limited. */
function effect(value: PolicyValue, settings: Settings): Json | undefined {
  // The commonest route says nothing, and there are thousands.
  if (settings.limitRate === 0 && LIMITS.every((name) => value[name] === undefined)) return undefined
  const counted = { ...inTime(value, settings), ...atOnce(value, settings) }
  const who = Object.keys(counted).length === 0 ? {} : { allow: value.allow, key: clientKey(settings) }
  const all = defined<Json>({ ...counted, ...who, ...bandwidth(value, settings) })
  return Object.keys(all).length === 0 ? undefined : all
}

const members = group('How much one client, told by its address, may ask for of each replica.', {
  rps: wholeNumber('rps', [1, MAX_RATE], 'Requests in a second; burstMultiplier times as many may come at once.'),
  rpm: wholeNumber('rpm', [1, MAX_RATE], 'Requests in a minute; burstMultiplier times as many may come at once.'),
  connections: wholeNumber('connections', [1, MAX_CONNECTIONS], 'Requests at the same time, upgraded connections among them.'),
  burstMultiplier: wholeNumber('burst_multiplier', [1, MAX_MULTIPLIER], 'How many times rps or rpm may come at once; 5 when not set.'),
  allow: addressRanges('allow', MAX_RANGES, 'Clients for whom rps, rpm and connections do not hold.'),
  rate: byteSize('rate', [1, MAX_BYTES], 'Bytes of an answer in a second.'),
  rateAfter: byteSize('rate_after', [0, MAX_BYTES], 'How much of an answer is sent before rate holds.'),
})

/** How much one client may ask for. */
export const limits = {
  name: 'limits',
  protects: true,
  fields: {
    rps: { annotation: 'limit-rps', parse: integer(0, MAX_RATE), about: 'Requests of a client in a second; 0: no limit' },
    rpm: { annotation: 'limit-rpm', parse: integer(0, MAX_RATE), about: 'Requests of a client in a minute; 0: no limit' },
    connections: {
      annotation: 'limit-connections',
      parse: integer(0, MAX_CONNECTIONS),
      about: 'Requests of a client at the same time; 0: no limit',
    },
    burst_multiplier: {
      annotation: 'limit-burst-multiplier',
      parse: integer(1, MAX_MULTIPLIER),
      about: 'How many times `limit-rps` or `limit-rpm` may come at once; 5 when not set',
    },
    allow: { annotation: 'limit-allowlist', parse: list(cidr, MAX_RANGES), about: 'Clients without these limits' },
    whitelist: { annotation: 'limit-whitelist', parse: list(cidr, MAX_RANGES), about: 'As `limit-allowlist`' },
    rate: { annotation: 'limit-rate', parse: kibibytes, about: 'KiB of an answer in a second; 0: no limit' },
    rate_after: { annotation: 'limit-rate-after', parse: kibibytes, about: 'KiB of an answer before `limit-rate` holds' },
  },
  combine,
  proxy: proxyField('limits', members, flawless(combine)),
  runtime: {
    schema: {
      ...object(
        {},
        {
          rps: { type: 'integer', minimum: 1, maximum: MAX_RATE },
          rpm: { type: 'integer', minimum: 1, maximum: MAX_RATE },
          connections: { type: 'integer', minimum: 1, maximum: MAX_CONNECTIONS },
          burst_multiplier: { type: 'integer', minimum: 1, maximum: MAX_MULTIPLIER },
          allow: { type: 'array', items: { type: 'string', pattern: '^[0-9a-f.:]+(/[0-9]{1,3})?$' }, minItems: 1 },
          key: TEMPLATE_SCHEMA,
          rate_status: { type: 'integer', minimum: 400, maximum: 599 },
          connection_status: { type: 'integer', minimum: 400, maximum: 599 },
          rate: { type: 'integer', minimum: 1, maximum: MAX_BYTES },
          rate_after: { type: 'integer', minimum: 1, maximum: MAX_BYTES },
        },
      ),
      minProperties: 1,
    },
    always: true,
    effect: (value, { settings }) => effect(value, settings),
  },
} satisfies Policy
