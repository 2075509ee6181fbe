/** Runs the commands that look into a controller: asks its admin API, or a folder of `translate`, and prints. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { RecordView, StatusView } from '../api/inspection.ts'
import type { DataRecord, RecordKey } from '../dynamic/records.ts'
import { explain, type Explanation, type RouteNotes } from '../explain/explain.ts'
import { printExplanation } from '../explain/print.ts'
import { readRequest } from '../explain/request.ts'
import { DEFAULT_LISTENER } from '../ir/names.ts'
import type { Finding } from '../ir/origin.ts'
import type { Inspect } from '../options/inspect.ts'
import { StartError, UsageError } from '../options/options.ts'
import { printStatus, type StatusReport } from './status.ts'

/** Nothing that is asked here takes long, but all records of a large cluster are many. */
const TIMEOUT_MS = 30_000

/** The text to print. Throws UsageError or StartError, each a sentence for the person who asked. */
export async function inspect(command: Inspect): Promise<string> {
  switch (command.name) {
    case 'config':
      return ask(command.port, '/v1/config')
    case 'records':
      return inspectRecords(command)
    case 'status':
      return inspectStatus(command)
    case 'explain':
      return inspectRequest(command)
  }
}

type Of<Name extends Inspect['name']> = Extract<Inspect, { name: Name }>

async function inspectRecords({ port, prefix }: Of<'records'>): Promise<string> {
  const path = `/v1/records?${new URLSearchParams({ prefix })}`
  const { records } = await askJson<{ readonly records: readonly RecordView[] }>(port, path)
  if (records.length === 0) throw new StartError(`no record has a key that begins with ${JSON.stringify(prefix)}`)
  return records.map((view) => `${JSON.stringify(view)}\n`).join('')
}

async function inspectStatus({ port, output }: Of<'status'>): Promise<string> {
  const status = await askJson<StatusView>(port, '/v1/status')
  const { routes } = await askJson<Pick<StatusReport, 'routes'>>(port, '/v1/routes')
  const streams = await askJson<StatusReport['streams']>(port, '/v1/streams')
  const { findings } = await askJson<Pick<StatusReport, 'findings'>>(port, '/v1/findings')
  if (output === 'json') return `${JSON.stringify({ ...status, routes, streams, findings }, null, 2)}\n`
  return printStatus({ status, routes, streams, findings })
}

async function inspectRequest(command: Of<'explain'>): Promise<string> {
  const { url, method, headers, output, translation, port } = command
  const request = readRequest(url, method, headers)
  if (typeof request === 'string') throw new UsageError(request)
  const query = new URLSearchParams({ url, method })
  for (const header of headers) query.append('header', header)
  const explanation = translation === undefined
    ? await askJson<Explanation>(port, `/v1/explain?${query}`)
    : explain(request, await readTranslation(translation))
  return output === 'json' ? `${JSON.stringify(explanation, null, 2)}\n` : printExplanation(explanation)
}

type Translated = Parameters<typeof explain>[1]

async function readTranslation(folder: string): Promise<Translated> {
  const read = async (file: string): Promise<unknown> => JSON.parse(await readFile(join(folder, file), 'utf8'))
  try {
    const records = (await read('records.json')) as Readonly<Record<RecordKey, DataRecord>>
    const notes = (await read('notes.json')) as Readonly<Record<RecordKey, readonly RouteNotes[]>>
    const findings = (await read('findings.json')) as readonly Finding[]
    const notesOf = (host: string): readonly RouteNotes[] => notes[`host/${DEFAULT_LISTENER}/${host}`] ?? []
    return { records: new Map(Object.entries(records)), notes: notesOf, findings }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new UsageError(`${folder} is no folder that \`translate\` wrote: ${reason}`)
  }
}

async function askJson<T>(port: number, path: string): Promise<T> {
  return JSON.parse(await ask(port, path)) as T
}

async function ask(port: number, path: string): Promise<string> {
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, { signal: AbortSignal.timeout(TIMEOUT_MS) }).catch(() => {
    throw new StartError(`no controller answers on port ${port} of this machine; say --healthz-port as the controller has it`)
  })
  const text = await answer.text()
  if (answer.ok) return text
  throw new StartError(messageOf(text) ?? `the controller answered ${answer.status} to ${path}`)
}

function messageOf(text: string): string | undefined {
  try {
    return (JSON.parse(text) as { message?: string }).message
  } catch {
    return undefined
  }
}
