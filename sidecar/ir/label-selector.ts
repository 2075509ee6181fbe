/**
 * Label selectors as kubectl takes them: `a=b,c!=d,e in (f,g),!h,i`.
 * https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors
 */
type Labels = Readonly<Record<string, string>>

export interface Requirement {
  readonly key: string
  /** The label has one of these values; absent: any value. */
  readonly values?: readonly string[]
  /** It must not be so. */
  readonly negated: boolean
}

/** All of them must hold; an empty one holds for everything. */
export type LabelSelector = readonly Requirement[]

export type SelectorResult =
  | { readonly ok: true; readonly selector: LabelSelector }
  | { readonly ok: false; readonly message: string }

const MAX_LENGTH = 4096
const KEY = /^(?:[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/
const VALUE = /^(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/

/** Parses the text of a selector; the message names the part that is not understood. */
export function parseLabelSelector(text: string): SelectorResult {
  if (text.length > MAX_LENGTH) return { ok: false, message: `a selector has at most ${MAX_LENGTH} characters` }
  const selector: Requirement[] = []
  for (const part of split(text)) {
    const requirement = parseRequirement(part)
    if (requirement === undefined) return { ok: false, message: `${part} is not understood; write key=value, key in (a,b) or !key` }
    selector.push(requirement)
  }
  return { ok: true, selector }
}

/** The selector that a text stands for; throws RangeError where parseLabelSelector would refuse. */
export function labelSelector(text: string): LabelSelector {
  const parsed = parseLabelSelector(text)
  if (!parsed.ok) throw new RangeError(parsed.message)
  return parsed.selector
}

/** Whether an object with these labels is selected. */
export function selects(selector: LabelSelector, labels: Labels): boolean {
  return selector.every(({ key, values, negated }) => {
    const label = Object.hasOwn(labels, key) ? labels[key] : undefined
    const holds = label !== undefined && (values === undefined || values.includes(label))
    return holds !== negated
  })
}

/** At the commas that are not within parentheses. */
function split(text: string): string[] {
  if (text.trim() === '') return []
  const parts = ['']
  let depth = 0
  for (const character of text) {
    if (character === '(') depth++
    if (character === ')') depth--
    if (character === ',' && depth === 0) parts.push('')
    else parts.push(`${parts.pop()}${character}`)
  }
  return parts.map((part) => part.trim())
}

function parseRequirement(part: string): Requirement | undefined {
  const set = /^(\S+)\s+(in|notin)\s*\(([^()]*)\)$/.exec(part)
  if (set !== null) {
    const [, key = '', operator, values = ''] = set
    return checked({ key, values: values.split(',').map((value) => value.trim()), negated: operator === 'notin' })
  }
  const equal = /^([^\s=!]+)\s*(==|=|!=)\s*(\S*)$/.exec(part)
  if (equal !== null) {
    const [, key = '', operator, value = ''] = equal
    return checked({ key, values: [value], negated: operator === '!=' })
  }
  const negated = part.startsWith('!')
  return checked({ key: negated ? part.slice(1).trim() : part, negated })
}

function checked(requirement: Requirement): Requirement | undefined {
  const { key, values = [] } = requirement
  return KEY.test(key) && values.every((value) => VALUE.test(value)) ? requirement : undefined
}
