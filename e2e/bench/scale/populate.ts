/** Writes a population to the apiserver, many objects at a time. */
import type { Client, KubernetesObject } from '../../lab/client.ts'
import { Issuer } from './issuer.ts'
import { hostOf, ingressOf, secretOf, serviceOf, sliceOf, type Size } from './population.ts'

/** Enough to keep the apiserver busy; more only wait in it. */
const WRITERS = 16

/**
 * Writes what `to` has and `from` has not: a population grows without being written anew. Ingresses come
 * last, so that no controller sees one without its Services.
 */
export async function populate(client: Client, from: Size, to: Size, port: number): Promise<void> {
  const issuer = await Issuer.create()
  const create = async (object: KubernetesObject): Promise<void> => { await client.create(object) }
  await each(from.services, to.services, (index) => create(serviceOf(index, port)))
  await each(from.services, to.services, (index) => create(sliceOf(index, port)))
  await each(from.certificates, to.certificates, async (index) =>
    create(secretOf(index, await issuer.issue(hostOf(index)))))
  await each(from.ingresses, to.ingresses, (index) => create(ingressOf(index, to)))
}

/** Calls `work` for every number from `from` up to `to`, several at a time. */
export async function each(
  from: number, to: number, work: (index: number) => Promise<void>, writers = WRITERS,
): Promise<void> {
  let next = from
  const worker = async (): Promise<void> => {
    while (next < to) await work(next++)
  }
  await Promise.all(Array.from({ length: writers }, worker))
}
