/** A service for external authentication that does what the cookie of the client says, and a backend that echoes. */
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import type { TestContext } from 'node:test'
import type { KubeObject } from '../../../sidecar/collection/objects.ts'
import type { PipelineOptions } from '../../../sidecar/pipeline/pipeline.ts'
import { backend, type Backend, type Handler } from './backends.ts'
import type { Reply } from './client.ts'
import type { Variant } from './harness.ts'
import { ingress, service, site, type Site } from './manifests.ts'

const PREFIX = 'nginx.ingress.kubernetes.io'

type Texts = Readonly<Record<string, string>>

export interface Question {
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface Scene extends Site {
  readonly web: Backend
  readonly auth: Backend
  readonly questions: Question[]
  /** Ends the questions that wait. */
  release(): void
}

/** What the cookie of the client asks the service to answer. */
const ANSWERS: Readonly<Record<string, (response: ServerResponse) => void>> = {
  good: (it) => it.writeHead(200, { 'X-User': 'alice', 'X-Groups': ['a', 'b'], 'Set-Cookie': ['seen=1', 'again=2'] }).end('welcome'),
  nameless: (it) => it.writeHead(204).end(),
  cacheable: (it) => it.writeHead(200, { 'X-User': 'carol' }).end(),
  private: (it) => it.writeHead(200, { 'X-User': 'dave', 'Cache-Control': 'private' }).end(),
  forbidden: (it) => it.writeHead(403, { 'Set-Cookie': 'seen=1' }).end('page of the service'),
  redirect: (it) => it.writeHead(302, { Location: 'https://evil.example/' }).end(),
  broken: (it) => it.writeHead(500).end('broken'),
  reset: (it) => it.destroy(),
}

async function text(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

/** Says what it was asked for. */
const echo: Handler = (request, response) => {
  void text(request).then((body) => {
    response.writeHead(Number(new URL(request.url ?? '/', 'http://x').searchParams.get('status') ?? 200), { 'Set-Cookie': 'app=1' })
    response.end(JSON.stringify({ method: request.method, url: request.url, headers: request.headersDistinct, body }))
  })
}

export async function begin(t: TestContext, variant: Variant, flags: Partial<PipelineOptions> = {}): Promise<Scene> {
  const questions: Question[] = []
  const waiting: (() => void)[] = []
  const answer: Handler = (request, response) => {
    void text(request).then((body) => {
      questions.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers, body })
      const session = /session=(\w+)/.exec(request.headers.cookie ?? '')?.[1] ?? ''
      if (session === 'slow') waiting.push(() => response.writeHead(200).end())
      else if (ANSWERS[session] !== undefined) ANSWERS[session](response)
      else response.writeHead(401, { 'WWW-Authenticate': 'Bearer realm="x"', 'Set-Cookie': 'state=1' }).end('who?')
    })
  }
  const web = await backend(t, 'web', echo)
  const auth = await backend(t, 'auth', answer)
  const release = (): void => waiting.splice(0).forEach((it) => it())
  return { ...await site(t, variant, flags), web, auth, questions, release }
}

export function annotated(annotations: Readonly<Record<string, string>>): { annotations: Record<string, string> } {
  return { annotations: Object.fromEntries(Object.entries(annotations).map(([name, value]) => [`${PREFIX}/${name}`, value])) }
}

export function settings(data: Readonly<Record<string, string>>): KubeObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace: 'resty-ingress', name: 'resty-ingress' }, data } as KubeObject
}

/** An Ingress of that name and path, whose backend is the echo. */
export function route(it: Scene, name: string, annotations: Texts, paths = [`/${name}`]): KubeObject[] {
  return [...service(name, {}, it.web), ingress(name, annotated(annotations), paths)]
}

export function as(session: string, headers: Texts = {}): { headers: Record<string, string> } {
  return { headers: { cookie: `session=${session}`, ...headers } }
}

export interface Seen {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, readonly string[]>>
  readonly body: string
}

export function seen({ text: body }: Reply): Seen {
  return JSON.parse(body) as Seen
}

export function configMap(name: string, data: Readonly<Record<string, string>>): KubeObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace: 'prod', name }, data } as KubeObject
}

/** The same Ingress for another host. */
export function onHost(host: string, object: KubeObject): KubeObject {
  const { spec, metadata } = object as KubeObject & { readonly spec: { readonly rules: readonly object[] } }
  const rules = spec.rules.map((rule) => ({ ...rule, host }))
  return { ...object, metadata: { ...metadata, name: host }, spec: { ...spec, rules } } as KubeObject
}
