/**
 * The schema of a Proxy: what the API server documents, checks and fills in, and what objects of a folder
 * are checked by. Every list is bounded: the API server allows rules of CEL only as much as they may cost.
 */
import type { Policy, ProxyField } from '../../policy/common/policy.ts'
import { POLICIES } from '../../policy/registry.ts'
import type { Schema } from '../../policy/common/schema.ts'
import { STREAM_BALANCE } from './stream-balance.ts'

export const MAX_HOSTS = 256
export const MAX_RULES = 256
export const MAX_STREAMS = 64
const MAX_BACKENDS = 16
const MAX_MATCHES = 16
const MAX_PATH = 2048
const MAX_WEIGHT = 1_000_000

const LABEL = '[a-z0-9]([a-z0-9-]*[a-z0-9])?'
const DNS_NAME = `${LABEL}(\\.${LABEL})*`
export const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'CONNECT']

function listOf(items: Schema, maxItems: number, description: string): Schema {
  return { type: 'array', description, maxItems, items }
}

function rule(rule: string, message: string): Schema {
  return { rule, message }
}

const service: Schema = {
  type: 'string', description: 'Name of the Service, of a-z, 0-9 and "-".', minLength: 1, maxLength: 63, pattern: `^${LABEL}$`,
}

const port: Schema = {
  description: 'Port of the Service: its number or its name.',
  anyOf: [{ type: 'integer' }, { type: 'string' }],
  'x-kubernetes-int-or-string': true,
  minimum: 1,
  maximum: 65_535,
  maxLength: 15,
  pattern: `^${LABEL}$`,
}

/** A Service port, in whatever takes requests or connections. */
export function backend(members: { readonly [name: string]: Schema }, description: string): Schema {
  const namespace = {
    type: 'string',
    description:
      "Namespace of the Service; the Proxy's own when not set. Another one must consent: the Service has the annotation " +
      'resty-ingress.io/allow-from with the name of the namespace of the Proxy, or "*".',
    minLength: 1,
    maxLength: 63,
    pattern: `^${LABEL}$`,
  }
  return { type: 'object', description, required: ['service', 'port'], properties: { service, port, namespace, ...members } }
}

const weighted = backend(
  {
    weight: {
      type: 'integer',
      format: 'int32',
      description: 'Share of the requests, out of the sum of all weights of the rule; 0: none.',
      minimum: 0,
      maximum: MAX_WEIGHT,
      default: 1,
    },
  },
  'A Service port that takes a share of the requests.',
)

const path: Schema = {
  type: 'object',
  description: 'The path that requests must have; every path when not set.',
  required: ['value'],
  default: { type: 'Prefix', value: '/' },
  properties: {
    type: {
      type: 'string',
      description:
        'Exact: the path as it stands. Prefix: the path and everything below it, element by element. ' +
        'Regex: a regular expression that matches from the beginning of the path on, in any case of letters.',
      enum: ['Exact', 'Prefix', 'Regex'],
      default: 'Prefix',
    },
    value: {
      type: 'string',
      description: 'A path that begins with "/". That of a request is compared decoded and without its query.',
      minLength: 1,
      maxLength: MAX_PATH,
      pattern: '^/[^\\x00-\\x1f\\x7f]*$',
    },
  },
}

function predicate(what: string, pattern: string): Schema {
  const long = { type: 'string', minLength: 1, maxLength: 256 }
  return {
    type: 'object',
    description: `A ${what} that requests must have: with this value, with one that the pattern finds, or any.`,
    required: ['name'],
    properties: {
      name: { type: 'string', description: `Name of the ${what}.`, minLength: 1, maxLength: 128, pattern },
      value: { ...long, description: 'The whole value.', pattern: '^[ -~]+$' },
      pattern: { ...long, description: 'A regular expression that is found in the value.' },
    },
    'x-kubernetes-validations': [rule('!has(self.value) || !has(self.pattern)', 'set either value or pattern')],
  }
}

/** What selects requests and where they go; policies come beside it. */
export const RULE: Readonly<Record<string, Schema>> = {
  name: {
    type: 'string', description: 'For people and messages; without effect.', minLength: 1, maxLength: 63, pattern: `^${LABEL}$`,
  },
  path,
  methods: listOf(
    { type: 'string', enum: METHODS }, METHODS.length, 'Methods that requests may have, such as GET; any when not set.',
  ),
  headers: listOf(
    predicate('header', '^[A-Za-z0-9_-]+$'), MAX_MATCHES, 'Headers that requests must have; all of them.',
  ),
  query: listOf(
    predicate('query parameter', '^[A-Za-z0-9_.~-]+$'), MAX_MATCHES, 'Query parameters that requests must have; all of them.',
  ),
  backends: listOf(weighted, MAX_BACKENDS, 'Where requests go, shared out by weight.'),
}

/** A policy that a Proxy can spell. */
export type Spelled = Policy & { readonly proxy: ProxyField }

function spelled(whole: true | undefined): ReadonlyMap<string, Spelled> {
  const all: readonly Policy[] = POLICIES
  const found = all.filter((it): it is Spelled => it.proxy !== undefined && it.proxy.whole === whole)
  return new Map(found.map((policy) => [policy.proxy.name, policy]))
}

/** Members of a rule that are policies, by name. */
export const RULE_POLICIES = spelled(undefined)
/** Members of `spec` that are. */
export const SPEC_POLICIES = spelled(true)

function schemasOf(policies: ReadonlyMap<string, Spelled>): Readonly<Record<string, Schema>> {
  return Object.fromEntries([...policies].map(([name, { proxy }]) => [name, proxy.schema]))
}

/** Members of a rule that answer by themselves, where no backend is needed. */
export const ANSWERS = ['redirect', 'directResponse'].filter((name) => RULE_POLICIES.has(name))

export const NEEDED = `a rule needs ${['backends', ...ANSWERS].join(' or ')}`

const RULE_SCHEMA: Schema = {
  type: 'object',
  description: 'One way through: what requests it is for, where they go, and what is done to them.',
  properties: { ...RULE, ...schemasOf(RULE_POLICIES) },
  'x-kubernetes-validations': [
    rule(
      ['has(self.backends) && self.backends.size() > 0', ...ANSWERS.map((name) => `has(self.${name})`)].join(' || '),
      NEEDED,
    ),
  ],
}

export const HOST: Schema = {
  type: 'string',
  description: 'A DNS name in lower case; "*." and a DNS name for everything one label below it; "*" for every host.',
  minLength: 1,
  maxLength: 253,
  pattern: `^(\\*|(\\*\\.)?${DNS_NAME})$`,
}

const TLS_HOST: Schema = { type: 'string', minLength: 1, maxLength: 253, pattern: `^(\\*\\.)?${DNS_NAME}$` }

export const TLS: Schema = {
  type: 'object',
  description: 'A certificate, and the hosts that it is for.',
  properties: {
    secretName: {
      type: 'string',
      description: "A Secret of type kubernetes.io/tls in the Proxy's namespace; the default certificate when not set.",
      minLength: 1,
      maxLength: 253,
      pattern: `^${DNS_NAME}$`,
    },
    hosts: listOf(TLS_HOST, MAX_HOSTS, 'Hosts that it is for; without any, those of spec.hosts that the certificate covers.'),
  },
}

const listenPort: Schema = {
  type: 'integer', format: 'int32', description: 'Port of the controller; the oldest object that asks for it has it.', minimum: 1, maximum: 65_535,
}

const proxyProtocol: Schema = {
  type: 'object',
  description: 'PROXY protocol, which tells the address of the client.',
  properties: {
    accept: { type: 'boolean', description: 'Clients begin with its header; connections without it are closed.' },
    send: { type: 'boolean', description: 'Connections to the backend begin with its header.' },
  },
}

export const TCP: Schema = {
  type: 'object',
  description: 'A port whose connections go to a Service port.',
  required: ['port', 'backend'],
  properties: {
    port: listenPort,
    backend: backend({}, 'The Service port that takes them.'),
    proxyProtocol,
    loadBalance: STREAM_BALANCE,
  },
}

export const UDP: Schema = {
  type: 'object',
  description: 'A port whose datagrams go to a Service port.',
  required: ['port', 'backend'],
  properties: {
    port: listenPort,
    backend: backend({}, 'The Service port that takes them.'),
    loadBalance: STREAM_BALANCE,
  },
}

function byPort(items: Schema, description: string): Schema {
  return {
    ...listOf(items, MAX_STREAMS, description),
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['port'],
  }
}

const POLICIES_SCHEMA: Schema = {
  type: 'object',
  description: 'What holds for all rules. What a rule says itself decides over it, member by member.',
  properties: schemasOf(RULE_POLICIES),
}

export const SPEC_SCHEMA: Schema = {
  type: 'object',
  description: 'Hosts, and what happens to requests for them; ports, and where their connections go.',
  properties: {
    ingressClassName: {
      type: 'string',
      description: 'Name of the IngressClass whose controller serves the Proxy, as in an Ingress.',
      minLength: 1,
      maxLength: 253,
      pattern: `^${DNS_NAME}$`,
    },
    hosts: { ...listOf(HOST, MAX_HOSTS, 'Hosts that the rules are for.'), 'x-kubernetes-list-type': 'set' },
    tls: listOf(TLS, MAX_HOSTS, 'Certificates. A host that an entry names is served over TLS.'),
    rules: listOf(
      RULE_SCHEMA, MAX_RULES, 'Of the rules that a request fits, the one with the longest path decides, then that with more conditions.',
    ),
    policies: POLICIES_SCHEMA,
    ...schemasOf(SPEC_POLICIES),
    tcp: byPort(TCP, 'Ports for TCP, whatever the hosts.'),
    udp: byPort(UDP, 'Ports for UDP, whatever the hosts.'),
  },
  'x-kubernetes-validations': [
    rule(
      '!has(self.rules) || self.rules.size() == 0 || (has(self.hosts) && self.hosts.size() > 0)',
      'rules need hosts; "*" is every host',
    ),
    rule(
      '!has(self.canary) || !has(self.rules) || self.rules.all(one, has(one.backends) && one.backends.size() == 1)',
      'each rule of a canary has one backend',
    ),
  ],
}
