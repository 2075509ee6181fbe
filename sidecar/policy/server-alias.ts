import { parseAddress } from '../ir/address.ts'
import { isHost } from '../ir/names.ts'
import type { Parser } from '../ir/value.ts'
import type { Policy } from './common/policy.ts'

/** Each costs as much as the host itself. */
const MAX_NAMES = 16
/** So many of the longest. */
const MAX_LIST = MAX_NAMES * 260

const FORM = `1 to ${MAX_NAMES} hosts, separated by commas: DNS names (in punycode), or "*." and a DNS name; no regular expressions`

const names: Parser<readonly string[]> = (text) => {
  if (text.length > MAX_LIST) return { allowed: FORM }
  const all = text.split(',').map((name) => name.trim().toLowerCase()).filter((name) => name !== '')
  const isName = (name: string): boolean => isHost(name) && parseAddress(name) === undefined
  if (all.length === 0 || all.length > MAX_NAMES || !all.every(isName)) return { allowed: FORM }
  return { value: [...new Set(all)] }
}

/** More names for the host: see source/ingress/alias.ts and snapshot/alias.ts. */
export const serverAlias = {
  name: 'server_alias',
  fields: {
    names: { annotation: 'server-alias', parse: names, about: 'More names for the host of the rules, where no object claims them' },
  },
} satisfies Policy
