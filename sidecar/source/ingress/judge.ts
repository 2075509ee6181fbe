/**
 * What the administrator allows Ingresses to say at all: as in ingress-nginx, one bad annotation costs the whole
 * Ingress.
 */
import { riskOf } from '../../compat/risk.ts'
import type { Reader } from '../../collection/graph.ts'
import { OWN_PREFIX, quoted } from '../../ir/names.ts'
import { RISKS, type ObjectSettings } from '../../ir/object-settings.ts'
import type { Finding, ObjectRef } from '../../ir/origin.ts'
import type { PolicyReading } from '../../policy/set/annotations.ts'
import type { Context } from '../context.ts'

interface Place {
  readonly read: Reader
  readonly context: Context
}

type Annotations = Readonly<Record<string, string>>

/** The reading as it was, or closed: its paths stay its own, so that nobody else's answer for them. */
export function judged(
  reading: PolicyReading,
  annotations: Annotations,
  object: ObjectRef,
  { read, context }: Place,
): PolicyReading {
  const settings = read.get(context.objectSettings, '')
  if (settings === undefined || !hasRules(settings)) return reading
  const { annotationsPrefix: prefix } = context.options
  for (const [name, value] of Object.entries(annotations)) {
    const about = [prefix, OWN_PREFIX].find((it) => name.startsWith(`${it}/`))
    const problem = about === undefined ? undefined : problemOf(name.slice(about.length + 1), value, settings)
    if (problem !== undefined) return closed(reading, name.toWellFormed(), problem, object)
  }
  return reading
}

function hasRules({ annotationsRiskLevel, annotationValueWordBlocklist }: ObjectSettings): boolean {
  return annotationsRiskLevel !== 'Critical' || annotationValueWordBlocklist.length > 0
}

function problemOf(name: string, value: string, settings: ObjectSettings): string | undefined {
  const risk = riskOf(name)
  if (risk > RISKS.indexOf(settings.annotationsRiskLevel)) {
    return `it is of the risk ${RISKS[risk]}, and annotations-risk-level of the ConfigMap allows ${settings.annotationsRiskLevel}`
  }
  const word = settings.annotationValueWordBlocklist.find((it) => value.includes(it))
  return word === undefined ? undefined : `its value has ${quoted(word)}, which annotation-value-word-blocklist of the ConfigMap forbids`
}

function closed(reading: PolicyReading, name: string, problem: string, object: ObjectRef): PolicyReading {
  const finding: Finding = {
    origin: { ...object, field: `metadata.annotations[${name}]` },
    severity: 'error',
    reason: 'ForbiddenAnnotation',
    message: `annotation ${name}: ${problem}; the paths of this object answer 503`,
  }
  return { ...reading, closed: `annotation ${name} is forbidden`, findings: [...reading.findings, finding] }
}
