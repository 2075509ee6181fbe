/** The template for nginx.conf: a skeleton, and the parts that it names, one file each. */
import { CUSTOM_ERRORS_LOCATION } from './custom-errors.ts'
import { EXTERNAL_AUTH_LOCATION, EXTERNAL_AUTH_VARIABLES } from './external-auth.ts'
import { MIRROR_LOCATION, MIRROR_VARIABLES } from './mirror.ts'
import { CLASS_LOCATION, ERROR_PAGES, SERVER } from './server.ts'
import { SKELETON } from './skeleton.ts'
import { STREAM } from './stream.ts'
import { FORWARDED, VARIABLES } from './variables.ts'

export const TEMPLATE: string = SKELETON + STREAM

/** By the names that the template has for them. */
export const PARTS: Readonly<Record<string, string>> = {
  variables: VARIABLES,
  forwarded: FORWARDED,
  server: SERVER,
  class_location: CLASS_LOCATION,
  custom_errors_location: CUSTOM_ERRORS_LOCATION,
  external_auth_variables: EXTERNAL_AUTH_VARIABLES,
  external_auth_location: EXTERNAL_AUTH_LOCATION,
  mirror_variables: MIRROR_VARIABLES,
  mirror_location: MIRROR_LOCATION,
  error_pages: ERROR_PAGES,
}
