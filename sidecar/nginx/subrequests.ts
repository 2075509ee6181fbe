/** Requests that NGINX makes of its own for one of a client: questions of external authentication, and copies. */
import type { LocationClass } from '../policy/set/effects.ts'

export interface SubrequestsView {
  /** Some class asks whether requests are let in. */
  readonly external_auth: boolean
  readonly mirrored: boolean
  /** The locations that copies are sent from. */
  readonly mirrors: readonly { readonly location: string; readonly without_body: boolean }[]
  /** There are any, so the router must tell them from requests of clients. */
  readonly subrequests: boolean
}

/** Whether a service is asked, for each request of the class, if it is let in. */
export function asks({ directives }: LocationClass): boolean {
  return directives.some(({ name }) => name === 'auth_request')
}

/** What the template says of them. */
export function subrequestsView(classes: readonly LocationClass[]): SubrequestsView {
  const mirrors = mirrorsOf(classes)
  const asked = classes.some(asks)
  return { external_auth: asked, mirrored: mirrors.length > 0, mirrors, subrequests: asked || mirrors.length > 0 }
}

function mirrorsOf(classes: readonly LocationClass[]): SubrequestsView['mirrors'] {
  const named = classes.flatMap(({ directives }) => directives.filter(({ name }) => name === 'mirror'))
  const locations = new Set(named.flatMap((it) => it.arguments.map(String)))
  return [...locations].sort().map((location) => ({ location, without_body: location === '//mirror_without_body' }))
}
