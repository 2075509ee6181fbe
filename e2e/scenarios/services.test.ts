/** Services by name, by their address, and by their own word: docs/services.md as it stands, and with curl. */

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { runCommand } from '../lab/command.ts'
import { enterLab } from '../lab/enter.ts'
import { startLab } from '../lab/lab.ts'
import { REPOSITORY } from '../lab/tools.ts'
import { variantUnderTest } from './controller.ts'
import type { Echo } from './http.ts'
import { installController } from './installation.ts'
import { ingressOf, startEcho } from './workload.ts'

const variant = variantUnderTest()
await enterLab({ variant })
const lab = await startLab({ variant })
const { dns } = lab
after(async () => { await lab.close() })

const CLASS = await readFile(join(REPOSITORY, 'manifests/base/ingress-class.yaml'), 'utf8')
const PAGE = await readFile(join(REPOSITORY, 'docs/services.md'), 'utf8')
const ERRORS = '/run/resty-ingress-errors'
const BODY_BYTES = 50 * 1024 * 1024

await lab.apply(CLASS)
const controller = await installController(lab, 'resty-ingress', ['--dns-interval=1'])
await lab.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'prod' } })
await startEcho(lab, 'account-user', { namespace: 'prod' })
await startEcho(lab, 'book-server', { namespace: 'prod' })

/** What a command prints; a shell reads it, as that of a person does. Throws when it fails. */
async function shell(line: string): Promise<string> {
  // A file, since /dev/stderr of a command cannot be opened when it is a socket.
  const script = `exec 2>${ERRORS}\n${line}`
  return await runCommand(['sh', '-c', script], { env: { ...process.env, ADDRESS: controller.address } })
}

/** Which Deployment answers, once it does: objects need a moment from the API server to NGINX. */
async function untilAnsweredBy(name: string, line: string): Promise<Echo> {
  return await lab.waitFor(`${name} answers: ${line}`, async () => {
    const text = await shell(line).catch(String)
    const echo = text.startsWith('{') ? (JSON.parse(text) as Echo) : undefined
    return echo?.pod.startsWith(`${name}-`) === true && echo
  })
}

test('the page: every manifest is applied, every command gets the answer that it names', async () => {
  const blocks = [...PAGE.matchAll(/^```(yaml|sh)\n([^]*?)^```$/gm)]
  assert.ok(blocks.length > 0)
  for (const [, language, text = ''] of blocks) {
    if (language === 'yaml') await lab.apply(text)
    else for (const line of text.trim().split('\n')) await untilAnsweredBy(/# (\S+)$/.exec(line)?.[1] ?? '', line)
  }
})

test('conf of a Service: its headers come to clients and to the backend', async () => {
  const command = `curl -sS -D /dev/stderr -H 'Host: orders.domain.com' "http://$ADDRESS/"`
  // The Ingress may come before what the page adds to the Service.
  await lab.waitFor('the conf', async () =>
    (await untilAnsweredBy('account-user', command)).headers['x-forwarded-proto'] === 'https')
  const head = await readFile(ERRORS, 'utf8')
  assert.match(head, /^Request-Id: [0-9a-f]{32}\r?$/m)
  assert.match(head, /^Strict-Transport-Security: max-age=31536000\r?$/m)
})

test('a Service that exposes itself is explained like any route', async () => {
  const text = await controller.command(['explain', 'http://books.domain.com/list/new'])
  assert.match(text, /^route +\/list \(Prefix\) of Service prod\/books metadata\.annotations\[\S+\/expose\]$/m)
  assert.match(text, /read by Service prod\/books metadata\.annotations\[resty-ingress\.io\/proxy-read-timeout\]/)
  assert.match(text, /^backend +prod\/books\/80 weight 1\n +198\.18\.\S+:3000 ok$/m)
})

test('the classic pair, by endpoints and by name: what the backends are told of the client', async () => {
  for (const host of ['api.domain.com', 'names.domain.com']) {
    for (const [path, name] of [['/userInfo', 'account-user'], ['/bookList', 'book-server']] as const) {
      const forged = "-H 'X-Forwarded-For: 192.0.2.7' -H 'X-Real-IP: 192.0.2.7' -H 'X-Forwarded-Proto: https'"
      const { headers, url } = await untilAnsweredBy(name, `curl -sS ${forged} -H 'Host: ${host}' "http://$ADDRESS${path}"`)
      assert.equal(url, path)
      assert.equal(headers['host'], host)
      assert.match(headers['x-real-ip'] ?? '', /^198\.1[89]\./)
      assert.equal(headers['x-forwarded-for'], headers['x-real-ip'])
      assert.equal(headers['x-forwarded-proto'], 'http')
    }
  }
})

test('a name that moves takes its requests with it, without a reload; while DNS fails it stays where it was', async () => {
  const addressOf = async (service: string): Promise<string> =>
    (await lab.endpoints('prod', service)).flatMap(({ addresses }) => addresses)[0] ?? ''
  const command = `curl -sS -H 'Host: moving.domain.com' "http://$ADDRESS/"`
  dns.extra.set('moving.example', { addresses: [await addressOf('account-user')] })
  await lab.apply([
    { apiVersion: 'v1', kind: 'Service', metadata: { name: 'moving', namespace: 'prod' }, spec: { type: 'ExternalName', externalName: 'moving.example' } },
    ingressOf('moving', { namespace: 'prod', rules: [{ host: 'moving.domain.com', service: 'moving', port: 3000 }] }),
  ] as object[])
  await untilAnsweredBy('account-user', command)
  const before = await controller.generation()
  dns.extra.set('moving.example', { addresses: [await addressOf('book-server')] })
  await untilAnsweredBy('book-server', command)

  dns.extra.set('moving.example', 'SERVFAIL')
  const finding = await lab.waitFor('the finding', async () =>
    (await controller.findings()).find(({ reason }) => reason === 'NameNotResolved'))
  assert.match(finding.message, /^externalName moving\.example cannot be resolved since /)
  assert.equal(finding.origin.name, 'moving')
  await untilAnsweredBy('book-server', command)
  assert.deepEqual(await controller.generation(), before)
  const asked = new Set(dns.asked.filter((question) => question.startsWith('moving.')))
  assert.deepEqual(asked, new Set(['moving.example A']), 'search domains are off, and the pod has no IPv6')
})

test('three hosts, bodies without limit, a slow backend, /web/* for everything below', async () => {
  const prefix = 'nginx.ingress.kubernetes.io'
  const annotations = { [`${prefix}/proxy-body-size`]: '0', [`${prefix}/proxy-read-timeout`]: '600', [`${prefix}/proxy-send-timeout`]: '600' }
  const star = { path: '/web/*', pathType: 'ImplementationSpecific' as const }
  await lab.apply(ingressOf('three-hosts', {
    namespace: 'prod',
    annotations,
    rules: [
      { host: 'test.domain.com', ...star, service: 'account-user' },
      { host: 'one.domain.com', service: 'account-user' },
      { host: 'two.domain.com', service: 'book-server' },
    ],
  }))
  const curl = (host: string, path: string, rest = ''): string => `curl -sS ${rest} -H 'Host: ${host}' "http://$ADDRESS${path}"`
  await untilAnsweredBy('account-user', curl('test.domain.com', '/web/v1/x'))
  await untilAnsweredBy('account-user', curl('one.domain.com', '/'))
  await untilAnsweredBy('book-server', curl('two.domain.com', '/any?delay=3000'))
  assert.match(await shell(curl('test.domain.com', '/other', "-o /dev/null -w '%{http_code}'")), /^404$/)
  const wanted = `-o /dev/null -w '%{http_code} %{size_upload}'`
  for (const upload of ['-T -', '-X POST --data-binary @-']) {
    const answer = await shell(`head -c ${BODY_BYTES} /dev/zero | ${curl('test.domain.com', '/web/up?size=1', `${wanted} ${upload}`)}`)
    const [status, sent] = answer.split(' ').map(Number)
    assert.equal(status, 200)
    // A chunked body has the lengths of its chunks in it.
    assert.ok(sent !== undefined && sent >= BODY_BYTES, answer)
  }
})
