import type { Parser } from '../ir/value.ts'
import { directive, fileName } from '../syntax/directive.ts'
import type { Policy } from './common/policy.ts'

const index: Parser<string> = (text) =>
  /^[A-Za-z0-9._-]{1,64}$/.test(text) ? { value: text } : { allowed: 'a file name of letters, digits, ".", "-" and "_"' }

/** The file for paths that end with "/". */
export const fastcgiIndex = {
  name: 'fastcgi_index',
  fields: {
    file: { annotation: 'fastcgi-index', parse: index, about: 'With FCGI: the file for paths that end with "/"' },
  },
  directives: ({ file }) => [directive('fastcgi_index', fileName(String(file)))],
} satisfies Policy
