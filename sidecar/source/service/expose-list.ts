/** The list of a Service's `expose`: hosts with paths, separated by commas. */
import { parseAddress } from '../../ir/address.ts'
import { meantHost } from '../../ir/host-spelling.ts'
import { isHost, quoted } from '../../ir/names.ts'
import { readPath, type PathReading } from '../path.ts'

export interface Exposed {
  readonly host: string
  readonly path: string
  readonly pathType: Extract<PathReading, { path: string }>['pathType']
}

export interface ExposeProblem {
  readonly reason: string
  readonly message: string
}

const MAX_LENGTH = 65_536
const MAX_ENTRIES = 1000

/**
 * Each entry is `HOST` or `HOST/PATH`: the path and everything below, element by element, as in an Ingress without
 * path type. An entry that cannot be understood costs only itself.
 * @param isPattern whether a path is a regular expression
 */
export function readExposeList(
  text: string,
  isPattern: (path: string) => boolean,
): { readonly entries: readonly Exposed[]; readonly problems: readonly ExposeProblem[] } {
  if (text.length > MAX_LENGTH) {
    return { entries: [], problems: [{ reason: 'TooManyEntries', message: `more than ${MAX_LENGTH} characters; nothing is exposed` }] }
  }
  const parts = text.split(',').map((part) => part.trim()).filter((part) => part !== '')
  const read = parts.slice(0, MAX_ENTRIES).map((part) => readEntry(part, isPattern))
  const message = `${parts.length} entries; those after the first ${MAX_ENTRIES} are left out`
  return {
    entries: read.flatMap((it) => ('host' in it ? [it] : [])),
    problems: [
      ...read.flatMap((it) => ('reason' in it ? [it] : [])),
      ...(parts.length > MAX_ENTRIES ? [{ reason: 'TooManyEntries', message }] : []),
    ],
  }
}

function readEntry(part: string, isPattern: (path: string) => boolean): Exposed | ExposeProblem {
  const slash = part.indexOf('/')
  const [name, path] = slash < 0 ? [part, '/'] : [part.slice(0, slash), part.slice(slash)]
  const host = name.toLowerCase()
  if (!isHost(host) || parseAddress(host) !== undefined) {
    const allowed = 'a DNS name, or "*." and a DNS name, with a path behind it or none, such as api.example.com/user'
    return { reason: 'InvalidHost', message: `${quoted(part)} is left out; allowed: ${allowed}${meantHost(name)}` }
  }
  const reading = readPath(path, undefined, isPattern(path))
  if ('problem' in reading) return { reason: reading.reason, message: `${quoted(part)} is left out: ${reading.problem}` }
  return { host, ...reading }
}
