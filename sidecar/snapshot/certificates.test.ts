import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TlsClaim } from '../ir/types.ts'
import { certificatesOf, chooseCertificates } from './certificates.ts'

const ORIGIN = { kind: 'Ingress', namespace: 'prod', name: 'a', field: 'spec.tls[0]' }

function claim(name: string, named = true): TlsClaim {
  return { host: 'a.example', named, secret: { namespace: 'prod', name }, origin: ORIGIN }
}

/** A Secret is named after the type of its key; `bad` cannot be served. */
function chosen(...claims: readonly TlsClaim[]): readonly string[] {
  const usable = ({ name }: { readonly name: string }): string | undefined => (name === 'bad' ? undefined : name.replace(/\d/, ''))
  return certificatesOf(chooseCertificates('a.example', claims, usable)).map(({ name }) => name)
}

test('the first of each type of key, in the order in which they are named', () => {
  assert.deepEqual(chosen(claim('rsa1'), claim('ec1'), claim('rsa2'), claim('ec2')), ['rsa1', 'ec1'])
  assert.deepEqual(chosen(claim('bad'), claim('ec1'), claim('rsa1')), ['ec1', 'rsa1'])
  assert.deepEqual(chosen(), [])
  assert.deepEqual(chosen(claim('bad')), [])
})

test('a certificate that only covers the host stands beside none that is named for it', () => {
  assert.deepEqual(chosen(claim('ec1', false), claim('rsa1')), ['rsa1'])
  assert.deepEqual(chosen(claim('ec1', false), claim('rsa1', false)), ['ec1'])
  assert.deepEqual(chosen(claim('bad'), claim('ec1', false)), ['ec1'])
})
