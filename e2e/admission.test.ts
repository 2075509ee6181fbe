/** manifests/admission/ without an API server: known fields, both bindings alike, and the grammars of the policies. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import type {
  KubernetesObject, V1ValidatingAdmissionPolicy, V1ValidatingAdmissionPolicyBinding,
} from '@kubernetes/client-node'
import type { Field } from '../sidecar/policy/common/policy.ts'
import { isProtection } from '../sidecar/policy/set/protection.ts'
import { POLICIES } from '../sidecar/policy/registry.ts'
import { schemaErrors } from './kubernetes-schema.ts'
import { readKustomization } from './lab/manifests.ts'
import { REPOSITORY } from './runner/programs.ts'

const FOLDER = join(REPOSITORY, 'manifests/admission')
const [warn, deny] = await Promise.all(['warn', 'deny'].map(async (mode) => await readKustomization(join(FOLDER, mode))))
const all = [...warn ?? [], ...deny ?? []] as readonly KubernetesObject[]

function named<T extends KubernetesObject>(kind: string, objects: readonly KubernetesObject[] = all): readonly T[] {
  return objects.filter((object): object is T => object.kind === kind)
}

test('no field that Kubernetes does not know', () => {
  for (const object of all) assert.deepEqual(schemaErrors(`V1${object.kind}`, object), [])
})

test('each policy has one binding in either way, under one name, so that one replaces the other', () => {
  for (const [objects, actions] of [[warn, ['Warn', 'Audit']], [deny, ['Deny']]] as const) {
    const bindings = named<V1ValidatingAdmissionPolicyBinding>('ValidatingAdmissionPolicyBinding', objects as KubernetesObject[])
    const policies = named('ValidatingAdmissionPolicy', objects as KubernetesObject[]).map(({ metadata }) => metadata?.name)
    assert.deepEqual(bindings.map(({ spec }) => spec?.policyName), policies)
    assert.deepEqual(bindings.map(({ metadata }) => metadata?.name), policies)
    for (const { spec } of bindings) assert.deepEqual(spec?.validationActions, actions)
  }
})

const FIELDS = new Map(
  POLICIES.flatMap(({ fields }) => Object.values(fields)).map(({ annotation, parse }: Field) => [annotation, parse]),
)

function isRead(annotation: string, text: string): boolean {
  const parsed = FIELDS.get(annotation)?.(text)
  return parsed !== undefined && 'value' in parsed
}

const ingress = named<V1ValidatingAdmissionPolicy>('ValidatingAdmissionPolicy')
  .find(({ metadata }) => metadata?.name === 'resty-ingress-ingress')

test('classes and settings are where docs/admission.md patches them', () => {
  assert.equal(ingress?.spec?.matchConditions?.[0]?.name, 'class')
  assert.match(ingress.spec.matchConditions[0].expression, / in \['resty-ingress'\]$/)
  const settings = ingress.spec.variables?.slice(0, 3).map(({ name }) => name)
  assert.deepEqual(settings, ['prefix', 'typedSnippets', 'crossNamespace'])
})

function expression(variable: string): string {
  return ingress?.spec?.variables?.find(({ name }) => name === variable)?.expression ?? assert.fail(variable)
}

/** The lists of texts in a variable of the policy of Ingresses. */
function lists(variable: string): string[][] {
  return [...expression(variable).matchAll(/\[((?:'[^']*'[,\s]*)+)\]/g)]
    .map(([, texts = '']) => [...texts.matchAll(/'([^']*)'/g)].map(([, text = '']) => text))
}

test('booleans: the annotations that are, and the words that are read', () => {
  const [names = [], words = []] = lists('booleans')
  const are = [...FIELDS.keys()].filter((name) => isRead(name, 'T') && isRead(name, '0') && !isRead(name, 'on') && !isRead(name, '7'))
  assert.deepEqual(names.toSorted(), are.toSorted(), 'manifests/admission/policies/ingress.yaml lists them')
  for (const name of names) for (const word of words) assert.ok(isRead(name, word), `${name}: ${word}`)
})

test('switches: the annotations that are, and the words that are read', () => {
  const [names = [], words = []] = lists('switches')
  assert.deepEqual(names.toSorted(), [...FIELDS.keys()].filter((name) => isRead(name, 'on') && !isRead(name, 'true')).toSorted()
    .filter((name) => isRead(name, 'off') && !isRead(name, 'x') && !isRead(name, 'optional')))
  for (const name of names) for (const word of words) assert.ok(isRead(name, word), `${name}: ${word}`)
})

/** What each annotation says when it refuses. */
function allowed(parse: Field['parse']): string {
  const parsed = parse('\u0001;{')
  return 'allowed' in parsed ? parsed.allowed : ''
}

/** The annotations whose refusal says this, with what it captures. */
function saying(pattern: RegExp): Map<string, string[]> {
  const found = [...FIELDS].map(([name, parse]) => [name, pattern.exec(allowed(parse))?.slice(1)] as const)
  return new Map(found.flatMap(([name, parts]) => (parts === undefined ? [] : [[name, parts] as const])))
}

test('words: the annotations that have some, and each word in any case that is read', () => {
  const rows = [...expression('words').matchAll(/'([a-z-]+)': \[([^\]]+)\]/g)]
  const policy = new Map(rows.map(([, name = '', words = '']) => [name, words.match(/(?<=')[^',]+(?=')/g) ?? []]))
  const switches = new Set(lists('switches')[0])
  const ours = [...saying(/^(?:one of ([^"]+)|"([^" ]+)"(?:;.*)?)$/)].filter(([name]) => !switches.has(name) && !isRead(name, 'true'))
  assert.deepEqual([...policy.keys()].toSorted(), ours.map(([name]) => name).toSorted())
  for (const [name, [many = '', one = '']] of ours) assert.deepEqual(policy.get(name), many === '' ? [one] : many.split(', '), name)
  const anyCase = /in \[([^\]]+)\]\s+&& word.upperAscii/.exec(expression('strangers'))?.[1] ?? ''
  for (const [name, words] of policy) {
    const known = new Set<string>(words)
    const variants = words.flatMap((word) => [word.toLowerCase(), word.toUpperCase()]).filter((it) => !known.has(it))
    const isFolded = variants.some((it) => isRead(name, it))
    assert.equal(anyCase.includes(`'${name}'`), isFolded, name)
  }
})

test('protections: the annotations under these prefixes that there are', () => {
  const [known = []] = lists('protections')
  const prefixes = /matches\('(\^\([^']+)'\)/.exec(expression('protections'))?.[1] ?? assert.fail()
  const ours = [...FIELDS.keys()].filter((name) => new RegExp(prefixes).test(name))
  // Snippets have words of their own.
  assert.deepEqual(known.filter((name) => !name.endsWith('-snippet')).toSorted(), ours.toSorted())
  for (const name of ['auth-x', 'limit-x', 'block-x', 'proxy-ssl-x']) assert.ok(new RegExp(prefixes).test(name) && isProtection(name))
})

test('every number, size, list of addresses and name of an object is judged', () => {
  const ranges = [...expression('ranges').matchAll(/'([^']+)': \[/g)].map(([, name = '']) => name)
  const numbers = saying(/^a whole number from \d+ to \d+(?:, in seconds)?$/)
  assert.deepEqual(ranges.toSorted(), [...numbers.keys()].toSorted())
  assert.deepEqual(lists('sizes')[0]?.toSorted(), [...saying(/^a size such as/).keys()].toSorted())
  assert.deepEqual(lists('addresses')[0]?.toSorted(), [...saying(/10\.0\.0\.0\/8/).keys()].toSorted())
  const references = POLICIES.flatMap(({ fields }) => Object.values(fields)).filter(({ names }) => names !== undefined)
  assert.deepEqual(lists('foreign')[0]?.toSorted(), references.map(({ annotation }) => annotation).toSorted())
})

test('addresses and URLs: what the policies refuse is not read', () => {
  const refuses = (variable: string, texts: readonly string[]): void => {
    for (const name of lists(variable)[0] ?? []) for (const text of texts) assert.ok(!isRead(name, text), `${name}: ${text}`)
  }
  refuses('addresses', ['10.0.0.0/8;', 'all', 'example.com'])
  refuses('urls', ['ftp://x', 'HTTP://x', '/x', 'x', 'http://a b'])
})

test('numbers and times: the ends of each range are read, and what is beyond them is not', () => {
  const [times = []] = lists('times')
  const ranges = [...expression('ranges').matchAll(/'([^']+)': \[(\d+), (\d+)\]/g)]
  assert.ok(ranges.length > 0)
  for (const [, name = '', least = '', most = ''] of ranges) {
    assert.ok(isRead(name, least) && isRead(name, most), name)
    assert.ok(!isRead(name, String(Number(most) + 1)) && !isRead(name, String(Number(least) - 1)), name)
    assert.equal(isRead(name, `${most}s`), times.includes(name), name)
  }
})

test('sizes and targets: what the policies refuse is not read', () => {
  const [sizes = []] = lists('sizes')
  for (const name of sizes) for (const text of ['10MB', '-1', '1.5m', 'x']) assert.ok(!isRead(name, text), `${name}: ${text}`)
  for (const text of ['/$host', '/$0', '/a b', '/;', '/${1}', '/$12']) assert.ok(!isRead('rewrite-target', text), text)
})
