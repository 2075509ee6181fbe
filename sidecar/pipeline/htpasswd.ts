/** The part of the translation that is users with passwords: the Secrets that routes name, read as they say. Pure. */
import type { Collection, Graph, Reader } from '../collection/graph.ts'
import { isListed } from '../collection/object-store.ts'
import type { KubeObject } from '../collection/objects.ts'
import type { HtpasswdRecord } from '../dynamic/records.ts'
import { htpasswdRecord } from '../dynamic/translate.ts'
import { parseHtpasswdName } from '../ir/htpasswd.ts'
import { quoted } from '../ir/names.ts'
import { objectKey } from '../ir/object-name.ts'
import type { Finding, Origin } from '../ir/origin.ts'
import type { Fragment, Route } from '../ir/types.ts'
import { usersOf } from '../policy/basic-auth.ts'
import { readHtpasswd, type HtpasswdReading } from '../source/secret/htpasswd.ts'

export interface HtpasswdInputs {
  readonly fragments: Collection<Fragment>
  readonly secrets: Collection<KubeObject>
  /** See ObjectStore. */
  readonly listed: Collection<true>
  /** Under '': whether passwords may be there in plain text. */
  readonly allowPlain: Collection<boolean>
}

interface Reading extends HtpasswdReading {
  readonly findings: readonly Finding[]
}

export class HtpasswdPipeline {
  /** By `htpasswdName`. */
  readonly readings: Collection<Reading>
  readonly records: Collection<HtpasswdRecord>

  constructor(graph: Graph, inputs: HtpasswdInputs) {
    this.readings = graph.group(inputs.fragments.index(namedUsers), (name, fragments, read): Reading => {
      const reading = readSecret(name, inputs, read)
      return { ...reading, findings: fragments().flatMap((fragment) => findingsOf(fragment, name, reading)) }
    })
    this.records = graph.map(this.readings, ({ users }) => users && htpasswdRecord(users))
  }
}

function namedUsers({ routes }: Fragment): string[] {
  return [...new Set(routes.flatMap(usersOfRoute))]
}

function usersOfRoute({ policies }: Route): string[] {
  const users = usersOf(policies.basic_auth)
  return users === undefined ? [] : [users]
}

function readSecret(name: string, { secrets, listed, allowPlain }: HtpasswdInputs, read: Reader): HtpasswdReading {
  const { form, ...secret } = parseHtpasswdName(name)
  const key = objectKey(secret)
  const object = read.get(secrets, key)
  if (object !== undefined) return readHtpasswd(object, form, read.get(allowPlain, '') === true)
  return { problems: isListed(read, listed, 'Secret', key) ? ['it does not exist'] : [] }
}

/** On each object that names the Secret, once. */
function findingsOf(fragment: Fragment, name: string, { users, problems }: HtpasswdReading): Finding[] {
  if (problems.length === 0) return []
  const { namespace, name: secret } = parseHtpasswdName(name)
  const about = `Secret ${quoted(secret)} of namespace ${namespace}`
  const message = users === undefined
    ? `${about} cannot be used: ${problems.join('; ')}; the paths that need it answer 503`
    : `${about}: ${problems.join('; ')}`
  const severity = users === undefined ? 'error' : 'warning'
  const origins = fragment.routes.filter((route) => usersOfRoute(route).includes(name)).map(originOf)
  const unique = new Map(origins.map((origin) => [origin.field, origin]))
  return [...unique.values()].map((origin) => ({ origin, severity, reason: 'InvalidSecret', message }))
}

function originOf({ sources, origin }: Route): Origin {
  return sources.basic_auth?.secret ?? origin
}
