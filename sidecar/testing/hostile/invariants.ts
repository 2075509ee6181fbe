/** What holds for each hostile case: it gives findings or data, no syntax, and its neighbour does not change. */
import assert from 'node:assert/strict'
import type { KubeObject } from '../../collection/objects.ts'
import type { Translation } from '../../translate.ts'
import { canonicalJson } from '../../util/canonical.ts'
import { assertContract } from '../contract.ts'
import { ingress, NEIGHBOUR, service, slice, translated } from '../neighbour.ts'
import type { Case } from './objects.ts'
import { MARKER } from './texts.ts'
import { assertVocabulary, withoutTyped } from './vocabulary.ts'

const THEIRS = 'nginx.ingress.kubernetes.io'
/** Of a host and a namespace of its own, with policies of many kinds. */
const RICH = ingress('good', 'rich', {
  host: 'rich.example.com',
  annotations: {
    [`${THEIRS}/proxy-body-size`]: '3m', [`${THEIRS}/limit-rps`]: '50', [`${THEIRS}/whitelist-source-range`]: '10.0.0.0/8',
    [`${THEIRS}/enable-cors`]: 'true', [`${THEIRS}/rewrite-target`]: '/b', [`${THEIRS}/affinity`]: 'cookie',
  },
})
const GOOD: readonly KubeObject[] = [...NEIGHBOUR, RICH, service('good', 'api'), slice('good', 'api', ['198.18.1.2'])]
const SHARED_HOST = 'host/default/good.example.com'

/** Without any stranger; with the default settings, always the same. */
const ALONE = translated(GOOD)

/** Half of a surrogate pair is no Unicode: Lua would refuse the whole push for it. */
const LONE_SURROGATE = /(?<!\\)(?:\\\\)*\\ud[89a-f]/

/** Throws AssertionError when a case breaks an invariant, and whatever the translation throws. */
export function check({ strangers, settings }: Case): Translation {
  const common = settings === undefined ? GOOD : [...GOOD, ...settings]
  const alone = settings === undefined ? ALONE : translated(common)
  const result = translated([...common, ...strangers])
  assertContract(result.records)
  assert.doesNotMatch(JSON.stringify(result.records), LONE_SURROGATE)
  assertNeighbour(result, alone)
  assertConfig(result.config, settings !== undefined)
  return result
}

/** The first lines of those that were checked: each has the hash of its configuration. */
const checked = new Set<string>()

function assertConfig(config: string, ofAdministrator: boolean): void {
  const [head = ''] = config.split('\n', 1)
  if (!ofAdministrator && checked.has(head)) return
  const { nodes } = assertVocabulary(config)
  assert.ok(!JSON.stringify(withoutTyped(nodes, ofAdministrator)).includes(MARKER), 'text of an object is in nginx.conf')
  checked.add(head)
}

/** Everything that was there without the strangers is there as it was; on a host that they share, its routes. */
function assertNeighbour(result: Translation, alone: Translation): void {
  for (const [key, record] of Object.entries(alone.records)) {
    const now = result.records[key]
    if (key === SHARED_HOST) assert.equal(canonicalJson(goodRoutes(now)), canonicalJson(goodRoutes(record)))
    else assert.equal(canonicalJson(now), canonicalJson(record), key)
  }
  const found = ({ findings }: Translation): string[] =>
    findings.filter(({ origin }) => origin.namespace !== 'bad' && origin.name !== 'neighbour').map((it) => canonicalJson(it))
  assert.deepEqual(found(result), found(alone))
}

function goodRoutes(record: unknown): unknown {
  const { routes } = record as { readonly routes: readonly { readonly origin: { readonly namespace: string } }[] }
  return routes.filter(({ origin }) => origin.namespace === 'good')
}
