import { ALGORITHMS, type Settings } from '../ir/settings.ts'
import { template } from '../ir/template.ts'
import type { Json } from '../ir/types.ts'
import { boolean, integer, seconds, type Parser } from '../ir/value.ts'
import { defined } from '../util/field.ts'
import type { Combined, Policy, PolicyValue, Problem } from './common/policy.ts'
import { choice, duration, flawless, group, proxyField, textual, wholeNumber, type Rule } from './common/proxy-field.ts'
import { object, TEMPLATE_SCHEMA } from './common/schema.ts'

/** Algorithms that need a key to hash, and the names that ingress-nginx has for them. */
const HASHING = { ring_hash: 'ring_hash', chash: 'ring_hash', maglev: 'maglev', subset: 'subset', chashsubset: 'subset' }
/** Names of ingress-nginx that mean nothing without `affinity: cookie`, which they do not bring about. */
const STICKY = ['sticky_balanced', 'sticky_persistent']
const NAMES: ReadonlyMap<string, string> = new Map([
  ...ALGORITHMS.map((it) => [it, it] as const),
  ...Object.entries(HASHING),
])

/** As in ingress-nginx. */
const DEFAULT_SUBSET_SIZE = 3
/** A subset is never larger than the set of endpoints; this bounds what a worker lays out before it knows. */
const MAX_SUBSET_SIZE = 1000
const MAX_SLOW_START = 3_600

const algorithm: Parser<string> = (text) => {
  const value = NAMES.get(text)
  if (value !== undefined) return { value }
  if (STICKY.includes(text)) {
    return { value: 'round_robin', warning: `${text} is what "affinity: cookie" does; without it: round_robin` }
  }
  return { allowed: `one of ${[...NAMES.keys(), ...STICKY].join(', ')}` }
}

/** A key to hash decides over `load-balance`, as in ingress-nginx (an affinity cookie over both). */
function combine(value: PolicyValue): Combined {
  const problems: Problem[] = []
  const { algorithm: asked, hash_by: key, subset, subset_size: size, slow_start: slowStart } = value
  let chosen = asked
  if (key !== undefined) chosen = hashing(asked, subset === true)
  else if (typeof asked === 'string' && asked in HASHING) {
    chosen = undefined
    problems.push({ field: 'algorithm', message: 'it needs upstream-hash-by; it counts as not set' })
  }
  if (key === undefined && subset === true) {
    problems.push({ field: 'subset', message: 'it has no effect without upstream-hash-by' })
  }
  const subsetSize = chosen === 'subset' ? (size ?? DEFAULT_SUBSET_SIZE) : undefined
  return { value: defined({ algorithm: chosen, key, subset_size: subsetSize, slow_start: slowStart }), problems }
}

function hashing(asked: Json | undefined, subset: boolean): string {
  if (subset || asked === 'subset') return 'subset'
  return asked === 'maglev' ? 'maglev' : 'ring_hash'
}

/** Words of a Proxy, in its spelling. */
const PROXY_ALGORITHMS = {
  RoundRobin: { algorithm: 'round_robin' },
  Random: { algorithm: 'random' },
  LeastRequest: { algorithm: 'least_request' },
  Ewma: { algorithm: 'ewma' },
  RingHash: { algorithm: 'ring_hash' },
  Maglev: { algorithm: 'maglev' },
  Subset: { algorithm: 'subset' },
}
const PROXY_HASHING = ['RingHash', 'Maglev', 'Subset']

const PROXY_RULES: readonly Rule[] = [
  {
    cel: `!has(self.algorithm) || (self.algorithm in ${JSON.stringify(PROXY_HASHING).replaceAll('"', "'")}) == has(self.hashBy)`,
    message: `${PROXY_HASHING.join(', ')} need hashBy, and no other algorithm takes it`,
    holds: ({ algorithm: word, hashBy }) =>
      word === undefined || PROXY_HASHING.includes(String(word)) === (hashBy !== undefined),
  },
  {
    cel: "!has(self.subsetSize) || (has(self.algorithm) && self.algorithm == 'Subset')",
    message: 'subsetSize is for algorithm Subset',
    holds: ({ algorithm: word, subsetSize }) => subsetSize === undefined || word === 'Subset',
  },
]

/** Undefined: what holds for all routes holds for this one. */
function effect(value: PolicyValue, settings: Settings): Json | undefined {
  const { algorithm: chosen = settings.loadBalance, slow_start: slowStart = settings.slowStart } = value
  if (chosen === settings.loadBalance && slowStart === settings.slowStart) return undefined
  return defined({ ...value, algorithm: chosen, slow_start: slowStart === 0 ? undefined : slowStart })
}

/** How the endpoint of a request is chosen. */
export const loadBalance = {
  name: 'load_balance',
  fields: {
    algorithm: {
      annotation: 'load-balance',
      parse: algorithm,
      about: 'How the endpoint of a request is chosen: see below',
    },
    hash_by: {
      annotation: 'upstream-hash-by',
      parse: template,
      about: 'The endpoint is chosen by a hash of this text, which may have variables',
    },
    subset: {
      annotation: 'upstream-hash-by-subset',
      parse: boolean,
      about: 'The hash chooses a group of endpoints, and chance one of the group',
    },
    subset_size: {
      annotation: 'upstream-hash-by-subset-size',
      parse: integer(1, MAX_SUBSET_SIZE),
      about: 'Endpoints of a group; 3 when not set',
    },
    slow_start: {
      annotation: 'slow-start',
      parse: seconds(0, MAX_SLOW_START),
      about: 'Ours. In how many seconds a new endpoint comes to its full share; 0: at once',
    },
  },
  proxy: proxyField(
    'loadBalance',
    group({ description: 'How the endpoint of a request is chosen (docs/balancing.md).', rules: PROXY_RULES }, {
      algorithm: choice(
        PROXY_ALGORITHMS,
        'RoundRobin: in turn. Random: by chance. LeastRequest: the one with fewer requests in flight. Ewma: the one that ' +
          'answers faster. RingHash, Maglev: by a hash of hashBy. Subset: one of a group that the hash chooses. ' +
          'What the ConfigMap says when not set; RingHash when only hashBy is.',
      ),
      hashBy: textual('hash_by', template, {
        description: 'A text with variables, such as $remote_addr or ${cookie_user}: requests with the same go to the same endpoint.',
        minLength: 1,
        maxLength: 256,
      }),
      subsetSize: wholeNumber('subset_size', [1, MAX_SUBSET_SIZE], 'Endpoints of a group of Subset; 3 when not set.'),
      slowStart: duration('slow_start', [0, MAX_SLOW_START], 'In what time a new endpoint comes to its full share; 0s: at once.'),
    }),
    flawless(combine),
  ),
  combine,
  runtime: {
    schema: object(
      { algorithm: { enum: [...ALGORITHMS, 'ring_hash', 'maglev', 'subset'] } },
      {
        key: TEMPLATE_SCHEMA,
        subset_size: { type: 'integer', minimum: 1, maximum: MAX_SUBSET_SIZE },
        slow_start: { type: 'integer', minimum: 1, maximum: MAX_SLOW_START },
      },
    ),
    effect: (value, { settings }) => effect(value, settings),
  },
} satisfies Policy
