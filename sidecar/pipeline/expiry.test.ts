import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Graph } from '../collection/graph.ts'
import { Secret, type Certificate } from '../ir/certificate.ts'
import type { Json, Route, VirtualHost } from '../ir/types.ts'
import type { AuthorityResult } from '../source/secret/authority.ts'
import type { CertificateResult } from '../source/secret/translate.ts'
import { ExpiryPipeline } from './expiry.ts'

const DAY = 86_400
const END = Date.parse('2026-06-10T12:00:00Z') / 1000

function certificate(name: string): CertificateResult {
  const found: Certificate = {
    namespace: 'prod', name, chain: '', key: new Secret(''), fingerprint: '', dnsNames: [], keyType: 'ec', notBefore: 0, notAfter: END,
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
  const authorities = graph.source<AuthorityResult>()
  const inputs = { virtualHosts, certificates, authorities, warningDays, defaultCertificate: 'prod/other' }
  const expiry = new ExpiryPipeline(graph, inputs)
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

test('authorities of clients and of backends, and what backends see', () => {
  const graph = new Graph()
  const virtualHosts = graph.source<VirtualHost>()
  const certificates = graph.source<CertificateResult>()
  const authorities = graph.source<AuthorityResult>()
  const warningDays = graph.source<number>()
  const inputs = { virtualHosts, certificates, authorities, warningDays, defaultCertificate: '' }
  const expiry = new ExpiryPipeline(graph, inputs)
  warningDays.set('', 7)
  certificates.set('prod/backends', certificate('backends'))
  const periods = [{ notBefore: END - 30 * DAY, notAfter: END }, { notBefore: END - 2 * DAY, notAfter: END + 60 * DAY }]
  const authority = (...of: readonly { readonly notBefore: number; readonly notAfter: number }[]): AuthorityResult =>
    ({ authority: { digest: 'd', pem: '', periods: of } })
  authorities.set('prod/clients', authority(...periods))
  authorities.set('prod/backends', authority(...periods.slice(1)))
  authorities.set('prod/unused', authority(...periods))
  const origin = { kind: 'Ingress', namespace: 'prod', name: 'x', field: '' }
  const route = (backendTls: Json): Route =>
    ({ host: 'x.example', path: '/', pathType: 'Prefix', backends: [], policies: { backend_tls: backendTls }, sources: {}, origin })
  const tls = { secret: 'prod/backends', authority: 'd', verify: true, identity: true }
  const trusting = [route(tls), route({ secret: 'prod/unused', authority: 'd' })]
  virtualHosts.set('x.example', { ...host('x.example'), routes: trusting, clientCertificate: { secret: 'prod/clients' } })
  const found = (now: number): string[] => {
    expiry.now.set('', now)
    graph.flush()
    return [...expiry.ofHosts.all()].flatMap(({ findings }) =>
      findings.map(({ severity, reason, origin: { name, field }, message }) => `${severity} ${reason} ${name} ${field}: ${message}`)).sort()
  }
  assert.deepEqual(found(END - 10 * DAY), [
    'error CertificateNotYetValid backends data[ca.crt]: the authority of backends of host x.example does not hold before 2026-06-08T12:00:00Z',
    'warning CertificateNotYetValid clients data[ca.crt]: 1 of 2 certificates of the authority of clients of host x.example does not hold before 2026-06-08T12:00:00Z',
  ])
  assert.deepEqual(found(END - DAY), [
    'warning CertificateExpires backends data[tls.crt]: the certificate that backends see of host x.example ends at 2026-06-10T12:00:00Z',
    'warning CertificateExpires clients data[ca.crt]: 1 of 2 certificates of the authority of clients of host x.example ends at 2026-06-10T12:00:00Z',
  ])
  assert.deepEqual(found(END + 61 * DAY).map((line) => line.split(':')[0]), [
    'error CertificateExpired backends data[ca.crt]', 'error CertificateExpired backends data[tls.crt]', 'error CertificateExpired clients data[ca.crt]',
  ])
  assert.deepEqual([...expiry.ofHosts.all()].map(({ expiring }) => `${expiring?.use} ${expiring?.secret}`).sort(), [
    'backends prod/backends', 'clients prod/clients', 'identity prod/backends',
  ])
})
