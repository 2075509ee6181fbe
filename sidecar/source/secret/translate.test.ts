import 'reflect-metadata'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PemConverter, X509CertificateGenerator } from '@peculiar/x509'
import { translateSecret } from './translate.ts'

async function secret(bits: number) {
  const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', modulusLength: bits, publicExponent: new Uint8Array([1, 0, 1]) }
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const certificate = await X509CertificateGenerator.createSelfSigned({ keys, name: 'CN=a.example.com', signingAlgorithm: algorithm })
  const key = PemConverter.encode(await crypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY')
  const base64 = (text: string): string => Buffer.from(text).toString('base64')
  return {
    apiVersion: 'v1',
    kind: 'Secret' as const,
    metadata: { namespace: 'shop', name: 'tls' },
    data: { 'tls.crt': base64(certificate.toString('pem')), 'tls.key': base64(key) },
  }
}

test('a key that no handshake takes is told, and never served', async () => {
  assert.ok('certificate' in translateSecret(await secret(2048)))
  assert.deepEqual(translateSecret(await secret(1024)), { problem: 'its RSA key has 1024 bits; allowed: 2048 to 8192' })
})
