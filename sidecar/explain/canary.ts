/** Which arm of a route takes a request by its headers and cookies: the rules of `lua/ingress/balance/canary.lua`. */
import type { CanaryRecord } from '../dynamic/records.ts'
import { finds } from './match.ts'
import { byBytes, type ExplainRequest } from './request.ts'

/** `weight`: chance, a session or the key of the client decide. */
export type ArmShare = 'takes' | 'refuses' | 'weight'

/** Of each arm, in order. */
export function armShares(arms: readonly CanaryRecord[], request: ExplainRequest): ArmShare[] {
  const byHeader = arms.map((arm) => headerVerdict(arm, request))
  const byCookie = arms.map((arm, i) => byHeader[i] === undefined ? cookieVerdict(arm, request) : undefined)
  const first = byHeader.indexOf(true)
  const taker = first >= 0 ? first : byCookie.indexOf(true)
  if (taker >= 0) return arms.map((_, i) => (i === taker ? 'takes' : 'refuses'))
  return arms.map((_, i) => (byHeader[i] === false || byCookie[i] === false ? 'refuses' : 'weight'))
}

/** Undefined: it says nothing. */
function headerVerdict({ header }: CanaryRecord, { headers }: ExplainRequest): boolean | undefined {
  if (header === undefined) return undefined
  const value = headers.find(([name]) => name === header.name.toLowerCase())?.[1]
  if (value === undefined) return undefined
  if (header.value !== undefined) return value === header.value || undefined
  if (header.pattern === undefined) return verdictOfWord(value)
  return finds(byBytes(header.pattern), byBytes(value), 0) || undefined
}

function cookieVerdict({ cookie }: CanaryRecord, { headers }: ExplainRequest): boolean | undefined {
  if (cookie === undefined) return undefined
  const cookies = headers.filter(([name]) => name === 'cookie').flatMap(([, text]) => text.split(';'))
  const pair = cookies.map((text) => text.trim()).find((text) => text.startsWith(`${cookie}=`))
  return pair === undefined ? undefined : verdictOfWord(pair.slice(cookie.length + 1))
}

function verdictOfWord(word: string): boolean | undefined {
  return word === 'always' ? true : word === 'never' ? false : undefined
}
