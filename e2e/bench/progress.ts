/** One line to standard error: standard output is for the result. */
export function progress(text: string): void {
  process.stderr.write(`bench: ${text}\n`)
}
