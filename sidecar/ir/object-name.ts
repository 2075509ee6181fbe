/** Which object of a kind: its namespace and name, and both as one text. */

export interface ObjectName {
  /** '' for kinds that have no namespace. */
  readonly namespace: string
  readonly name: string
}

/** `namespace/name`; neither part can hold a `/`. */
export function objectKey({ namespace, name }: ObjectName): string {
  return `${namespace}/${name}`
}

/** What `objectKey` was made of; also of a `namespace/name` that a flag holds. */
export function objectName(key: string): ObjectName {
  const [namespace = '', name = ''] = key.split('/')
  return { namespace, name }
}
