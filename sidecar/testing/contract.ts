/**
 * The record contract as a JSON Schema: what docs/control-api.md says in words, for all records by key.
 * Stricter than what Lua accepts: this is what we send, no more.
 */
import assert from 'node:assert/strict'
import { Ajv } from 'ajv'
import { access } from '../policy/access.ts'
import { blocks } from '../policy/blocks.ts'
import { bodySize } from '../policy/body-size.ts'
import { clientCertificate } from '../policy/client-certificate.ts'
import { externalAuth } from '../policy/external-auth.ts'
import { headerSpellings } from '../policy/header-spellings.ts'
import { loadBalance } from '../policy/load-balance.ts'
import { ARM_POLICIES, POLICIES } from '../policy/registry.ts'
import { retries } from '../policy/retries.ts'
import { object, TEMPLATE_SCHEMA, type Schema } from '../policy/common/schema.ts'
import { timeouts } from '../policy/timeouts.ts'

const DNS_NAME = '[a-z0-9]([a-z0-9.-]*[a-z0-9])?'
const PORT = '[a-z0-9-]{1,15}'
const BACKEND_KEY = `^backend/${DNS_NAME}/(${DNS_NAME}/${PORT}(@udp|@service|@name)?|[0-9a-f:]+/[0-9]{1,5}@name)$`
const CERTIFICATE_KEY = `^certificate/(default|${DNS_NAME}/${DNS_NAME})$`
const AUTHORITY_KEY = `^authority/${DNS_NAME}/${DNS_NAME}$`
const HTPASSWD_KEY = `^htpasswd/${DNS_NAME}/${DNS_NAME}(@map)?$`
const STREAM_KEY = String.raw`^(stream/(tcp|udp)/[1-9][0-9]{0,4}|passthrough/(\*\.)?${DNS_NAME})$`
const HOST_KEY = String.raw`^host/[a-z]+/((\*\.)?${DNS_NAME}|_)$`

const text: Schema = { type: 'string' }
const digest: Schema = { type: 'string', minLength: 1, maxLength: 128 }
const wholeNumber: Schema = { type: 'integer', minimum: 0 }

/** Shapes of what acts per request, by policy. */
const shapes = new Map(POLICIES.flatMap(({ name, runtime }) => (runtime === undefined ? [] : [[name, runtime.schema]])))

const className: Schema = { type: 'string', pattern: '^c[0-9a-f]{32}$' }
const origin = object({ kind: text, namespace: text, name: text, service: text, port: text })
const backendKey: Schema = { type: 'string', pattern: BACKEND_KEY }

/** One destination that takes a share of the requests of a route. */
const canary = object(
  {
    backend: backendKey,
    weight: wholeNumber,
    policies: object({}, Object.fromEntries(ARM_POLICIES.map(({ name }) => [name, shapes.get(name) ?? {}]))),
    origin,
  },
  { header: object({ name: { type: 'string', pattern: '^[a-z0-9_-]+$' } }, { value: text, pattern: text }), cookie: text },
)

const MATCHED = { value: text, pattern: text }
const match: Schema = {
  ...object(
    {},
    {
      methods: { type: 'array', items: { type: 'string', pattern: '^[A-Z][A-Z-]*$' }, minItems: 1 },
      headers: { ...listOf(object({ name: { type: 'string', pattern: '^[a-z0-9_-]+$' } }, MATCHED)), minItems: 1 },
      query: { ...listOf(object({ name: { type: 'string', minLength: 1 } }, MATCHED)), minItems: 1 },
    },
  ),
  minProperties: 1,
}

const route = object(
  {
    path: text,
    pathType: { enum: ['Exact', 'Prefix', 'Regex'] },
    backends: listOf(object({ backend: backendKey, weight: wholeNumber })),
    policies: object({}, Object.fromEntries(shapes)),
    origin,
  },
  {
    match,
    default_backend: backendKey,
    class: className,
    closed: text,
    canaries: listOf(canary),
    canary: object({ total: wholeNumber, sticky: { type: 'boolean' } }, { key: TEMPLATE_SCHEMA }),
  },
)

const certificateKey: Schema = { type: 'string', pattern: CERTIFICATE_KEY }
const cipherNames = { type: 'string', pattern: '^[A-Za-z0-9_.:@+!-]+$' }
const ciphers = { ...object({}, { list: cipherNames, prefer_server: { type: 'boolean' } }), minProperties: 1 }
const host = object(
  { digest, routes: listOf(route) },
  {
    certificate: certificateKey,
    alternatives: { type: 'array', items: certificateKey, minItems: 1, maxItems: 3 },
    ciphers,
    client_certificate: clientCertificate.runtime.schema,
    closed: text,
  },
)

const endpoint: Schema = {
  type: 'array',
  items: [
    { type: 'string', pattern: '^[0-9a-f.:]+$' },
    { type: 'integer', minimum: 1, maximum: 65_535 },
    { ...object({}, { draining: { const: true }, priority: { const: 1 } }), minProperties: 1 },
  ],
  minItems: 2,
  maxItems: 3,
  additionalItems: false,
}

const count: Schema = { type: 'integer', minimum: 1 }

const healthCheck = object(
  { path: { type: 'string', pattern: '^/[!-~]*$' }, interval: count, timeout: count, healthy: count, unhealthy: count },
  {
    host: { type: 'string', pattern: '^[a-z0-9.-]+$' },
    port: { type: 'integer', minimum: 1, maximum: 65_535 },
    statuses: listOf({ type: 'array', items: { type: 'integer', minimum: 100, maximum: 599 }, minItems: 2, maxItems: 2 }),
    tls: object({}, { name: { type: 'string', pattern: `^${DNS_NAME}$` }, identity: certificateKey, handshake: { const: true } }),
  },
)

const ejection = object({
  failures: wholeNumber,
  time: count,
  max_time: count,
  max_percent: { type: 'integer', minimum: 0, maximum: 100 },
  server_errors: { type: 'boolean' },
})
const retryBudget = object({ percent: { type: 'integer', minimum: 0, maximum: 100 }, min_per_second: wholeNumber })

/** What holds for routes without a policy of that name. */
const setting = object(
  {
    digest,
    retries: retries.runtime.schema,
    timeouts: timeouts.runtime.schema,
    body_size: bodySize.runtime.schema,
  },
  {
    load_balance: loadBalance.runtime.schema,
    reject_handshake: { const: true },
    retry_budget: retryBudget,
    questions: count,
    ejection,
    default_backend: backendKey,
    access: access.runtime.schema,
    blocks: blocks.runtime.schema,
    header_spellings: headerSpellings.runtime.schema,
    unrouted: object({ policies: object({}, { external_auth: externalAuth.runtime.schema }) }, { class: className }),
  },
)

const backend = object(
  { digest, endpoints: listOf(endpoint) },
  { salt: { type: 'string', pattern: '^[0-9a-f]{16}$' }, health_check: healthCheck },
)

/** Records by kind; certificates are their own matter. */
export const RECORD_SCHEMAS = { host, backend, setting }

/** A port of layer 4, or a name whose TLS is passed through. */
const stream = object({ digest, backend: backendKey }, { load_balance: loadBalance.runtime.schema })

export const STREAM_SCHEMAS = { stream, backend, setting }

/** All records, by key. */
const records: Schema = {
  type: 'object',
  patternProperties: {
    [HOST_KEY]: host,
    [BACKEND_KEY]: backend,
    [CERTIFICATE_KEY]: object({ digest, chain: { type: 'string', pattern: '^-----BEGIN' }, key: text }),
    [AUTHORITY_KEY]: object({ digest, certificates: { type: 'string', pattern: '^-----BEGIN' } }),
    [HTPASSWD_KEY]: object({ digest, users: { anyOf: [text, { type: 'object', minProperties: 1, additionalProperties: text }] } }),
    '^setting/global$': setting,
    [STREAM_KEY]: stream,
  },
  additionalProperties: false,
}

function listOf(items: Schema): Schema {
  return { type: 'array', items }
}

// An endpoint may leave its third item out.
const ajv = new Ajv({ allErrors: true, strictTuples: false })
const isValid = ajv.compile(records)

/** Fails with the path of each member that the contract does not allow. */
export function assertContract(recordsByKey: object): void {
  assert.ok(isValid(recordsByKey), `the records break the contract: ${ajv.errorsText(isValid.errors)}`)
}
