/** What is not ours, so that nobody looks in vain for a finding of an object whose class is mistyped. */
import type { Pipeline } from './pipeline.ts'

/** The sentence for people. */
export function leftOutText(count: number): string {
  return `Ingresses and Proxies left out, since their class or namespace is not ours: ${count}`
}

/** How many Ingresses and Proxies are left out, because their class or namespace is not ours. */
export function leftOut({ objects, fragments }: Pick<Pipeline, 'objects' | 'fragments'>): number {
  const kinds = ['Ingress', 'Proxy'] as const
  const read = fragments.all().filter(({ origin }) => kinds.some((kind) => kind === origin.kind))
  return kinds.reduce((sum, kind) => sum + objects.of(kind).size, -read.length)
}
