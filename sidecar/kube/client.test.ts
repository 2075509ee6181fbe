import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { RequestOptions } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { loadKubeConfig } from './client.ts'
import type { ClientOptions } from './client.ts'

async function folder(context: TestContext, files: Readonly<Record<string, string>>): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'resty-ingress-client-'))
  context.after(() => rm(path, { recursive: true }))
  for (const [name, text] of Object.entries(files)) await writeFile(join(path, name), text)
  return path
}

function kubeconfig(cluster: string): string {
  return `
current-context: here
contexts: [{ name: here, context: { cluster: c, user: u } }]
clusters: [{ name: c, cluster: ${cluster} }]
users: [{ name: u, user: { token: abc } }]
`
}

const REFUSED: readonly { readonly name: string; readonly options: ClientOptions; readonly message: RegExp }[] = [
  { name: 'outside of a cluster', options: {}, message: /not a pod .*--kubeconfig FILE or --apiserver-host URL/ },
  { name: 'a pod without a token', options: { serviceHost: '10.96.0.1', serviceAccountDir: '/nowhere' }, message: /automountServiceAccountToken/ },
  { name: 'a missing file', options: { kubeconfig: '/nowhere/config' }, message: /cannot read the kubeconfig \/nowhere\/config/ },
  { name: 'no URL', options: { apiserverHost: 'localhost' }, message: /localhost is not an http\(s\) URL/ },
  { name: 'a missing CA', options: { apiserverHost: 'https://a', certificateAuthority: '/nowhere/ca' }, message: /no CA certificate at \/nowhere\/ca/ },
]

for (const { name, options, message } of REFUSED) {
  test(`client: ${name} is refused with a sentence`, async () => {
    const result = await loadKubeConfig(options)
    assert.ok(!result.ok)
    assert.match(result.message, message)
  })
}

const BROKEN: readonly { readonly name: string; readonly text: string; readonly message: RegExp }[] = [
  { name: 'no YAML', text: '{', message: /cannot read the kubeconfig/ },
  { name: 'no current context', text: 'clusters: []\ncontexts: []\nusers: []\n', message: /no current-context/ },
  {
    name: 'a context without its cluster',
    text: 'current-context: a\ncontexts: [{name: a, context: {cluster: b, user: c}}]\nclusters: []\nusers: [{name: c, user: {}}]\n',
    message: /no cluster for its context a/,
  },
  {
    name: 'a context without its user',
    text: 'current-context: a\ncontexts: [{name: a, context: {cluster: b, user: c}}]\nclusters: [{name: b, cluster: {server: "https://x"}}]\nusers: []\n',
    message: /no user for its context a/,
  },
]

for (const { name, text, message } of BROKEN) {
  test(`client: a kubeconfig that is ${name} is refused with a sentence`, async (context) => {
    const dir = await folder(context, { config: text })
    const result = await loadKubeConfig({ kubeconfig: join(dir, 'config') })
    assert.ok(!result.ok)
    assert.match(result.message, message)
  })
}

test('client: --apiserver-host wins over the kubeconfig', async (context) => {
  const dir = await folder(context, { config: kubeconfig('{ server: "https://10.0.0.1" }') })
  const result = await loadKubeConfig({ kubeconfig: join(dir, 'config'), apiserverHost: 'http://127.0.0.1:8001' })
  assert.ok(result.ok)
  assert.equal(result.config.getCurrentCluster()?.server, 'http://127.0.0.1:8001')
})

test('client: --certificate-authority wins over the CA of the kubeconfig', async (context) => {
  const dir = await folder(context, {
    'config': kubeconfig('{ server: "https://10.0.0.1", certificate-authority-data: "b2xk" }'),
    'ca.crt': 'new',
  })
  const result = await loadKubeConfig({ kubeconfig: join(dir, 'config'), certificateAuthority: join(dir, 'ca.crt') })
  assert.ok(result.ok)
  const options: RequestOptions = {}
  await result.config.applyToHTTPSOptions(options)
  assert.equal(String(options.ca), 'new')
})

test('client: in a pod, with an IPv6 service address, and with the token that is there now', async (context) => {
  const serviceAccountDir = await folder(context, { 'token': 'first\n', 'ca.crt': 'ca' })
  const result = await loadKubeConfig({ serviceHost: 'fd00::1', servicePort: '6443', serviceAccountDir })
  assert.ok(result.ok)
  assert.equal(result.server, 'https://[fd00::1]:6443')
  const authorization = async (): Promise<unknown> => {
    const options: RequestOptions = { headers: {} }
    await result.config.applyToHTTPSOptions(options)
    assert.equal(String(options.ca), 'ca')
    return (options.headers as Record<string, string>)['Authorization']
  }
  assert.equal(await authorization(), 'Bearer first')
  await writeFile(join(serviceAccountDir, 'token'), 'second')
  assert.equal(await authorization(), 'Bearer second')
})
