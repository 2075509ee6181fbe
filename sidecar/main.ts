#!/usr/bin/env node
/** Entry point: the wiring of the whole program on one screen. */
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { pino, type Logger } from 'pino'
import { flagNotice } from './compat/flags.ts'
import { printable, reportText } from './explain/print.ts'
import { readManifests } from './files/folder.ts'
import { inspect } from './inspect/inspect.ts'
import { parseCommand, StartError, UsageError, type Command, type Options } from './options/options.ts'
import { listenersOf, pipelineOptions } from './options/pipeline.ts'
import { leftOutText } from './pipeline/left-out.ts'
import { runController, type Running } from './run.ts'
import { translate, writeTranslation } from './translate.ts'

const VERSION = (JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }).version

/** Exit codes: 0 done, 1 could not run, 2 wrong usage or unreadable input. */
async function main(args: readonly string[]): Promise<number> {
  try {
    const command = await parseCommand(args, VERSION)
    if (command === undefined) return 0
    return await execute(command)
  } catch (error) {
    if (error instanceof UsageError) return complain(`${error.message}\nSee resty-ingress --help`, 2)
    if (error instanceof StartError) return complain(error.message, 1)
    throw error
  }
}

async function execute(command: Command): Promise<number> {
  switch (command.name) {
    case 'run':
      return run(command.options)
    case 'translate':
      return runTranslate(command)
    case 'inspect':
      process.stdout.write(await inspect(command.inspect))
      return 0
  }
}

function complain(message: string, code: number): number {
  process.stderr.write(`resty-ingress: ${message}\n`)
  return code
}

async function run(options: Options): Promise<number> {
  const log = pino({ level: options['log-level'], base: null })
  for (const flag of options.ignored) log.warn({ flag }, flagNotice(flag))
  // From now on: process 1 of a container is not ended by a signal that it does not handle.
  const stop = nextSignal()
  const controller = await runController(options, log, VERSION)
  const signal = await stop
  if (signal === 'SIGTERM') await graceful(controller, options['shutdown-grace-period'], log)
  log.info({ signal }, 'stopping; OpenResty goes on with what it has')
  await controller.close()
  return 0
}

/** Traffic still comes for a while, so endpoints are followed; a second signal does not wait. */
async function graceful(controller: Running, seconds: number, log: Logger): Promise<void> {
  controller.leave()
  log.info({ seconds }, 'not ready any more; going on until load balancers have left')
  const over = new AbortController()
  await Promise.race([sleep(seconds * 1000, undefined, { signal: over.signal }), nextSignal()])
  over.abort()
}

async function nextSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    process.once('SIGTERM', resolve)
    process.once('SIGINT', resolve)
  })
}

async function runTranslate({ input, output, options }: Extract<Command, { name: 'translate' }>): Promise<number> {
  try {
    const { objects, findings } = await readManifests(input)
    const translation = translate({
      objects,
      options: pipelineOptions({ ...options, manifests: input }),
      listeners: listenersOf(options),
    })
    const all = [...findings, ...translation.findings]
    for (const flag of options.ignored) process.stdout.write(`warning: ${flagNotice(flag)}\n`)
    await writeTranslation({ ...translation, findings: all }, output)
    for (const finding of all) process.stdout.write(`${printable(reportText(finding))}\n`)
    if (translation.leftOut > 0) process.stdout.write(`${leftOutText(translation.leftOut)}\n`)
    process.stdout.write(`${Object.keys(translation.records).length} records, ${all.length} findings: see ${output}\n`)
    return findings.some(({ origin, severity }) => origin.kind === 'File' && severity === 'error') ? 2 : 0
  } catch (error) {
    if (error instanceof Error && 'code' in error) return complain(`cannot translate ${input}: ${error.message}`, 2)
    throw error
  }
}

process.exitCode = await main(process.argv.slice(2))
