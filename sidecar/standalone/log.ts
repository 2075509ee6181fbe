/** The logs of the sidecar and of OpenResty as lines for a person. */
import { fields, text } from '../util/field.ts'

const PINO_INFO = 30
const PINO_WARN = 40

/** A line of pino, without what a person does not need at a glance; undefined: not worth showing. */
export function sidecarLine(line: string): string | undefined {
  const entry = parse(line)
  if (entry === undefined) return line
  const { level, msg, kind, namespace, name, error } = entry
  if (typeof level !== 'number' || level < PINO_INFO) return undefined
  // What is wrong in a file names it, and the pod has no name here.
  const path = [namespace, name].map(text).filter(Boolean).join('/')
  const object = path === '' || kind === 'File' ? '' : `${text(kind)} ${path}: `
  const cause = typeof error === 'string' ? ` (${error})` : ''
  return `${level >= PINO_WARN ? 'warning: ' : ''}${object}${printable(text(msg))}${cause}`
}

/** NGINX tells each start of a worker as a notice: only what is worse is shown. */
export function openrestyLine(line: string): string | undefined {
  return /\[(notice|info|debug)\]/.test(line) ? undefined : printable(line)
}

/** Messages quote names of objects and paths of requests: a terminal must not obey them. */
function printable(message: string): string {
  return message.replace(/\p{Cc}/gu, (character) => JSON.stringify(character).slice(1, -1))
}

function parse(line: string): ReturnType<typeof fields> | undefined {
  try {
    return fields(JSON.parse(line))
  } catch {
    return undefined
  }
}
