/** What yargs takes without a word: `--enable-metrics=yes` would be false, and `--http-port` alone its default. */

/** What is wrong with how one of these flags is written, as a sentence. */
export function flagSyntaxError(
  args: readonly string[],
  flags: Readonly<Record<string, { readonly type: string }>>,
): string | undefined {
  for (const [i, arg] of args.entries()) {
    const { name = '', value } = /^--(?<name>[^=]+)(?:=(?<value>.*))?$/s.exec(arg)?.groups ?? {}
    const type = Object.hasOwn(flags, name) ? flags[name]?.type : undefined
    const problem = type === 'boolean' ? switchProblem(value) : valueProblem(type, value ?? args[i + 1])
    if (problem !== undefined) return `--${name} ${problem}`
  }
  return undefined
}

function switchProblem(value: string | undefined): string | undefined {
  return value === undefined || ['true', 'false'].includes(value) ? undefined : `must be true or false, not ${value}`
}

function valueProblem(type: string | undefined, value: string | undefined): string | undefined {
  if (type === undefined || (value !== undefined && !value.startsWith('--'))) return undefined
  return 'needs a value'
}
