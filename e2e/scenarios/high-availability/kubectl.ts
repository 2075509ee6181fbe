/** The commands of docs/high-availability.md, done by the lab: kubectl itself need not be there. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Lab } from '../../lab/lab.ts'
import { REPOSITORY } from '../../lab/tools.ts'
import { cordon, drain, labelNode } from './nodes.ts'
import { installOverlay } from './overlay.ts'

const PAGE = readFileSync(join(REPOSITORY, 'docs', 'high-availability.md'), 'utf8')

type Deed = (lab: Lab, operand: string) => Promise<void>

/** What stands before and behind the operand, and what it means. */
const COMMANDS: readonly (readonly [string, string, Deed])[] = [
  ['kubectl apply -k manifests/', '', installOverlay],
  ['kubectl label node ', ' node-role.kubernetes.io/ingress=', async (lab, node) => { await labelNode(lab, node) }],
  ['kubectl label node ', ' node-role.kubernetes.io/ingress-', async (lab, node) => { await labelNode(lab, node, false) }],
  ['kubectl drain ', ' --ignore-daemonsets --delete-emptydir-data', drain],
  ['kubectl uncordon ', '', async (lab, node) => { await cordon(lab, node, false) }],
]

/** Runs a command that the page has, with the name of a node where it says NODE. Throws when it has none such. */
export async function run(lab: Lab, command: string): Promise<void> {
  const line = `\n    ${command.replace(/\bnode-\d\b/, 'NODE')}\n`
  const known = COMMANDS.find(([before, behind]) => command.startsWith(before) && command.endsWith(behind))
  if (!PAGE.includes(line) || known === undefined) throw new Error(`the page has no command ${command}`)
  const [before, behind, deed] = known
  await deed(lab, command.slice(before.length, command.length - behind.length))
}
