/**
 * A complete list in pages, which can be resumed after a failed page.
 * https://kubernetes.io/docs/reference/using-api/api-concepts/#retrieving-large-results-sets-in-chunks
 */
import { ApiError, DecodeError } from './errors.ts'
import { asRawObject } from './resource.ts'
import type { RawObject } from './resource.ts'
import type { ApiTransport } from './transport.ts'

const PAGE_SIZE = 500

export interface PagedListOptions<T> {
  readonly transport: ApiTransport
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  /** Applied to each page as it comes, so that a large list is never held untrimmed. */
  readonly keep: (raw: RawObject) => T
}

export class PagedList<T> {
  readonly #options: PagedListOptions<T>
  #items: T[] = []
  #continue = ''
  #whole = false

  constructor(options: PagedListOptions<T>) {
    this.#options = options
  }

  /**
   * Fetches what is missing and hands out the list. After a failure the next call goes on with the page
   * that failed. Without `resourceVersion` in the query the list is the most recent state, never older.
   */
  async fetch(signal: AbortSignal): Promise<{ items: T[]; resourceVersion: string }> {
    for (;;) {
      const page = await this.#page(signal)
      if (page === undefined) continue
      this.#items.push(...page.items)
      this.#continue = page.continueToken
      if (this.#continue !== '') continue
      const items = this.#items
      this.#restart(false)
      return { items, resourceVersion: page.resourceVersion }
    }
  }

  /**
   * undefined: the continue token has expired. The 410 brings a token for the rest, but of a newer state
   * than the pages before: such a list fits no resource version. So we start over, without pages, as
   * client-go does: it cannot expire again.
   */
  async #page(signal: AbortSignal): Promise<Page<T> | undefined> {
    const { transport, path, query, keep } = this.#options
    const paging = {
      ...(this.#whole ? {} : { limit: String(PAGE_SIZE) }),
      ...(this.#continue === '' ? {} : { continue: this.#continue }),
    }
    try {
      return readPage(await transport.json({ path, query: { ...query, ...paging }, signal }), keep)
    } catch (error) {
      if (this.#continue === '' || !(error instanceof ApiError && error.expired)) throw error
      this.#restart(true)
      return undefined
    }
  }

  #restart(whole: boolean): void {
    this.#items = []
    this.#continue = ''
    this.#whole = whole
  }
}

interface Page<T> {
  readonly items: T[]
  readonly resourceVersion: string
  /** '': this was the last page. */
  readonly continueToken: string
}

interface RawList {
  readonly metadata?: { readonly resourceVersion?: unknown; readonly continue?: unknown }
  readonly items?: unknown
}

function readPage<T>(body: unknown, keep: (raw: RawObject) => T): Page<T> {
  const { metadata, items } = (typeof body === 'object' && body !== null ? body : {}) as RawList
  if (typeof metadata?.resourceVersion !== 'string') throw new DecodeError('a list without a resourceVersion')
  // Go prints an empty list of some kinds as null.
  if (!Array.isArray(items ?? [])) throw new DecodeError('a list whose items are not an array')
  return {
    items: ((items ?? []) as unknown[]).map((item) => keep(asRawObject(item))),
    resourceVersion: metadata.resourceVersion,
    continueToken: typeof metadata.continue === 'string' ? metadata.continue : '',
  }
}
