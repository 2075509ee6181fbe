/** Settings of the TLS that clients speak. */
import type { CipherList } from './ciphers.ts'

/** Groups for key exchange that every OpenSSL has, by their names there. */
export const CURVES = ['X25519', 'X448', 'prime256v1', 'secp384r1', 'secp521r1'] as const

export interface TlsSettings {
  readonly sslProtocols: readonly string[]
  readonly sslCiphers: CipherList
  /** Of CURVES, the best first; empty: as OpenSSL has it. */
  readonly sslEcdhCurve: readonly string[]
  /** Bytes. */
  readonly sslBufferSize: number
  readonly sslSessionCache: boolean
  /** Bytes. */
  readonly sslSessionCacheSize: number
  /** Seconds. */
  readonly sslSessionTimeout: number
  /** A name that no object names gets no handshake. */
  readonly sslRejectHandshake: boolean
  /** Days before the end of a certificate in use from which on there is a finding; 0 = only when it is over. */
  readonly sslExpiryWarningDays: number
}

export const DEFAULT_TLS_SETTINGS: TlsSettings = {
  sslProtocols: ['TLSv1.2', 'TLSv1.3'],
  // Mozilla's intermediate list, without the ones that need parameters for Diffie-Hellman.
  sslCiphers: {
    ciphers: [
      'ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-RSA-AES128-GCM-SHA256', 'ECDHE-ECDSA-AES256-GCM-SHA384',
      'ECDHE-RSA-AES256-GCM-SHA384', 'ECDHE-ECDSA-CHACHA20-POLY1305', 'ECDHE-RSA-CHACHA20-POLY1305',
    ],
    suites: [],
  },
  sslEcdhCurve: [],
  // ingress-nginx: 4k, which costs large answers a third of their speed.
  sslBufferSize: 16_384,
  sslSessionCache: true,
  sslSessionCacheSize: 10 * 1024 ** 2,
  sslSessionTimeout: 600,
  sslRejectHandshake: false,
  sslExpiryWarningDays: 7,
}
