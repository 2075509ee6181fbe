/** What runs, for people: requests explained, the configuration, the records, the state of both containers. */
import type { FastifyInstance, FastifyReply } from 'fastify'
import type { DataRecord, RecordKey } from '../dynamic/records.ts'
import { withoutSecrets } from '../dynamic/redaction.ts'
import type { Explanation } from '../explain/explain.ts'
import { readRequest, type ExplainRequest } from '../explain/request.ts'
import { compareText } from '../util/canonical.ts'

export interface RecordView {
  readonly key: RecordKey
  /** OpenResty has exactly this one. */
  readonly applied: boolean
  readonly record: DataRecord
}

export interface StatusView {
  readonly version: string
  readonly ready: boolean
  /** Why it is not ready. */
  readonly reasons: readonly string[]
  readonly records: number
  readonly findings: number
  /** Ingresses and Proxies whose class or namespace is not ours. */
  readonly leftOut?: number
  /** What OpenResty says of itself (docs/control-api.md, "Status"); absent while it cannot be reached. */
  readonly openresty?: Readonly<Record<string, unknown>>
}

export interface InspectionViews {
  records(): ReadonlyMap<RecordKey, DataRecord>
  isApplied(key: RecordKey): boolean
  explain(request: ExplainRequest): Promise<Explanation>
  /** The nginx.conf that runs. Rejects while OpenResty cannot be reached. */
  config(): Promise<string>
  status(): Promise<StatusView>
}

interface ExplainQuery {
  readonly url?: unknown
  readonly method?: unknown
  readonly header?: unknown
}

/** Adds `/explain`, `/config`, `/records` and `/status`. */
export function addInspection(scope: FastifyInstance, views: InspectionViews): void {
  scope.get<{ Querystring: ExplainQuery }>('/explain', async ({ query }, reply) => {
    const request = requestOf(query)
    return typeof request === 'string' ? reply.code(400).send({ message: request }) : views.explain(request)
  })
  scope.get('/config', async (_request, reply) => sendConfig(views, reply))
  scope.get<{ Querystring: { prefix?: unknown } }>('/records', async ({ query }) => ({
    records: recordViews(views, typeof query.prefix === 'string' ? query.prefix : ''),
  }))
  scope.get('/status', async () => views.status())
}

/** `header` may come several times. */
function requestOf({ url, method = 'GET', header = [] }: ExplainQuery): ExplainRequest | string {
  if (typeof url !== 'string') return 'say which URL: /v1/explain?url=http://test.domain.com/web/v1'
  return readRequest(url, String(method), [header].flat().map(String))
}

async function sendConfig(views: InspectionViews, reply: FastifyReply): Promise<FastifyReply> {
  const text = await views.config().catch(() => undefined)
  if (text === undefined) return reply.code(503).send({ message: 'OpenResty cannot be reached' })
  return reply.type('text/plain; charset=utf-8').send(text)
}

function recordViews(views: InspectionViews, prefix: string): RecordView[] {
  return [...views.records()]
    .filter(([key]) => key.startsWith(prefix))
    .sort(([left], [right]) => compareText(left, right))
    .map(([key, record]) => ({ key, applied: views.isApplied(key), record: withoutSecrets(record) }))
}
