import { parameterValue, type ParameterPart } from '../ir/parameter-value.ts'
import type { Json } from '../ir/types.ts'
import { directive, parameter, parameterText, type Directive } from '../syntax/directive.ts'
import { fields } from '../util/field.ts'
import type { Policy } from './common/policy.ts'
import { reference } from './common/reference.ts'

const MAX_PARAMETERS = 64
const NAME = /^[A-Za-z0-9_.-]{1,64}$/

/** Parameters of a program beside the usual ones, or in their place. */
export const fastcgiParams = {
  name: 'fastcgi_params',
  protects: true,
  fields: {
    config_map: {
      annotation: 'fastcgi-params-configmap',
      parse: reference,
      names: 'ConfigMap',
      about: 'With FCGI: the ConfigMap with further parameters for the program',
    },
  },
  directives: ({ parameters }) => Object.entries(fields(parameters)).map(([name, value]) => line(name, value)),
} satisfies Policy

function line(name: string, value: unknown): Directive {
  return directive('fastcgi_param', parameter(name), parameterText(value as readonly ParameterPart[]))
}

/** What the ConfigMap holds, as member `parameters` of the policy; text: what is wrong with it. */
export function readParameters(data: Readonly<Record<string, string>>): Json | string {
  const entries = Object.entries(data)
  if (entries.length > MAX_PARAMETERS) return `it has more than ${MAX_PARAMETERS} keys`
  const parameters: Record<string, Json> = {}
  for (const [name, text] of entries) {
    const parsed = parameterValue(text)
    if (!NAME.test(name)) return 'a key is not the name of a parameter: letters, digits, "_", "." and "-", at most 64'
    if (!('value' in parsed)) return `the value of ${name} is refused; allowed: ${parsed.allowed}`
    parameters[name] = parsed.value
  }
  return parameters
}
