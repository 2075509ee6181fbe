/** Certificates with their keys, and text that is not to be shown. */

/** PEM text that cannot be printed by accident: logs and findings show `[redacted]`. */
export class Secret {
  readonly #text: string
  constructor(text: string) {
    this.#text = text
  }
  /** The text itself; only for the record that goes to OpenResty. */
  reveal(): string {
    return this.#text
  }
  toString(): string {
    return '[redacted]'
  }
  toJSON(): string {
    return '[redacted]'
  }
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return '[redacted]'
  }
}

/** When a certificate holds, in seconds since the epoch. */
export interface Period {
  readonly notBefore: number
  readonly notAfter: number
}

export interface Certificate extends Period {
  readonly namespace: string
  readonly name: string
  readonly chain: string
  readonly key: Secret
  /** SHA-256 of chain and key, for equality without the key. */
  readonly fingerprint: string
  readonly dnsNames: readonly string[]
  /** `rsa`, `ec`, `ed25519`, ...: of several certificates OpenSSL keeps one of each. */
  readonly keyType: string
}
