/** A Secret with users and the hashes of their passwords, as ingress-nginx reads it. */
import type { KubeObject } from '../../collection/objects.ts'
import { Secret } from '../../ir/certificate.ts'
import type { HtpasswdForm, Users } from '../../ir/htpasswd.ts'
import { sha256 } from '../../util/canonical.ts'
import { fields } from '../../util/field.ts'
import { hashProblem } from './password-hash.ts'

/** No message holds text of the Secret. `users` absent: there is nobody whom a route could let in. */
export interface HtpasswdReading {
  readonly users?: Users
  readonly problems: readonly string[]
}

const MAX_LENGTH = 1_400_000
const MAX_USERS = 20_000
const MAX_NAME = 255
const MAX_SHOWN = 10
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** A line of a file, or a member of a map. */
interface Entry {
  readonly at: string
  readonly name: string
  readonly hash: string
}

/** A bad entry costs itself, not the others. */
export function readHtpasswd(secret: KubeObject, form: HtpasswdForm, allowPlain: boolean): HtpasswdReading {
  const entries = form === 'auth-file' ? entriesOfFile(fields(secret.data).auth) : entriesOfMap(fields(secret.data))
  if (typeof entries === 'string') return { problems: [entries] }
  const users = new Map<string, string>()
  const problems: string[] = []
  for (const { at, name, hash } of entries) {
    const problem = nameProblem(name, users) ?? hashProblem(hash, allowPlain)
    if (problem === undefined) users.set(name, hash)
    else problems.push(`${at} is left out: ${problem}`)
  }
  if (users.size === 0) return { problems: [...shown(problems), 'it has no user with a hash that can be used'] }
  const text = JSON.stringify(Object.fromEntries(users))
  return { users: { hashes: new Secret(text), fingerprint: sha256(text) }, problems: shown(problems) }
}

function shown(problems: readonly string[]): readonly string[] {
  const rest = problems.length - MAX_SHOWN
  return rest <= 0 ? problems : [...problems.slice(0, MAX_SHOWN), `and ${rest} more`]
}

function nameProblem(name: string, users: ReadonlyMap<string, string>): string | undefined {
  if (name === '' || name.length > MAX_NAME || /[\p{Cc}:]/u.test(name)) return 'it does not begin with a name and a colon'
  if (users.has(name)) return 'its name stands before'
  return users.size >= MAX_USERS ? `there are more than ${MAX_USERS} users` : undefined
}

/** `name:hash`, or `name:hash:comment`; the first line of a name counts. */
function entriesOfFile(data: unknown): readonly Entry[] | string {
  const text = decode(data)
  if (text === undefined) return 'it must have the key auth with a htpasswd file in UTF-8'
  return text.split('\n').flatMap((line, i): Entry[] => {
    const [name = '', hash = ''] = line.replace(/\r$/, '').split(':', 2)
    const isComment = line.trim() === '' || line.startsWith('#')
    return isComment ? [] : [{ at: `line ${i + 1}`, name, hash }]
  })
}

/** In order of names, which a finding does not tell. */
function entriesOfMap(data: Readonly<Record<string, unknown>>): readonly Entry[] {
  return Object.keys(data).sort().map((name, i) => {
    const hash = (decode(data[name]) ?? '').replace(/\r?\n$/, '')
    return { at: `key ${i + 1}, in alphabetical order,`, name, hash }
  })
}

function decode(value: unknown): string | undefined {
  if (typeof value !== 'string' || value.length > MAX_LENGTH) return undefined
  try {
    return UTF8.decode(Buffer.from(value, 'base64'))
  } catch {
    return undefined
  }
}
