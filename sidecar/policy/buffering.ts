import type { Settings } from '../ir/settings.ts'
import { integer, onOff, size } from '../ir/value.ts'
import { bytes, directive, number, onOff as printed, type Directive } from '../syntax/directive.ts'
import { isEqual } from '../util/equal.ts'
import type { Policy, PolicyValue } from './common/policy.ts'
import { byteSize, flag, group, proxyField, wholeNumber } from './common/proxy-field.ts'

const BUFFER_SIZE = [1024, 1024 ** 2] as const
const BUFFERS = [2, 256] as const
const BODY_BUFFER = [1024, 16 * 1024 ** 2] as const
const LARGEST_FILE = 2 ** 40

/** The buffers of an answer, in bytes: `busy` 0 follows from the others, `file` 0 is none on disk. */
export interface Buffers {
  readonly size: number
  readonly number: number
  readonly busy: number
  readonly file: number
}

/** What the settings say. */
export function buffersOf(settings: Settings): Buffers {
  return {
    size: settings.proxyBufferSize,
    number: settings.proxyBuffersNumber,
    busy: settings.proxyBusyBuffersSize,
    file: settings.proxyMaxTempFileSize,
  }
}

/**
 * Whether and how NGINX buffers answers and request bodies; none of these directives takes a variable.
 */
function directives(value: PolicyValue, settings: Settings): readonly Directive[] {
  const lines: Directive[] = []
  const { responses = settings.proxyBuffering, requests = settings.proxyRequestBuffering } = value
  if (responses !== settings.proxyBuffering) lines.push(directive('proxy_buffering', printed(responses === true)))
  if (requests !== settings.proxyRequestBuffering) {
    lines.push(directive('proxy_request_buffering', printed(requests === true)))
  }
  const { body = settings.clientBodyBufferSize } = value
  if (body !== settings.clientBodyBufferSize) lines.push(directive('client_body_buffer_size', bytes(Number(body))))
  const common = buffersOf(settings)
  const own = ownBuffers(value, common)
  return isEqual(own, common) ? lines : [...lines, ...bufferDirectives(own)]
}

function ownBuffers(value: PolicyValue, common: Buffers): Buffers {
  const of = (name: keyof Buffers): number => Number(value[name] ?? common[name])
  return { size: of('size'), number: of('number'), busy: of('busy'), file: of('file') }
}

/**
 * NGINX refuses a configuration in which these do not fit: what may be busy is at least one buffer and at most all
 * but one, and a file holds at least one. So what does not fit becomes the nearest that does.
 */
export function bufferDirectives({ size: each, number: count, busy, file }: Buffers): readonly Directive[] {
  const wanted = busy === 0 ? each * (count - 2) : busy
  return [
    directive('proxy_buffer_size', bytes(each)),
    directive('proxy_buffers', number(count, 2, 256), bytes(each)),
    directive('proxy_busy_buffers_size', bytes(Math.min(Math.max(wanted, each), each * (count - 1)))),
    directive('proxy_max_temp_file_size', bytes(file === 0 ? 0 : Math.max(file, each))),
  ]
}

export const buffering = {
  name: 'buffering',
  fields: {
    responses: { annotation: 'proxy-buffering', parse: onOff, about: 'Whether answers are read ahead of the client' },
    requests: {
      annotation: 'proxy-request-buffering',
      parse: onOff,
      about: 'Whether request bodies are read before an endpoint is asked; `off` leaves nothing to retry with',
    },
    size: {
      annotation: 'proxy-buffer-size',
      parse: size(...BUFFER_SIZE),
      about: 'Size of the buffer for the head of an answer, and of each other one',
    },
    number: { annotation: 'proxy-buffers-number', parse: integer(...BUFFERS), about: 'How many buffers an answer has' },
    busy: {
      annotation: 'proxy-busy-buffers-size',
      parse: size(0, 256 * 1024 ** 2),
      about: 'How much of them may be on its way to the client: from one buffer to all but one, else the nearest; 0: all but two',
    },
    file: {
      annotation: 'proxy-max-temp-file-size',
      parse: size(0, LARGEST_FILE),
      about: 'How much of an answer may be kept on disk, where answers are read ahead: none (0), or at least a buffer',
    },
    body: {
      annotation: 'client-body-buffer-size',
      parse: size(...BODY_BUFFER),
      about: 'How much of a request body is kept in memory',
    },
  },
  proxy: proxyField(
    'buffering',
    group('Whether and how bodies are buffered. A value that no other route has costs one reload of NGINX.', {
      responses: flag('responses', 'Whether answers are read ahead of the client.'),
      requests: flag('requests', 'Whether request bodies are read before an endpoint is asked; false leaves nothing to retry with.'),
      size: byteSize('size', BUFFER_SIZE, 'Size of the buffer for the head of an answer, and of each other one.'),
      number: wholeNumber('number', BUFFERS, 'How many buffers an answer has.'),
      busySize: byteSize('busy', [0, 256 * 1024 ** 2], 'How much of them may be on its way to the client: from one buffer to all but one.'),
      fileSize: byteSize('file', [0, LARGEST_FILE], 'How much of an answer may be kept on disk; 0: nothing.'),
      requestSize: byteSize('body', BODY_BUFFER, 'How much of a request body is kept in memory.'),
    }),
  ),
  directives,
} satisfies Policy
