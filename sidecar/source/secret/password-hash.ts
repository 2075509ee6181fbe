/**
 * The forms in which a htpasswd file keeps a password. What it costs to check one is bounded here: clients make us do
 * it. lua/ingress/pure/password_hash.lua has the same table.
 */

/** A quarter to half a second of a core. */
const MAX_BCRYPT_COST = 12
const MAX_SHA_ROUNDS = 700_000
/** Shorter ones are checked as if they said this; so no file has them. */
const MIN_SHA_ROUNDS = 1000
const MAX_LENGTH = 512

interface Scheme {
  readonly prefix: RegExp
  /** Why a hash with this prefix is refused; undefined: it is not. */
  problem(hash: string): string | undefined
}

const DAMAGED = 'its hash is damaged'

function whole(form: RegExp): Scheme['problem'] {
  return (hash) => (form.test(hash) ? undefined : DAMAGED)
}

function base64(prefix: string, minLength: number): Scheme['problem'] {
  const form = /^[A-Za-z0-9+/]+={0,2}$/
  return (hash) => {
    const text = hash.slice(prefix.length)
    return text.length >= minLength && text.length % 4 === 0 && form.test(text) ? undefined : DAMAGED
  }
}

function bcryptProblem(hash: string): string | undefined {
  const cost = Number(/^\$2[aby]\$([0-9]{2})\$[./A-Za-z0-9]{53}$/.exec(hash)?.[1])
  if (!(cost >= 4)) return DAMAGED
  return cost > MAX_BCRYPT_COST ? `the cost of its hash is above ${MAX_BCRYPT_COST}` : undefined
}

function shaProblem(length: number): Scheme['problem'] {
  const form = new RegExp(`^\\$[56]\\$(?:rounds=([1-9][0-9]{0,8})\\$)?[./A-Za-z0-9]{1,16}\\$[./A-Za-z0-9]{${length}}$`)
  return (hash) => {
    const match = form.exec(hash)
    if (match === null) return DAMAGED
    const rounds = Number(match[1] ?? MIN_SHA_ROUNDS)
    return rounds < MIN_SHA_ROUNDS || rounds > MAX_SHA_ROUNDS
      ? `the rounds of its hash are not ${MIN_SHA_ROUNDS} to ${MAX_SHA_ROUNDS}`
      : undefined
  }
}

const PLAIN = '{PLAIN}'

const SCHEMES: readonly Scheme[] = [
  { prefix: /^\$2[aby]\$/, problem: bcryptProblem },
  { prefix: /^\$apr1\$/, problem: whole(/^\$apr1\$[./A-Za-z0-9]{1,8}\$[./A-Za-z0-9]{22}$/) },
  { prefix: /^\$1\$/, problem: whole(/^\$1\$[./A-Za-z0-9]{1,8}\$[./A-Za-z0-9]{22}$/) },
  { prefix: /^\$5\$/, problem: shaProblem(43) },
  { prefix: /^\$6\$/, problem: shaProblem(86) },
  { prefix: /^\{SHA\}/, problem: whole(/^\{SHA\}[A-Za-z0-9+/]{27}=$/) },
  { prefix: /^\{SSHA\}/, problem: base64('{SSHA}', 28) },
]

/** Why the hash of a password cannot be used, without any text of it; undefined: it can. */
export function hashProblem(hash: string, allowPlain: boolean): string | undefined {
  if (hash === '') return 'it has no hash'
  if (hash.length > MAX_LENGTH) return 'its hash is too long'
  if (hash.startsWith(PLAIN)) return plainProblem(hash, allowPlain)
  const scheme = SCHEMES.find(({ prefix }) => prefix.test(hash))
  return scheme === undefined ? 'its hash is of no kind that is supported' : scheme.problem(hash)
}

function plainProblem(hash: string, allowPlain: boolean): string | undefined {
  if (!allowPlain) return 'its password is in plain text, and the key allow-plain-text-passwords is not "true"'
  return hash.length > PLAIN.length ? undefined : 'its password is empty'
}
