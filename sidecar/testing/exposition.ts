/** A strict reader of Prometheus' text format 0.0.4: what a scraper would refuse or misread throws. */

export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export interface Family {
  readonly name: string
  readonly type: string
  readonly samples: Sample[]
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(,|$)/
const TYPES = ['counter', 'gauge', 'histogram', 'summary', 'untyped']

/** Family name -> family. Throws on anything that is not as the format says. */
export function parseExposition(text: string): ReadonlyMap<string, Family> {
  if (text !== '' && !text.endsWith('\n')) throw new Error('the last line has no end')
  const families = new Map<string, Family>()
  let current: Family | undefined
  for (const line of text.split('\n').filter((it) => it !== '')) current = take(line, families, current)
  for (const family of families.values()) if (family.type === 'histogram') checkHistogram(family)
  return families
}

/** The family that the next line belongs to. */
function take(line: string, families: Map<string, Family>, current: Family | undefined): Family | undefined {
  const [, kind, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) ?(.*)$/.exec(line) ?? []
  if (kind === 'TYPE') return addFamily(families, name, rest)
  if (kind === undefined) addSample(current, line)
  return current
}

function addFamily(families: Map<string, Family>, name: string, type: string): Family {
  if (!NAME.test(name) || !TYPES.includes(type)) throw new Error(`bad TYPE: ${name} ${type}`)
  if (families.has(name)) throw new Error(`${name} comes twice`)
  const family = { name, type, samples: [] }
  families.set(name, family)
  return family
}

function addSample(family: Family | undefined, line: string): void {
  const sample = parseSample(line)
  if (family === undefined || !belongs(sample.name, family)) throw new Error(`${sample.name} is outside of its family`)
  const known = family.samples.map(identityOf)
  if (known.includes(identityOf(sample))) throw new Error(`comes twice: ${line}`)
  family.samples.push(sample)
}

function identityOf({ name, labels }: Sample): string {
  return JSON.stringify([name, Object.entries(labels).sort()])
}

function parseSample(line: string): Sample {
  const [all, name = '', , inner = '', number = ''] = /^([^\s{]+)(\{(.*)\})? (\S+)$/.exec(line) ?? []
  if (all === undefined || !NAME.test(name)) throw new Error(`bad sample: ${line}`)
  return { name, labels: parseLabels(inner, line), value: parseNumber(number, line) }
}

/** As Go reads numbers. */
function parseNumber(text: string, line: string): number {
  const value = text === '+Inf' ? Infinity : Number(text)
  if (Number.isNaN(value) && text.toLowerCase() !== 'nan') throw new Error(`bad number: ${line}`)
  return value
}

function belongs(name: string, family: Family): boolean {
  if (family.type !== 'histogram') return name === family.name
  return ['_bucket', '_sum', '_count'].some((suffix) => name === family.name + suffix)
}

function parseLabels(inner: string, line: string): Record<string, string> {
  const labels: Record<string, string> = {}
  for (let rest = inner; rest !== '';) {
    const [all, name = '', value = ''] = LABEL.exec(rest) ?? []
    if (all === undefined || name in labels) throw new Error(`bad labels: ${line}`)
    labels[name] = value.replace(/\\(.)/g, (_, character: string) => (character === 'n' ? '\n' : character))
    rest = rest.slice(all.length)
  }
  return labels
}

/** Buckets rise, the last one is +Inf, and its value is the count. */
function checkHistogram({ name, samples }: Family): void {
  const bySeries = Map.groupBy(samples, ({ labels: { le: _, ...labels } }) => identityOf({ name, labels, value: 0 }))
  for (const [series, of] of bySeries) {
    const buckets = of.filter((it) => it.name === `${name}_bucket`)
    const count = of.find((it) => it.name === `${name}_count`)
    const bounds = buckets.map(({ labels }) => (labels.le === '+Inf' ? Infinity : Number(labels.le)))
    const rises = buckets.every(({ value }, i) => i === 0 || value >= (buckets[i - 1]?.value ?? 0))
    const ascending = bounds.every((bound, i) => i === 0 || bound > (bounds[i - 1] ?? 0))
    const isWhole = bounds.at(-1) === Infinity && buckets.at(-1)?.value === count?.value
    if (!rises || !ascending || !isWhole || !of.some((it) => it.name === `${name}_sum`)) {
      throw new Error(`bad histogram ${name} ${series}`)
    }
  }
}
