/**
 * The text of one file -> Kubernetes objects and findings. Pure. What an API server would refuse (no name,
 * a name with a slash, annotations that are not text) is refused here too: there is none in front of us.
 *
 * No finding quotes the file: it may be a Secret.
 */
import { isMap, isSeq, LineCounter, parseAllDocuments, type Document, type YAMLParseError } from 'yaml'
import type { KubeObject } from '../collection/objects.ts'
import type { Finding, Severity } from '../ir/origin.ts'
import { canonicalJson } from '../util/canonical.ts'
import { fields } from '../util/field.ts'
import { normalize, typeOf } from './object.ts'

/** An object, where it stands, and its canonical text: equal text, equal object. */
export interface LocatedObject {
  readonly object: KubeObject
  readonly file: string
  readonly line: number
  readonly text: string
}

export interface Manifest {
  readonly objects: readonly LocatedObject[]
  readonly findings: readonly Finding[]
}

/** The content of a file, or why it cannot be understood as a whole. */
export type ParsedFile = { readonly manifest: Manifest } | { readonly failure: Finding }

/** Anchors may be repeated this often, so that a small file cannot become a large object. */
const MAX_ALIASES = 100

/** `file` is the name for findings: the path below the folder of manifests. */
export function parseManifest(file: string, text: string): ParsedFile {
  const lines = new LineCounter()
  try {
    const documents = parseAllDocuments(text, { lineCounter: lines, merge: true, prettyErrors: false })
    if (!Array.isArray(documents)) return { manifest: { objects: [], findings: [] } }
    const error = documents.flatMap((document) => document.errors)[0]
    if (error !== undefined) return { failure: syntaxFinding(file, lines.linePos(error.pos[0]), error) }
    return { manifest: readDocuments(file, documents, lines) }
  } catch (error) {
    const reason = error instanceof RangeError ? 'nested too deeply' : 'an alias that cannot be followed, or too many'
    return { failure: fileFinding({ file }, 'error', 'ManifestUnreadable', reason) }
  }
}

export interface Place {
  readonly file: string
  readonly line?: number
  readonly column?: number
}

/** A finding about a file itself. */
export function fileFinding(place: Place, severity: Severity, reason: string, text: string): Finding {
  return {
    origin: { kind: 'File', namespace: '', name: place.file, field: '' },
    severity,
    reason,
    message: `${printPlace(place)}: ${text}`,
  }
}

/** Where an object stands, for messages: `file:line:column`. */
export function printPlace({ file, line, column }: Place): string {
  return [file, line, column].filter((part) => part !== undefined).join(':')
}

function syntaxFinding(file: string, at: { line: number; col: number }, error: YAMLParseError): Finding {
  // Some messages end with the token that was met, which may be secret text.
  const reason = error.message.replace(/:? ["'`][^]*$/, '').replaceAll('\n', ' ')
  return fileFinding({ file, line: at.line, column: at.col }, 'error', 'ManifestUnreadable', reason)
}

interface Item {
  readonly value: unknown
  readonly line: number
}

function readDocuments(file: string, documents: readonly Document.Parsed[], lines: LineCounter): Manifest {
  const objects: LocatedObject[] = []
  const findings: Finding[] = []
  for (const { value, line } of documents.flatMap((document) => itemsOf(document, lines))) {
    const reading = normalize(value)
    if ('object' in reading) objects.push({ object: reading.object, file, line, text: canonicalJson(reading.object) })
    const said = 'object' in reading ? reading.notice : reading
    if (said === undefined) continue
    const { severity, reason, message } = said
    const origin = { ...typeOf(value), field: '' }
    findings.push({ origin, severity, reason, message: `${printPlace({ file, line })}: ${message}` })
  }
  return { objects, findings }
}

/** The objects of a document: none in an empty one, several in a list. */
function itemsOf(document: Document.Parsed, lines: LineCounter): Item[] {
  const value: unknown = document.toJS({ maxAliasCount: MAX_ALIASES })
  if (value === null || value === undefined) return []
  const lineOf = (node: unknown): number => lines.linePos(startOf(node) ?? document.range[0]).line
  const { kind, apiVersion, items } = fields(value)
  if (typeof kind !== 'string' || !kind.endsWith('List') || !Array.isArray(items)) {
    return [{ value, line: lineOf(document.contents) }]
  }
  // The items of a typed list, such as an IngressList, need not repeat its type.
  const type = kind === 'List' ? {} : { apiVersion, kind: kind.slice(0, -'List'.length) }
  const nodes: unknown = isMap(document.contents) ? document.contents.get('items', true) : undefined
  return items.map((item: unknown, index) => ({
    value: { ...type, ...fields(item) },
    line: lineOf(isSeq(nodes) ? nodes.items[index] : undefined),
  }))
}

function startOf(node: unknown): number | undefined {
  const range = fields(node).range
  return Array.isArray(range) && typeof range[0] === 'number' ? range[0] : undefined
}
