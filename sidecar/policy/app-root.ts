import { plainPath } from '../ir/template.ts'
import type { Policy } from './common/policy.ts'
import { object } from './common/schema.ts'

/** Who asks for `/` is sent to where the application begins. */
export const appRoot = {
  name: 'app_root',
  fields: {
    path: { annotation: 'app-root', parse: plainPath, about: 'Where clients that ask for "/" of the host are sent to (302)' },
  },
  runtime: {
    schema: object({ path: { type: 'string', pattern: '^/' } }),
    effect: ({ path }) => ({ path: path ?? '/' }),
  },
} satisfies Policy
