/** Whether the objects of a namespace count: `--watch-namespace-selector`. */
import type { Reader } from '../collection/graph.ts'
import type { KubeObject } from '../collection/objects.ts'
import { selects } from '../ir/label-selector.ts'
import { texts } from '../util/field.ts'
import type { Context } from './context.ts'

/** What flags name is watched wherever it is. */
export function isWatched({ kind, metadata }: KubeObject, read: Reader, { options, namespaces }: Context): boolean {
  if (options.namespaceSelector.length === 0 || kind === 'ConfigMap') return true
  const namespace = read.get(namespaces, `/${metadata.namespace}`)
  return namespace !== undefined && selects(options.namespaceSelector, texts(namespace.metadata.labels))
}
