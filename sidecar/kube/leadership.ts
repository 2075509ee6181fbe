/**
 * Who may write: status and Events come from one replica at a time.
 * Invariant: whoever writes through LeaderApi writes only while this replica leads, judged by the clock at
 * the moment at which the request leaves.
 */
import { NotLeadingError } from './errors.ts'
import type { ApiRequest, ApiTransport } from './transport.ts'

export interface Leadership {
  /** Now, by the clock: an answer of the past says nothing after the process was frozen. */
  isLeading(): boolean
  /** Aborts when the present term ends; aborted already while another replica leads. */
  readonly term: AbortSignal
}

/** Of a controller without replicas. */
export const SOLE_REPLICA: Leadership = { isLeading: () => true, term: new AbortController().signal }

/** The API for those who write only while this replica leads. */
export class LeaderApi {
  readonly #transport: ApiTransport
  readonly #leadership: Leadership

  /** `transport`: one of its own, since all of its connections end with the term. */
  constructor(transport: ApiTransport, leadership: Leadership) {
    this.#transport = transport
    this.#leadership = leadership
  }

  isLeading(): boolean {
    return this.#leadership.isLeading()
  }

  /** The term is over: what has not reached the server by now never will. */
  lapse(): void {
    this.#transport.reset()
  }

  /**
   * As ApiTransport.json. Throws NotLeadingError when this replica does not lead; a request under way is
   * given up with the end of the term, so that it cannot linger in a queue and leave later.
   */
  async json(request: ApiRequest): Promise<unknown> {
    const { term } = this.#leadership
    const beforeSending = (): void => {
      if (!this.isLeading()) throw new NotLeadingError()
    }
    beforeSending()
    const signal = request.signal === undefined ? term : AbortSignal.any([request.signal, term])
    return this.#transport.json({ ...request, signal, beforeSending })
  }
}
