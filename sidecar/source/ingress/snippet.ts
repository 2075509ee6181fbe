/** The annotation `configuration-snippet`, with `--snippets=typed`: read like `conf` of a Service, never copied. */
import { OWN_PREFIX } from '../../ir/names.ts'
import type { ObjectRef, Origin } from '../../ir/origin.ts'
import type { PolicyReading } from '../../policy/set/annotations.ts'
import { merged } from '../../policy/set/merge.ts'
import { readConfText, type ConfReading, type Wording } from '../service/conf.ts'

type Annotations = Readonly<Record<string, string>>

const NAME = 'configuration-snippet'

const OF_INGRESS: Wording = {
  line: 'nothing of the snippet has an effect',
  rest: 'nothing of the snippet has an effect',
  closed: 'the paths of this object answer 503',
}

export interface Snippet {
  readonly reading: ConfReading
  /** Without it. */
  readonly annotations: Annotations
}

/**
 * All of it or nothing: a half of what somebody wrote could mean something else. Undefined: there is none. Ours wins
 * over that of `prefix`.
 */
export function readSnippet(annotations: Annotations, prefix: string, object: ObjectRef): Snippet | undefined {
  const names = [OWN_PREFIX, prefix].map((it) => `${it}/${NAME}`)
  const name = names.find((it) => (annotations[it] ?? '').trim() !== '')
  if (name === undefined) return undefined
  const others = Object.entries(annotations).filter(([it]) => !names.includes(it))
  const origin: Origin = { ...object, field: `metadata.annotations[${name}]` }
  const reading = readConfText(annotations[name] ?? '', origin, OF_INGRESS)
  const nothing = { ...reading, policies: {}, sources: {} }
  return { reading: reading.findings.length > 0 ? nothing : reading, annotations: Object.fromEntries(others) }
}

/** What other annotations of the object say holds above it. */
export function withSnippet(own: PolicyReading, { reading }: Snippet): PolicyReading {
  return { ...merged(reading, own), findings: [...reading.findings, ...own.findings] }
}
