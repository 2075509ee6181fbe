import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { resolveInRoot } from './root-path.ts'

test('links are followed inside of the root, as the container sees them', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'resty-ingress-root-'))
  t.after(() => rm(root, { recursive: true }))
  await mkdir(join(root, 'run'))
  await mkdir(join(root, 'var'))
  await symlink('/run', join(root, 'var/run'))
  await symlink('../../../../run', join(root, 'var/up'))
  await symlink('loop', join(root, 'loop'))
  assert.equal(await resolveInRoot(root, '/var/run/secrets/token'), '/run/secrets/token')
  assert.equal(await resolveInRoot(root, '/var/up/x'), '/run/x')
  assert.equal(await resolveInRoot(root, '/var/../../x'), '/x')
  assert.equal(await resolveInRoot(root, '/not/there/'), '/not/there')
  await assert.rejects(resolveInRoot(root, '/loop'), /too many symbolic links/)
})
