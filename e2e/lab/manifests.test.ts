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
  const folder = await folderWith(t, { 'kustomization.yaml': 'resources: []\npatches: []\n' })
  await assert.rejects(readKustomization(folder), /does not understand patches/)
})

test('what others need is applied first, the rest in its order', () => {
  const objects = ['Deployment', 'ConfigMap', 'Service', 'Namespace'].map((kind) => ({ kind }))
  assert.deepEqual(inApplyOrder(objects).map(({ kind }) => kind), ['Namespace', 'ConfigMap', 'Deployment', 'Service'])
})
