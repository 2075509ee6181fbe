/** `--only`: some of what a benchmark has. */
import { BenchError } from './options.ts'

/** Those of `all` that are named, in the order of `all`; all of them without a name. Throws BenchError. */
export function selected<T extends { readonly name: string }>(
  all: readonly T[], only: readonly string[],
): readonly T[] {
  const unknown = only.find((name) => all.every((it) => it.name !== name))
  if (unknown !== undefined) {
    throw new BenchError(`--only: there is no ${unknown}; there are ${all.map(({ name }) => name).join(', ')}`)
  }
  return only.length === 0 ? all : all.filter(({ name }) => only.includes(name))
}
