/** Keys that judge Ingresses as a whole. */
import { RISKS, type ObjectSettings } from '../../ir/object-settings.ts'
import { boolean, list, word, type Parser } from '../../ir/value.ts'
import { key, type Key } from './key.ts'

const MAX_WORD = 128

const anyWord: Parser<string> = (text) =>
  text.length <= MAX_WORD && !/\p{C}/u.test(text)
    ? { value: text }
    : { allowed: `a word of at most ${MAX_WORD} printable characters` }

export const OBJECT_KEYS: { readonly [K in keyof ObjectSettings]: Key<ObjectSettings[K]> } = {
  strictValidatePathType: key('strict-validate-path-type', boolean, 'Exact and Prefix paths with others than letters, digits and "._-/" are left out'),
  annotationsRiskLevel: key('annotations-risk-level', word(...RISKS), 'Ingresses with annotations of a higher risk, as ingress-nginx counts it, answer 503'),
  annotationValueWordBlocklist: key('annotation-value-word-blocklist', list(anyWord, 256), 'Ingresses with one of these words in the value of an annotation answer 503'),
}
