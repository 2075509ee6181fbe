import { ANY_HOST } from '../ir/names.ts'
import { regularExpression } from '../ir/regex.ts'
import { hostTemplate, pathTemplate, type TemplatePart } from '../ir/template.ts'
import type { Json, PolicySet } from '../ir/types.ts'
import { defined } from '../util/field.ts'
import type { Policy, PolicyValue, RouteContext } from './common/policy.ts'
import { exclusive, group, pathMember, prefixMember, proxyField, textual } from './common/proxy-field.ts'
import { object, TEMPLATE_SCHEMA } from './common/schema.ts'

const MAX_TEXT = 256
const MAX_REGEX = 512

/** Names that ingress-nginx has for what is known of a route without a request. */
function resolved(part: TemplatePart, context: RouteContext): TemplatePart {
  if (!('var' in part)) return part
  const { host, namespace, backend } = context
  const known: Readonly<Record<string, string | undefined>> = {
    service_name: backend?.service ?? '',
    service_port: backend?.port ?? '',
    namespace,
    server_name: isName(host) ? host : undefined,
  }
  const text = known[part.var]
  if (text !== undefined) return { text }
  return part.var === 'server_name' ? { var: 'host' } : part
}

function isName(host: string): boolean {
  return host !== ANY_HOST && !host.startsWith('*')
}

function isTarget(target: Json, path: string): boolean {
  return JSON.stringify(target) === JSON.stringify([{ text: path }])
}

/** Whether `rewrite-target` makes a regular expression of a path: not of one that it would leave as it is. */
export function rewritesPath(policies: PolicySet, path: unknown): boolean {
  const { target } = (policies.rewrite ?? {}) as PolicyValue
  return target !== undefined && !isTarget(target, String(path ?? '/'))
}

/** A path that is no regular expression is the target itself, or that of a default backend. */
function byTarget({ target, forwarded_prefix: prefix }: PolicyValue, { path, pathType }: RouteContext): PolicyValue {
  if (target === undefined || pathType !== 'Regex' || isTarget(target, path)) return {}
  return defined<Json>({ path: target, forwarded_prefix: prefix })
}

function effect(value: PolicyValue, context: RouteContext): Json | undefined {
  const { path, prefix, regex, substitution } = value
  const host = (value.host as readonly TemplatePart[] | undefined)?.map((part) => resolved(part, context))
  const all = { ...byTarget(value, context), ...defined({ path, prefix, regex, substitution, host }) }
  return Object.keys(all).length === 0 ? undefined : (all as Json)
}

const proxyMembers = group(
  {
    description: 'What the backend sees of a request. The query stays.',
    rules: [
      exclusive('path', 'prefix', 'regex'),
      {
        cel: 'has(self.regex) == has(self.substitution)',
        message: 'regex and substitution need each other',
        holds: ({ regex, substitution }) => (regex === undefined) === (substitution === undefined),
      },
    ],
  },
  {
    path: pathMember('path', 'The whole path; $1 to $9 stand for what groups of a path of type Regex matched.'),
    prefix: prefixMember('prefix'),
    regex: textual('regex', regularExpression, {
      minLength: 1,
      maxLength: MAX_REGEX,
      description: 'A regular expression: the first that it finds in the path is replaced by substitution.',
    }),
    substitution: pathMember('substitution', 'What stands in place of what regex found; $1 to $9 stand for its groups.'),
    host: textual('host', hostTemplate, {
      minLength: 1,
      maxLength: MAX_TEXT,
      description: 'The Host header: a name with or without a port, or variables such as $host and $service_name.',
    }),
  },
)

/** The path and the Host that the backend sees. */
export const rewrite = {
  name: 'rewrite',
  fields: {
    target: {
      annotation: 'rewrite-target',
      parse: pathTemplate,
      about: 'The path that the backend sees, with $1 to $9 for groups of the path, which is a regular expression then: see below',
    },
    forwarded_prefix: {
      annotation: 'x-forwarded-prefix',
      parse: pathTemplate,
      about: 'X-Forwarded-Prefix for the backend, with `rewrite-target` only',
    },
    host: { annotation: 'upstream-vhost', parse: hostTemplate, about: 'The Host header that the backend sees' },
  },
  proxy: proxyField('rewrite', proxyMembers),
  ownHeaders: ({ host }) => (host === undefined ? [] : ['host']),
  runtime: {
    schema: {
      ...object(
        {},
        {
          path: TEMPLATE_SCHEMA,
          prefix: { type: 'string', pattern: '^/' },
          regex: { type: 'string', minLength: 1 },
          substitution: TEMPLATE_SCHEMA,
          forwarded_prefix: TEMPLATE_SCHEMA,
          host: TEMPLATE_SCHEMA,
        },
      ),
      minProperties: 1,
    },
    effect,
  },
} satisfies Policy
