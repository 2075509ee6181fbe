import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Graph } from '../collection/graph.ts'
import { Secret, type Certificate, type VirtualHost } from '../ir/types.ts'
import type { CertificateResult } from '../source/secret/translate.ts'
import { ExpiryPipeline } from './expiry.ts'

const DAY = 86_400
const END = Date.parse('2026-06-10T12:00:00Z') / 1000

function certificate(name: string): CertificateResult {
  const found: Certificate = {
    namespace: 'prod', name, chain: '', key: new Secret(''), fingerprint: '', dnsNames: [], keyType: 'ec', notAfter: END,
  }
  return { certificate: found }
}

function host(name: string, ...secrets: readonly string[]): VirtualHost {
  const [first, ...alternatives] = secrets.map((secret) => ({ namespace: 'prod', name: secret }))
  const others = alternatives.length === 0 ? {} : { alternatives }
  const shown = first === undefined ? {} : { certificate: first, ...others }
  return { host: name, routes: [], tls: true, findings: [], ...shown }
}

test('a certificate in use is a finding from some days before its end, once for all hosts', () => {
  const graph = new Graph()
  const virtualHosts = graph.source<VirtualHost>()
  const certificates = graph.source<CertificateResult>()
  const warningDays = graph.source<number>()
  const expiry = new ExpiryPipeline(graph, { virtualHosts, certificates, warningDays, defaultCertificate: 'prod/other' })
  for (const name of ['a', 'b', 'other', 'unused']) certificates.set(`prod/${name}`, certificate(name))
  const hosts = [host('x.example', 'a', 'b'), ...[1, 2, 3, 4].map((i) => host(`y${i}.example`, 'a'))]
  for (const it of hosts) virtualHosts.set(it.host, it)
  warningDays.set('', 7)
  const found = (now?: number): string[] => {
    if (now !== undefined) expiry.now.set('', now)
    graph.flush()
    return [...expiry.ofHosts.all(), ...expiry.ofDefault.all()].flatMap(({ findings }) =>
      findings.map(({ origin, severity, message }) => `${severity} ${origin.name}: ${message}`)).sort()
  }
  assert.deepEqual(found(), [])
  assert.deepEqual(found(END - 8 * DAY), [])
  assert.deepEqual(found(END - 7 * DAY), [
    'warning a: the certificate of hosts x.example, y1.example, y2.example and 2 more ends at 2026-06-10T12:00:00Z',
    'warning b: the certificate of host x.example ends at 2026-06-10T12:00:00Z',
    'warning other: the certificate of all other hosts ends at 2026-06-10T12:00:00Z',
  ])
  assert.equal(found(END)[1], 'error b: the certificate of host x.example ended at 2026-06-10T12:00:00Z')
  warningDays.set('', 0)
  assert.deepEqual(found(END - 1), [])
  virtualHosts.delete('x.example')
  assert.deepEqual(found(END + DAY).map((line) => line.split(':')[0]), ['error a', 'error other'])
})
