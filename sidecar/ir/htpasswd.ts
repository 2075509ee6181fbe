/** Users with passwords, of a Secret. */
import type { Secret } from './certificate.ts'
import { objectName, type ObjectName } from './object-name.ts'

/** `auth-file`: a htpasswd file under the key `auth`; `auth-map`: each key is a user. */
export type HtpasswdForm = 'auth-file' | 'auth-map'

export interface Users {
  /** JSON: hash by name. */
  readonly hashes: Secret
  /** SHA-256 of that, for equality without the text. */
  readonly fingerprint: string
}

const MAP = '@map'

/** One Secret may be read both ways: `namespace/name`, and `@map` behind it for the second. */
export function htpasswdName({ namespace, name }: ObjectName, form: HtpasswdForm): string {
  return `${namespace}/${name}${form === 'auth-map' ? MAP : ''}`
}

/** The reverse of `htpasswdName`. */
export function parseHtpasswdName(text: string): ObjectName & { readonly form: HtpasswdForm } {
  const isMap = text.endsWith(MAP)
  return { ...objectName(isMap ? text.slice(0, -MAP.length) : text), form: isMap ? 'auth-map' : 'auth-file' }
}
