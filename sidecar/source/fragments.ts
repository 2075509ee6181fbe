/** Objects of all kinds -> fragments, with what does not depend on their kind. */
import type { Collection, Part } from '../collection/graph.ts'
import type { Kind, KubeObject } from '../collection/objects.ts'
import type { Fragment } from '../ir/types.ts'
import type { Context } from './context.ts'
import { withCustomHeaders } from './custom-headers.ts'
import { withExternalAuth } from './external-auth.ts'
import { withFastcgi } from './fastcgi.ts'
import { SOURCES } from './registry.ts'
import { withBackendTls } from './secret/backend-tls.ts'
import { withServiceUpstreams } from './service/upstream.ts'
import { isWatched } from './watched.ts'

/** One for each kind of object that routes are made of. */
export function sourceParts(
  objects: (kind: Kind) => Collection<KubeObject>,
  context: Context,
): readonly Part<KubeObject, Fragment>[] {
  return SOURCES.map(({ kind, translate }) => ({
    prefix: kind,
    input: objects(kind),
    compute: (object, read) => {
      const fragment = isWatched(object, read, context) ? translate(object, read, context) : undefined
      if (fragment === undefined) return undefined
      const asked = withServiceUpstreams(withExternalAuth(fragment, read, context), read, context)
      return withCustomHeaders(withFastcgi(withBackendTls(asked, read, context), read, context), read, context)
    },
  }))
}
