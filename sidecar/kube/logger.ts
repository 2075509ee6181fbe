/** The part of pino that kube/ uses, and a way to say a lasting trouble once instead of at each retry. */

export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** Troubles by key: the first report is logged as a warning, repeats as debug, the end as information. */
export class TroubleLog {
  readonly #log: Logger
  readonly #open = new Set<string>()

  constructor(log: Logger) {
    this.#log = log
  }

  report(key: string, fields: object, message: string): void {
    if (this.#open.has(key)) {
      this.#log.debug(fields, message)
      return
    }
    this.#open.add(key)
    this.#log.warn(fields, message)
  }

  /** Nothing happens when no trouble of that key is open. */
  clear(key: string, message: string): void {
    if (this.#open.delete(key)) this.#log.info({}, message)
  }
}
