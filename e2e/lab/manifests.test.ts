import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { inApplyOrder, parseObjects, readKustomization } from './manifests.ts'

async function folderWith(t: TestContext, files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'resty-ingress-manifests-'))
  t.after(() => rm(folder, { recursive: true }))
  await mkdir(join(folder, 'base'))
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
  return folder
}

test('documents, lists and empty documents', () => {
  const kinds = parseObjects('kind: A\n---\n---\n# nothing\n---\nkind: List\nitems: [{kind: B}, {kind: C}]\n')
  assert.deepEqual(kinds.map(({ kind }) => kind), ['A', 'B', 'C'])
  assert.throws(() => parseObjects('kind: [A'))
})

test('a kustomization with a base, a namespace and images', async (t) => {
  const folder = await folderWith(t, {
    'kustomization.yaml': 'namespace: mine\nresources: [base, role.yaml]\nimages: [{name: a/b, newName: c/d, newTag: "2"}]\n',
    'base/kustomization.yaml': 'resources: [pod.yaml]\n',
    'base/pod.yaml': 'kind: Pod\nmetadata: {name: p}\nspec: {containers: [{image: "a/b:1"}, {image: a/other}]}\n',
    'role.yaml': 'kind: ClusterRoleBinding\nmetadata: {name: r}\nsubjects: [{kind: ServiceAccount, name: s, namespace: x}]\n',
  })
  assert.deepEqual(await readKustomization(folder), [
    {
      kind: 'Pod', metadata: { name: 'p', namespace: 'mine' },
      spec: { containers: [{ image: 'c/d:2' }, { image: 'a/other' }] },
    },
    {
      kind: 'ClusterRoleBinding', metadata: { name: 'r' },
      subjects: [{ kind: 'ServiceAccount', name: 's', namespace: 'mine' }],
    },
  ])
})

test('a field that the lab does not understand is an error, not left out', async (t) => {
  for (const [field, text] of Object.entries({
    replicas: 'replicas: []',
    labelSelector: 'patches: [{target: {labelSelector: a=b}, patch: "[]"}]',
    allowOther: 'patches: [{target: {kind: Pod}, options: {allowOther: true}, patch: "[]"}]',
  })) {
    const folder = await folderWith(t, { 'kustomization.yaml': `resources: []\n${text}\n` })
    await assert.rejects(readKustomization(folder), new RegExp(`does not understand ${field}`))
  }
})

const POD = 'kind: Pod\nmetadata: {name: p, labels: {a/b: c}}\nspec: {containers: [{args: [x, y]}]}\n'

async function patchedPod(t: TestContext, patch: object): Promise<readonly object[]> {
  const kustomization = { resources: ['base/pod.yaml'], patches: [patch] }
  return await readKustomization(await folderWith(t, {
    'kustomization.yaml': JSON.stringify(kustomization), 'base/pod.yaml': POD,
  }))
}

test('JSON patches: members and items are tested, added, replaced and removed', async (t) => {
  const patch = JSON.stringify([
    { op: 'test', path: '/spec/containers/0/args/1', value: 'y' },
    { op: 'remove', path: '/spec/containers/0/args/0' },
    { op: 'add', path: '/spec/containers/0/args/-', value: 'z' },
    { op: 'add', path: '/spec/hostNetwork', value: true },
    { op: 'replace', path: '/metadata/labels/a~1b', value: 'd' },
  ])
  assert.deepEqual(await patchedPod(t, { target: { kind: 'Pod' }, patch }), [{
    kind: 'Pod', metadata: { name: 'p', labels: { 'a/b': 'd' } },
    spec: { containers: [{ args: ['y', 'z'] }], hostNetwork: true },
  }])
})

test('a patch that fits nothing, or that is of another form, is an error', async (t) => {
  const wrong: readonly (readonly [object, RegExp])[] = [
    [{ op: 'test', path: '/kind', value: 'Job' }, /is "Pod"/],
    [{ op: 'remove', path: '/spec/none' }, /nothing to remove/],
    [{ op: 'add', path: '/spec/none/deeper', value: 1 }, /no such place/],
    [{ op: 'move', path: '/spec', from: '/a' }, /operation move/],
  ]
  for (const [operation, message] of wrong) {
    const patch = { target: { kind: 'Pod' }, options: { allowKindChange: true }, patch: JSON.stringify([operation]) }
    await assert.rejects(patchedPod(t, patch), message)
  }
  await assert.rejects(patchedPod(t, { target: { kind: 'Job' }, patch: '[]' }), /0 objects/)
  await assert.rejects(patchedPod(t, { patch: 'kind: Pod\nmetadata: {name: p}\nspec: {x: 1}' }), /delete only/)
  const kind = JSON.stringify([{ op: 'replace', path: '/kind', value: 'Job' }])
  await assert.rejects(patchedPod(t, { target: { kind: 'Pod' }, patch: kind }), /allowKindChange/)
})

test('a component changes what comes before it, and can delete', async (t) => {
  const folder = await folderWith(t, {
    'kustomization.yaml': 'resources: [pod.yaml]\ncomponents: [base]\n',
    'pod.yaml': POD,
    'base/kustomization.yaml':
      'kind: Component\nresources: [job.yaml]\npatches: [{patch: "{$patch: delete, kind: Pod, metadata: {name: p}}"}]\n',
    'base/job.yaml': 'kind: Job\n',
  })
  assert.deepEqual(await readKustomization(folder), [{ kind: 'Job' }])
  await assert.rejects(readKustomization(join(folder, 'base')), /is no Kustomization/)
})

test('what others need is applied first, the rest in its order', () => {
  const objects = ['Deployment', 'ConfigMap', 'Service', 'Namespace'].map((kind) => ({ kind }))
  assert.deepEqual(inApplyOrder(objects).map(({ kind }) => kind), ['Namespace', 'ConfigMap', 'Deployment', 'Service'])
})
