/**
 * What `docker build` would put into an image, told from the text of the Dockerfile and .dockerignore: the
 * COPY lines of the last stage over a list of files. For checks on machines without a Docker engine.
 */
import { posix } from 'node:path'

export interface Instruction {
  /** In capitals: FROM, COPY, ... */
  readonly name: string
  /** The rest, with continued lines joined. */
  readonly value: string
}

/** The instructions of a Dockerfile in order, without comments. Here-documents are not understood. */
export function instructionsOf(dockerfile: string): Instruction[] {
  const joined = dockerfile.replace(/^\s*#.*\n/gm, '').replace(/\\\n/g, ' ')
  return joined.split('\n').flatMap((line) => {
    const match = /^\s*(\w+)\s+(.*\S)/.exec(line)
    return match === null ? [] : [{ name: (match[1] ?? '').toUpperCase(), value: match[2] ?? '' }]
  })
}

/** The instructions of the last stage: those that make the image. */
export function finalStage(instructions: readonly Instruction[]): Instruction[] {
  return instructions.slice(instructions.findLastIndex((instruction) => instruction.name === 'FROM'))
}

/**
 * Which files the builder is sent. The last pattern that matches a file or a folder above it decides.
 * Rules: https://docs.docker.com/build/concepts/context/#dockerignore-files
 */
export function buildContext(dockerignore: string, files: readonly string[]): string[] {
  const lines = dockerignore.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#'))
  const rules = lines.map((line) => {
    return { keep: line.startsWith('!'), pattern: patternOf(line.replace(/^!/, '')) }
  })
  return files.filter((file) => rules.findLast((rule) => rule.pattern.test(file))?.keep ?? true)
}

/** Matches the path itself and all below it. */
function patternOf(glob: string): RegExp {
  const text = glob.trim().replace(/^\/|\/$/g, '')
  const source = text.replace(/\*\*\/|\*\*|\*|\?|[.+^${}()|[\]\\]/g, (token) => {
    if (token === '**/') return '(?:[^/]*/)*'
    if (token === '**') return '.*'
    if (token === '*') return '[^/]*'
    return token === '?' ? '[^/]' : `\\${token}`
  })
  return new RegExp(`^${source}(?:/|$)`)
}

/**
 * Absolute path in the image -> path in the context, for the COPY lines that take from the context.
 * Throws when a source is not in the context, as the builder does.
 */
export function copiedFiles(stage: readonly Instruction[], context: readonly string[]): Map<string, string> {
  const copied = new Map<string, string>()
  let folder = '/'
  for (const { name, value } of stage) {
    if (name === 'WORKDIR') folder = posix.resolve(folder, value)
    if (name !== 'COPY' || value.includes('--from=')) continue
    const words = value.split(/\s+/).filter((word) => !word.startsWith('--'))
    const target = words.pop() ?? ''
    for (const source of words) copyOne(source, { folder, target, context, copied })
  }
  return copied
}

interface Copy {
  readonly folder: string
  readonly target: string
  readonly context: readonly string[]
  readonly copied: Map<string, string>
}

function copyOne(source: string, { folder, target, context, copied }: Copy): void {
  const from = posix.normalize(source).replace(/\/$/, '')
  const to = posix.resolve(folder, target)
  if (context.includes(from)) {
    const intoFolder = target === '.' || target.endsWith('/')
    copied.set(intoFolder ? posix.join(to, posix.basename(from)) : to, from)
    return
  }
  const below = context.filter((file) => file.startsWith(`${from}/`))
  if (below.length === 0) throw new Error(`COPY ${source}: not in the build context`)
  for (const file of below) copied.set(posix.join(to, posix.relative(from, file)), file)
}
