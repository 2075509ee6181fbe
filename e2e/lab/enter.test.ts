import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { eventually } from './wait.ts'

const FIXTURE = fileURLToPath(new URL('kept-lab.ts', import.meta.url))

/** A lab with pods in it, started by a shell so that this process is not its parent. */
async function startFixture(): Promise<{ shell: ChildProcess, network: string }> {
  const shell = spawn('sh', ['-c', '"$@"; true', 'sh', process.execPath, FIXTURE], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [network] = await once(shell.stdout ?? process.stdin, 'data') as [Buffer]
  return { shell, network: network.toString().trim() }
}

/** All processes in a network namespace, as this process sees them. */
function processesIn(network: string): string[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).filter((pid) => {
    try {
      return readlinkSync(`/proc/${pid}/ns/net`) === network
    } catch {
      return false
    }
  })
}

/** The first process of a lab: its parent is outside. */
function firstOf(network: string): number {
  const all = processesIn(network)
  const first = all.find((pid) => {
    const parent = parentOf(pid)
    return parent !== undefined && !all.includes(parent)
  })
  return Number(first ?? assert.fail('the lab has no process'))
}

/** undefined: the process has ended meanwhile. */
function parentOf(pid: string): string | undefined {
  try {
    return /^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  } catch {
    return undefined
  }
}

for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
  test(`nothing is left when the parent of a lab ends by ${signal}`, async () => {
    const { shell, network } = await startFixture()
    assert.ok(processesIn(network).length > 3)
    shell.kill(signal)
    await eventually('no process of the lab is left', () => processesIn(network).length === 0)
  })
}

test('SIGTERM ends a lab', async () => {
  const lab = spawn(process.execPath, [FIXTURE], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [network] = await once(lab.stdout, 'data') as [Buffer]
  lab.kill('SIGTERM')
  assert.deepEqual(await once(lab, 'exit'), [143, null])
  await eventually('no process of the lab is left', () => processesIn(network.toString().trim()).length === 0)
})

test('nothing is left when the lab itself is killed', async () => {
  const { shell, network } = await startFixture()
  process.kill(firstOf(network), 'SIGKILL')
  await once(shell, 'exit')
  await eventually('no process of the lab is left', () => processesIn(network).length === 0)
})
