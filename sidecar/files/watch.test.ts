import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { appendFile, mkdir, mkdtemp, open, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { Kind, KubeObject, ObjectSink } from '../collection/objects.ts'
import type { Finding } from '../ir/origin.ts'
import { MAX_FILE_BYTES, readManifests } from './folder.ts'
import { KINDS } from './object.ts'
import { watchManifests } from './watch.ts'

function service(name: string, type = 'ClusterIP', namespace = 'default'): string {
  return `apiVersion: v1\nkind: Service\nmetadata: {name: ${name}, namespace: ${namespace}}\nspec: {type: ${type}}\n`
}

/** What a consumer knows after all calls so far, and the calls themselves. */
class Recorder extends EventEmitter implements ObjectSink {
  readonly calls: string[] = []
  readonly objects = new Map<string, KubeObject>()
  findings: readonly Finding[] = []

  replace(kind: Kind, objects: readonly KubeObject[]): void {
    this.calls.push(`replace ${kind}`)
    for (const object of objects) this.objects.set(`${kind}/${object.metadata.namespace}/${object.metadata.name}`, object)
  }
  set(object: KubeObject): void {
    const key = `${object.kind}/${object.metadata.namespace}/${object.metadata.name}`
    this.calls.push(`set ${key}`)
    this.objects.set(key, object)
    this.emit('change')
  }
  delete(kind: Kind, namespace: string, name: string): void {
    this.calls.push(`delete ${kind}/${namespace}/${name}`)
    this.objects.delete(`${kind}/${namespace}/${name}`)
    this.emit('change')
  }
  type(name: string): unknown {
    return (this.objects.get(`Service/default/${name}`)?.spec as { type?: string } | undefined)?.type
  }
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await once(this, 'change')
  }
  deletions(): string[] {
    return this.calls.filter((call) => call.startsWith('delete'))
  }
  messages(): string[] {
    return this.findings.map(({ message }) => message)
  }
}

async function folder(t: TestContext, files: Record<string, string> = {}): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'manifests-'))
  t.after(() => rm(dir, { recursive: true, force: true }))
  for (const [name, text] of Object.entries(files)) await writeFile(join(dir, name), text)
  return dir
}

/** All of a file at once: one that is written in steps is half of itself for as long as a busy machine likes. */
async function save(dir: string, name: string, text: string): Promise<void> {
  await writeFile(join(dir, `.${name}.tmp`), text)
  await rename(join(dir, `.${name}.tmp`), join(dir, name))
}

async function follow(t: TestContext, dir: string): Promise<Recorder> {
  const sink = new Recorder()
  const watcher = await watchManifests({
    dir,
    sink,
    onFindings: (findings) => {
      sink.findings = findings
      sink.emit('change')
    },
    onError: (error) => assert.fail(error as Error),
  })
  t.after(() => watcher.close())
  return sink
}

test('every kind is listed once, then only what differs is told', async (t) => {
  const dir = await folder(t, { 'a.yaml': service('a') + '---\n' + service('b'), 'notes.txt': 'not: [yaml' })
  const sink = await follow(t, dir)
  assert.deepEqual(sink.calls, KINDS.map((kind) => `replace ${kind}`))
  sink.calls.length = 0
  await save(dir, 'a.yaml', service('a') + '---\n' + service('b', 'NodePort'))
  await sink.until(() => sink.type('b') === 'NodePort')
  assert.deepEqual(sink.calls, ['set Service/default/b'])
})

test('a new file, a new folder, a deleted file', async (t) => {
  const dir = await folder(t, { 'a.yaml': service('a') })
  const sink = await follow(t, dir)
  await mkdir(join(dir, 'sub/deep'), { recursive: true })
  await writeFile(join(dir, 'sub/deep/b.yml'), service('b'))
  await sink.until(() => sink.type('b') !== undefined)
  await writeFile(join(dir, 'sub/deep/b.yml'), service('b', 'NodePort'))
  await sink.until(() => sink.type('b') === 'NodePort')
  await unlink(join(dir, 'a.yaml'))
  await sink.until(() => sink.type('a') === undefined)
  await rm(join(dir, 'sub'), { recursive: true })
  await sink.until(() => sink.objects.size === 0)
})

test('a file that is deleted while the clock is set back is gone all the same', async (t) => {
  const dir = await folder(t, { 'a.yaml': service('a') })
  const sink = await follow(t, dir)
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() - 3_600_000 })
  await unlink(join(dir, 'a.yaml'))
  await sink.until(() => sink.objects.size === 0)
})

test('a file replaced by rename: changed objects are set, none is deleted in between', async (t) => {
  const dir = await folder(t, { 'a.yaml': service('a') })
  const sink = await follow(t, dir)
  for (const type of ['NodePort', 'ExternalName', 'LoadBalancer']) {
    await save(dir, 'a.yaml', service('a', type))
    await sink.until(() => sink.type('a') === type)
  }
  // As vim does: away with the old one, then write the new one. What a busy machine makes of it may be a deletion.
  for (let round = 0, milliseconds = Infinity; milliseconds > 10; round += 1) {
    const type = round % 2 === 0 ? 'ClusterIP' : 'NodePort'
    const deletions = sink.deletions().length
    const started = performance.now()
    await rename(join(dir, 'a.yaml'), join(dir, 'a.yaml~'))
    await writeFile(join(dir, 'a.yaml'), service('a', type))
    milliseconds = performance.now() - started
    await sink.until(() => sink.type('a') === type)
    if (milliseconds <= 10) assert.equal(sink.deletions().length, deletions)
  }
  sink.calls.length = 0
  // And a file that only gets another name.
  await rename(join(dir, 'a.yaml'), join(dir, 'z.yaml'))
  await writeFile(join(dir, 'last.yaml'), service('last'))
  await sink.until(() => sink.type('last') !== undefined)
  assert.deepEqual(sink.deletions(), [])
  assert.deepEqual(sink.messages(), [])
})

test('a mounted ConfigMap: all files change at once by one link', async (t) => {
  const dir = await folder(t)
  const version = async (name: string, type: string): Promise<void> => {
    await mkdir(join(dir, name))
    for (const file of ['a', 'b']) await writeFile(join(dir, name, `${file}.yaml`), service(file, type))
    await symlink(name, join(dir, '..data_tmp'))
    await rename(join(dir, '..data_tmp'), join(dir, '..data'))
  }
  await version('..2026_01', 'ClusterIP')
  for (const file of ['a.yaml', 'b.yaml']) await symlink(join('..data', file), join(dir, file))
  const sink = await follow(t, dir)
  assert.deepEqual([...sink.objects.keys()], ['Service/default/a', 'Service/default/b'])
  for (const [name, type] of [['..2026_02', 'NodePort'], ['..2026_03', 'ExternalName']] as const) {
    await version(name, type)
    await sink.until(() => sink.type('a') === type && sink.type('b') === type)
  }
  await rm(join(dir, '..2026_01'), { recursive: true })
  assert.deepEqual(sink.deletions(), [])
})

test('a link to a file elsewhere is followed', async (t) => {
  const elsewhere = await folder(t, { 'real.yaml': service('a') })
  const dir = await folder(t)
  await symlink(join(elsewhere, 'real.yaml'), join(dir, 'a.yaml'))
  const sink = await follow(t, dir)
  await writeFile(join(elsewhere, 'real.yaml'), service('a', 'NodePort'))
  await sink.until(() => sink.type('a') === 'NodePort')
})

test('a file written in steps is taken when it is whole', async (t) => {
  // Steps with a pause longer than a file may rest are two versions of it, and a busy machine can make one.
  for (let milliseconds = Infinity; milliseconds > 10; ) {
    const dir = await folder(t, { 'a.yaml': service('a') + '---\n' + service('b') })
    const sink = await follow(t, dir)
    const started = performance.now()
    const file = await open(join(dir, 'a.yaml'), 'w')
    await file.write(service('a', 'NodePort'))
    await file.write('---\n')
    await file.write(service('b', 'NodePort'))
    await file.close()
    milliseconds = performance.now() - started
    await sink.until(() => sink.type('a') === 'NodePort' && sink.type('b') === 'NodePort')
    if (milliseconds <= 10) assert.deepEqual(sink.deletions(), [])
  }
})

test('a broken file keeps its last good content and hurts no other', async (t) => {
  const dir = await folder(t, { 'a.yaml': service('a'), 'b.yaml': service('b') })
  const sink = await follow(t, dir)
  await save(dir, 'a.yaml', `${service('a', 'NodePort')}x: [\n`)
  await sink.until(() => sink.findings.length > 0)
  assert.match(sink.messages().join(), /^a\.yaml:\d+:\d+: /)
  assert.equal(sink.type('a'), 'ClusterIP')
  await writeFile(join(dir, 'b.yaml'), service('b', 'NodePort'))
  await sink.until(() => sink.type('b') === 'NodePort')
  await appendFile(join(dir, 'a.yaml'), '  ]\n')
  await sink.until(() => sink.type('a') === 'NodePort')
  assert.deepEqual(sink.messages(), [])
})

test('one object in two files: the first by name wins, the other follows when it is gone', async (t) => {
  const dir = await folder(t, { 'b.yaml': service('a', 'NodePort'), 'a.yaml': `\n${service('a')}` })
  const sink = await follow(t, dir)
  assert.equal(sink.type('a'), 'ClusterIP')
  assert.deepEqual(sink.messages(), ['b.yaml:1: ignored, the same object is in a.yaml:2'])
  await unlink(join(dir, 'a.yaml'))
  await sink.until(() => sink.type('a') === 'NodePort' && sink.findings.length === 0)
})

test('a folder that goes away keeps what was in it; one that never was is an error', async (t) => {
  const parent = await folder(t)
  const dir = join(parent, 'manifests')
  await assert.rejects(follow(t, dir), { code: 'ENOENT' })
  await assert.rejects(readManifests(dir), { code: 'ENOENT' })
  await mkdir(dir)
  await writeFile(join(dir, 'a.yaml'), service('a'))
  const sink = await follow(t, dir)
  await rename(dir, join(parent, 'moved'))
  await sink.until(() => sink.findings.length > 0)
  assert.match(sink.messages().join(), /the folder cannot be read \(ENOENT\)/)
  assert.equal(sink.type('a'), 'ClusterIP')
})

test('a link to a folder above, a link to nothing, and a file over the limit', async (t) => {
  const dir = await folder(t, { 'a.yaml': service('a') })
  await symlink('..', join(dir, 'loop'))
  await symlink('.', join(dir, 'self'))
  await symlink('nothing', join(dir, 'nothing.yaml'))
  const large = await open(join(dir, 'large.yaml'), 'w')
  await large.truncate(MAX_FILE_BYTES + 1)
  await large.close()
  await rm(join(dir, 'loop'))
  const { objects, findings } = await readManifests(dir)
  assert.deepEqual(objects.map(({ metadata }) => metadata.name), ['a'])
  assert.match(findings.map(({ message }) => message).join(), /^large\.yaml: \d+ bytes are more than/)
})

test('readManifests: all objects in order of file name and position', async (t) => {
  const dir = await folder(t, { 'b.yaml': service('z') + '---\n' + service('a'), 'a.json': '{"kind": "Nothing"}' })
  const { objects, findings } = await readManifests(dir)
  assert.deepEqual(objects.map(({ metadata }) => metadata.name), ['z', 'a'])
  assert.deepEqual(findings.map(({ reason }) => reason), ['UnknownKind'])
})
