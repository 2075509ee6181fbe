/** Objects that a hostile tenant, or a careless administrator, could write. */
import type { KubeObject } from '../../collection/objects.ts'
import { KNOWN_ANNOTATIONS } from '../../compat/annotations.ts'
import { KNOWN_KEYS } from '../../compat/configmap.ts'
import type { Json } from '../../ir/types.ts'
import { POLICIES } from '../../policy/registry.ts'
import { KEYS } from '../../source/configmap/keys.ts'
import { SPEC_SCHEMA } from '../../source/proxy/schema.ts'
import { CONF_DIRECTIVES } from '../../source/service/conf-directives.ts'
import { EXPOSE_ANNOTATIONS } from '../../source/service/annotations.ts'
import { HEALTH_CHECK } from '../../source/service/health-check.ts'
import { arbitraryOf, damaged } from '../arbitrary.ts'
import { GOLDEN_OPTIONS } from '../inputs.ts'
import { object } from '../neighbour.ts'
import { fc } from '../property.ts'
import { examplesOf, PROXY_SPECS, settingExamples } from './examples.ts'
import { hostileText, valueLike } from './texts.ts'

/** All strangers live here. */
export const STRANGER = 'bad'
const CREATED = '2026-02-01T00:00:00Z'
const THEIRS = 'nginx.ingress.kubernetes.io'
const OURS = 'resty-ingress.io'

/** Every annotation that has an effect, or had one in ingress-nginx. */
export const ANNOTATIONS: readonly string[] = [...new Set([
  ...POLICIES.flatMap(({ fields }) => Object.values(fields).map(({ annotation }) => annotation)),
  ...KNOWN_ANNOTATIONS.keys(),
])].sort()

/** Every key of the controller's ConfigMap. */
export const SETTINGS: readonly string[] = [
  ...new Set([...Object.values(KEYS).map(({ name }) => name), ...KNOWN_KEYS.keys()]),
].sort()

/** What only Services have. */
const SERVICE_ANNOTATIONS: readonly string[] = [
  ...EXPOSE_ANNOTATIONS.map(([name]) => name), ...Object.values(HEALTH_CHECK).map(({ annotation }) => annotation), 'allow-from',
]

const WEB = { service: { name: 'web', port: { number: 80 } } }
const ROOT_PATH = { path: '/', pathType: 'Prefix', backend: WEB }

const scalar: fc.Arbitrary<unknown> = fc.oneof(
  fc.integer(), fc.double(), fc.boolean(), fc.constantFrom(null, undefined, [], {}, [[]], Number.MAX_SAFE_INTEGER),
)
const anything = fc.oneof({ weight: 3, arbitrary: hostileText }, scalar, fc.array(hostileText, { maxLength: 2 }))

/** Some of the names, each with a value that is like its examples. */
function texts(names: readonly string[], examples: (name: string) => readonly string[], most: number) {
  const one = fc.constantFrom(...names)
    .chain((name) => valueLike(examples(name)).map((text) => [name, text] as const))
  return fc.uniqueArray(one, { maxLength: most, minLength: 1, selector: ([name]) => name })
}

const annotations: fc.Arbitrary<Readonly<Record<string, string>>> = fc
  .tuple(
    texts(ANNOTATIONS, examplesOf, 6), fc.constantFrom(THEIRS, OURS), fc.option(fc.tuple(hostileText, hostileText)),
  )
  .map(([list, prefix, unknown]) => {
    const said = [...list, ...(unknown === null ? [] : [unknown])]
    return Object.fromEntries(said.map(([name, text]) => [`${prefix}/${name}`, text]))
  })

const hosts: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom('a.example.com', 'a.example.com', '*.example.com', 'good.example.com', 'xn--bcher-kva.example'),
  valueLike(['a.example.com', '*.example.com']), scalar,
)
const paths: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom('/', '/a', '/a(/|$)(.*)'), valueLike(['/', '/a/b', '/a/*', '/a(/|$)(.*)', '/[a-z]+\\.php$']), scalar,
)
const pathTypes = fc.oneof(fc.constantFrom<unknown>('Exact', 'Prefix', 'ImplementationSpecific'), anything)
const ports = fc.oneof(
  fc.constantFrom<unknown>({ number: 80 }, { name: 'http' }), fc.record({ number: anything, name: anything }),
)
const backends: fc.Arbitrary<unknown> = fc.oneof(
  fc.constant(WEB),
  fc.record({ service: fc.record({ name: fc.oneof(fc.constant<unknown>('web'), anything), port: ports }) }),
  fc.record({ resource: anything }), scalar,
)
const pathEntry = fc.record({ path: paths, pathType: pathTypes, backend: backends }, { requiredKeys: ['path', 'backend'] })
const http = fc.oneof(fc.record({ paths: fc.array(pathEntry, { maxLength: 3 }) }), scalar)
const rule = fc.record({ host: hosts, http })
const tls = fc.array(
  fc.record({ hosts: fc.array(hosts, { maxLength: 3 }), secretName: fc.oneof(fc.constant<unknown>('keys'), anything) }),
  { maxLength: 2 },
)

/** An Ingress as it should be, but for its annotations. */
const annotated: fc.Arbitrary<object> = fc
  .tuple(annotations, fc.array(pathEntry, { minLength: 1, maxLength: 2 }))
  .map(([said, list]) => ({
    metadata: { annotations: said, creationTimestamp: CREATED },
    spec: { rules: [{ host: 'a.example.com', http: { paths: [ROOT_PATH, ...list] } }] },
  }))

const rules = fc.oneof(fc.array(rule, { maxLength: 3 }), scalar)
const misshapen: fc.Arbitrary<object> = fc.record(
  { annotations, rules, tls: fc.oneof(tls, scalar), defaultBackend: backends },
  { requiredKeys: ['annotations', 'rules'] },
).map(({ annotations: said, ...spec }) => ({ metadata: { annotations: said, creationTimestamp: CREATED }, spec }))

function ours(kind: KubeObject['kind'], name: string, rest: { readonly spec?: object }): KubeObject {
  return object(kind, STRANGER, name, { ...rest, spec: { ...rest.spec, ingressClassName: 'resty-ingress' } })
}

const ingresses = fc.oneof({ weight: 3, arbitrary: annotated }, misshapen).map((rest) => ours('Ingress', 'stranger', rest))

/** One text somewhere in a value becomes another. */
function withText(value: Json, text: string, at: number): Json {
  const count = { left: at }
  const replaced = (member: Json): Json => {
    if (typeof member === 'string') return (count.left -= 1) === -1 ? text : member
    if (Array.isArray(member)) return member.map(replaced)
    if (typeof member !== 'object' || member === null) return member
    return Object.fromEntries(Object.entries(member).map(([name, inner]) => [name, replaced(inner)]))
  }
  return replaced(value)
}

const goodSpec = fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...PROXY_SPECS) }, arbitraryOf(SPEC_SCHEMA))
const proxies = goodSpec.chain((spec) => fc.oneof(
  damaged(spec),
  fc.tuple(hostileText, fc.nat({ max: 60 })).map(([text, at]) => withText(spec, text, at)),
)).map((spec) => {
  const members = typeof spec === 'object' && spec !== null && !Array.isArray(spec) ? spec : {}
  const proxy = ours('Proxy', 'proxy', { metadata: { creationTimestamp: CREATED }, spec: members } as object)
  return { ...proxy, apiVersion: 'resty-ingress.io/v1alpha1' }
})

const confLine = fc.tuple(fc.constantFrom(...CONF_DIRECTIVES.keys()), fc.array(hostileText, { maxLength: 3 }))
  .map(([name, words]) => `${name} ${words.join(' ')};`)
const conf = fc.oneof(
  valueLike(examplesOf('conf')),
  fc.array(fc.oneof(confLine, hostileText), { minLength: 1, maxLength: 4 }).map((lines) => lines.join('\n')),
)
const servicePort = fc.record({ port: anything, name: anything, protocol: anything, targetPort: anything })
const serviceSpec: fc.Arbitrary<object> = fc.oneof(
  fc.constant({ ports: [{ name: 'http', port: 80 }] }),
  fc.record({ ports: fc.array(servicePort, { maxLength: 3 }) }),
  fc.record({
    type: fc.constantFrom('ExternalName', 'ClusterIP'), externalName: anything, clusterIP: anything, clusterIPs: anything,
    ports: fc.constant([{ port: 80 }]),
  }),
)
const services = fc
  .tuple(texts([...SERVICE_ANNOTATIONS, ...ANNOTATIONS], examplesOf, 4), fc.option(conf), serviceSpec)
  .map(([said, lines, spec]) => {
    const prefixed = said.map(([name, text]) => [`${OURS}/${name}`, text] as const)
    const written = Object.fromEntries(lines === null ? prefixed : [...prefixed, ['conf', lines] as const])
    return object('Service', STRANGER, 'web', { metadata: { annotations: written }, spec })
  })

const endpoint = fc.record({
  addresses: fc.array(anything, { maxLength: 3 }), conditions: anything, zone: anything, hints: anything,
})
const slices = fc.record({
  ports: fc.array(fc.record({ port: anything, name: anything, protocol: anything }), { maxLength: 2 }),
  endpoints: fc.oneof(scalar, fc.array(endpoint, { maxLength: 3 })),
  addressType: fc.oneof(fc.constantFrom<unknown>('IPv4', 'IPv6', 'FQDN'), anything),
}).map((rest) => object('EndpointSlice', STRANGER, 'web-1', {
  ...rest, metadata: { labels: { 'kubernetes.io/service-name': 'web' } },
}))

/** What Secrets and ConfigMaps hold for TLS, logins, headers. */
const DATA_NAMES = ['tls.crt', 'tls.key', 'ca.crt', 'ca.crl', 'auth', 'X-Header', 'Host', 'SCRIPT_FILENAME', '80', '9000'] as const
const PEM = ['-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n', '-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----']
const HTPASSWD = ['user:$apr1$abcdefgh$abcdefghijklmnopqrstuv', 'a:b:c', 'user:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=', 'user:$2y$05$x']
const values = valueLike([...PEM, ...HTPASSWD, 'prod/web:80', 'prod/web:80:PROXY:PROXY', '$remote_addr', 'no-store'])
const dataNames = fc.oneof({ weight: 4, arbitrary: fc.constantFrom<string>(...DATA_NAMES) }, hostileText)
const data = fc.dictionary(dataNames, values, { maxKeys: 4 })

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}

const secrets = fc.tuple(data, fc.boolean()).map(([entries, encoded]) => object('Secret', STRANGER, 'keys', {
  data: Object.fromEntries(Object.entries(entries).map(([name, text]) => [name, encoded ? base64(text) : text])),
}))
const headerMaps = data.map((entries) => object('ConfigMap', STRANGER, 'headers', { data: entries }))

/** Annotations that name other objects, and what they name. */
const REFERENCES = ['keys', 'headers', `${STRANGER}/keys`, `${STRANGER}/headers`, 'good/keys', '../keys', 'resty-ingress/resty-ingress']
const REFERRING = ANNOTATIONS.filter((name) => /secret|headers|configmap|auth/.test(name))
const referring = fc.tuple(annotations, texts(REFERRING, () => REFERENCES, 4)).map(([others, said]) => {
  const names = Object.fromEntries(said.map(([name, text]) => [`${THEIRS}/${name}`, text]))
  return ours('Ingress', 'referring', {
    metadata: { annotations: { ...others, ...names }, creationTimestamp: CREATED },
    spec: {
      tls: [{ hosts: ['b.example.com'], secretName: 'keys' }],
      rules: [{ host: 'b.example.com', http: { paths: [ROOT_PATH] } }],
    },
  } as object)
})

const [CONTROLLER_NAMESPACE = '', CONTROLLER_NAME = ''] = GOLDEN_OPTIONS.configMap.split('/')
/** The controller's own ConfigMap: of an administrator, who may write what is wrong. */
export const configMaps: fc.Arbitrary<KubeObject> = fc
  .tuple(texts(SETTINGS, settingExamples, 6), fc.dictionary(hostileText, hostileText, { maxKeys: 1 }))
  .map(([list, others]) => {
    const entries = { ...others, ...Object.fromEntries(list) }
    return object('ConfigMap', CONTROLLER_NAMESPACE, CONTROLLER_NAME, { data: entries })
  })

/** The ConfigMaps that its keys name, with headers. */
const NAMED = `${CONTROLLER_NAMESPACE}/named`
const naming = fc.tuple(configMaps, fc.constantFrom('add-headers', 'proxy-set-headers'), data)
  .map(([settings, key, entries]) => [
    { ...settings, data: { ...settings['data'] as object, [key]: NAMED } },
    object('ConfigMap', CONTROLLER_NAMESPACE, 'named', { data: entries }),
  ])

const fine = object('Service', STRANGER, 'web', { spec: { ports: [{ name: 'http', port: 80 }] } })

/** Objects of the namespace of strangers. */
export const strangers: fc.Arbitrary<readonly KubeObject[]> = fc.oneof(
  { weight: 5, arbitrary: ingresses.map((it) => [fine, it]) },
  { weight: 2, arbitrary: proxies.map((it) => [fine, it]) },
  { weight: 2, arbitrary: fc.tuple(services, slices, ingresses) },
  { weight: 2, arbitrary: fc.tuple(fc.constant(fine), secrets, headerMaps, referring) },
)

export interface Case {
  readonly strangers: readonly KubeObject[]
  /** Absent: the default settings. */
  readonly settings?: readonly KubeObject[]
}

export const cases: fc.Arbitrary<Case> = fc.oneof(
  { weight: 4, arbitrary: strangers.map((list) => ({ strangers: list })) },
  { weight: 1, arbitrary: fc.record({ strangers, settings: fc.oneof(configMaps.map((it) => [it]), naming) }) },
)
