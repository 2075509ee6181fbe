/** What the configuration says about answers: Strict-Transport-Security. */
import type { Settings } from '../ir/settings.ts'

/** Undefined: none, and what backends say passes. */
export function hstsView(settings: Settings): Readonly<Record<string, unknown>> | undefined {
  if (!settings.hsts) return undefined
  const { hstsMaxAge, hstsIncludeSubdomains, hstsPreload } = settings
  return { max_age: hstsMaxAge, subdomains: hstsIncludeSubdomains, preload: hstsPreload }
}
