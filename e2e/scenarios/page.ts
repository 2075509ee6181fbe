/** A page of docs/ as a person follows it: manifests applied, commands run by a shell, answers compared. */

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runCommand } from '../lab/command.ts'
import type { Lab } from '../lab/lab.ts'
import { REPOSITORY } from '../lab/tools.ts'

export interface Block {
  readonly language: string
  readonly text: string
}

/** The blocks of `yaml` and `sh`, in order. Throws when there are none: then the page is written otherwise. */
export async function readPage(name: string): Promise<readonly Block[]> {
  const page = await readFile(join(REPOSITORY, 'docs', name), 'utf8')
  const blocks = [...page.matchAll(/^```(yaml|sh)\n([^]*?)^```$/gm)].map(([, language = '', text = '']) => ({ language, text }))
  if (blocks.length === 0) throw new Error(`docs/${name} has no blocks of yaml or sh`)
  return blocks
}

const COMMAND = /^ {4}kubectl -n resty-ingress exec deploy\/resty-ingress -c sidecar -- resty-ingress (.+)$/gm

/** What `kubectl exec` would run in the container of the sidecar: the arguments of each command of a page. */
export async function readCommands(name: string): Promise<readonly (readonly string[])[]> {
  const page = await readFile(join(REPOSITORY, 'docs', name), 'utf8')
  const commands = [...page.matchAll(COMMAND)].map(([, text = '']) => text.split(' '))
  if (commands.length === 0) throw new Error(`docs/${name} has no command of the sidecar`)
  return commands
}

/**
 * Runs each line of a block until it prints what stands behind its `#`: that text, or the answer of a pod whose
 * name begins so. Objects need a moment from the API server to NGINX. `cwd`: where files are that the lines name.
 */
export async function follow(lab: Lab, { text }: Block, address: string, cwd = process.cwd()): Promise<void> {
  for (const line of text.trim().split('\n')) {
    const expected = / # (.+)$/.exec(line)?.[1]?.trim() ?? ''
    await lab.waitFor(`${expected} from: ${line}`, async () => isAnswer(await shell(line, address, cwd).catch(String), expected))
  }
}

async function shell(line: string, address: string, cwd: string): Promise<string> {
  return await runCommand(['sh', '-c', line], { cwd, env: { ...process.env, ADDRESS: address } })
}

function isAnswer(printed: string, expected: string): boolean {
  if (printed.trim() === expected) return true
  return printed.startsWith('{') && (JSON.parse(printed) as { pod?: string }).pod?.startsWith(`${expected}-`) === true
}
