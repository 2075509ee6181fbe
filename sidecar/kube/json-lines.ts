/** Frames of a watch: one JSON value a line, in a stream that may cut anywhere. */
import { DecodeError } from './errors.ts'

const NEWLINE = 0x0a

/**
 * Parses each complete line. A last line without its newline is what a dropped connection leaves: it is
 * ignored, because the resumed watch sends it again.
 * @param limit bytes of one line; a longer one is a DecodeError before it can fill the memory
 */
export async function* jsonLines(
  stream: AsyncIterable<Uint8Array>,
  limit: number,
): AsyncGenerator<unknown, void, undefined> {
  let parts: Uint8Array[] = []
  let size = 0
  for await (const chunk of stream) {
    let start = 0
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      checkSize(size + end - start, limit)
      parts.push(chunk.subarray(start, end))
      const line = Buffer.concat(parts).toString('utf8').trim()
      parts = []
      size = 0
      start = end + 1
      if (line !== '') yield parseJson(line)
    }
    if (start === chunk.length) continue
    size += chunk.length - start
    checkSize(size, limit)
    // A view, even an empty one, keeps the whole buffer that it came in, for as long as the watch is silent.
    parts.push(Buffer.from(chunk.subarray(start)))
  }
}

function checkSize(size: number, limit: number): void {
  if (size > limit) throw new DecodeError(`a frame is larger than ${limit} bytes`)
}

/** JSON.parse whose failure is a DecodeError that does not quote the text: it may be a Secret. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new DecodeError(`not JSON (${text.length} characters)`)
  }
}
