import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pino } from 'pino'
import { parseCommand } from '../options/options.ts'
import { Pipeline } from '../pipeline/pipeline.ts'
import { GOLDEN_OPTIONS } from '../testing/inputs.ts'
import { object } from '../testing/neighbour.ts'
import { FlagConfigMaps } from './flag-config-maps.ts'

test('a ConfigMap that a flag names and that is not there is told, once, and again after it was there', async () => {
  const command = await parseCommand(['run', '--configmap=edge/settings', '--tcp-services-configmap=edge/tcp'], '1.2.3', {})
  assert.ok(command?.name === 'run')
  const lines: { flag: string, name: string }[] = []
  const log = pino({}, { write: (line: string) => { lines.push(JSON.parse(line) as typeof lines[number]) } })
  const { objects } = new Pipeline(GOLDEN_OPTIONS)
  const configMaps = new FlagConfigMaps(objects, command.options, log)

  const [finding] = configMaps.findings()
  assert.equal(finding?.reason, 'ConfigMapNotFound')
  assert.equal(finding.origin.name, 'settings')
  assert.equal(configMaps.findings(), configMaps.findings(), 'the same array: nothing to settle')
  assert.deepEqual(lines.map(({ flag, name }) => [flag, name]), [['tcp-services-configmap', 'tcp']])

  for (const name of ['settings', 'tcp']) objects.set(object('ConfigMap', 'edge', name, {}))
  assert.deepEqual(configMaps.findings(), [])
  for (const name of ['settings', 'tcp']) objects.delete('ConfigMap', 'edge', name)
  assert.equal(configMaps.findings().length, 1)
  assert.equal(lines.length, 2)
})
