/** Every kind of object that routes are made of. One line = one source. */
import type { Reader } from '../collection/graph.ts'
import type { Kind, KubeObject } from '../collection/objects.ts'
import type { Fragment } from '../ir/types.ts'
import type { Context } from './context.ts'
import { translateIngress } from './ingress/translate.ts'
import { translateProxy } from './proxy/translate.ts'
import { translateExposed } from './service/expose.ts'
import { translateStreams } from './stream/translate.ts'

/** Pure; undefined: the object is not ours, or says nothing of routes. */
export type Translate = (object: KubeObject, read: Reader, context: Context) => Fragment | undefined

export const SOURCES: readonly { readonly kind: Kind; readonly translate: Translate }[] = [
  { kind: 'Ingress', translate: translateIngress },
  { kind: 'Proxy', translate: translateProxy },
  { kind: 'Service', translate: translateExposed },
  { kind: 'ConfigMap', translate: translateStreams },
]
