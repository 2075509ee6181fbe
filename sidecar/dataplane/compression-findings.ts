/** What the running NGINX cannot do of compression. */
import type { Finding, ObjectRef } from '../ir/origin.ts'
import type { Settings } from '../ir/settings.ts'
import type { Capabilities } from '../nginx/input.ts'

/** `pod`: ours, since what is missing is in its image. */
export function compressionFindings(
  { enableBrotli }: Pick<Settings, 'enableBrotli'>,
  { brotli }: Pick<Capabilities, 'brotli'>,
  pod: Pick<ObjectRef, 'namespace' | 'name'>,
): Finding[] {
  if (!enableBrotli || brotli === true) return []
  const where = 'Debian: libnginx-mod-http-brotli-filter; OpenResty: a build with ngx_brotli'
  const message = `enable-brotli has no effect: NGINX has no Brotli module (${where})`
  return [{ origin: { kind: 'Pod', ...pod, field: '' }, severity: 'warning', reason: 'NoBrotli', message }]
}
