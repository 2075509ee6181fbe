import { integer, onOff, size } from '../ir/value.ts'
import type { Settings } from '../ir/settings.ts'
import { bytes, directive, number, onOff as printed, type Directive } from '../nginx/directive.ts'
import type { Policy, PolicyValue } from './policy.ts'
import { byteSize, flag, group, proxyField, wholeNumber } from './proxy-field.ts'

const BUFFER_SIZE = [1024, 1024 ** 2] as const
const BUFFERS = [2, 256] as const

/**
 * Whether and how NGINX buffers answers and request bodies; none of these directives takes a variable.
 * The busy size is computed from the others: NGINX refuses a configuration where they do not fit.
 */
function directives(value: PolicyValue, settings: Settings): readonly Directive[] {
  const lines: Directive[] = []
  const { responses = settings.proxyBuffering, requests = settings.proxyRequestBuffering } = value
  if (responses !== settings.proxyBuffering) lines.push(directive('proxy_buffering', printed(responses === true)))
  if (requests !== settings.proxyRequestBuffering) {
    lines.push(directive('proxy_request_buffering', printed(requests === true)))
  }
  const bufferSize = Number(value.size ?? settings.proxyBufferSize)
  const count = Number(value.number ?? settings.proxyBuffersNumber)
  if (bufferSize !== settings.proxyBufferSize || count !== settings.proxyBuffersNumber) {
    lines.push(...bufferDirectives(bufferSize, count))
  }
  return lines
}

/** `proxy_busy_buffers_size` must be at least one buffer and less than all of them without one. */
export function bufferDirectives(bufferSize: number, count: number): readonly Directive[] {
  return [
    directive('proxy_buffer_size', bytes(bufferSize)),
    directive('proxy_buffers', number(count, 2, 256), bytes(bufferSize)),
    directive('proxy_busy_buffers_size', bytes(bufferSize * Math.max(1, count - 2))),
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
  },
  proxy: proxyField(
    'buffering',
    group('Whether and how bodies are buffered. A value that no other route has costs one reload of NGINX.', {
      responses: flag('responses', 'Whether answers are read ahead of the client.'),
      requests: flag('requests', 'Whether request bodies are read before an endpoint is asked; false leaves nothing to retry with.'),
      size: byteSize('size', BUFFER_SIZE, 'Size of the buffer for the head of an answer, and of each other one.'),
      number: wholeNumber('number', BUFFERS, 'How many buffers an answer has.'),
    }),
  ),
  directives,
} satisfies Policy
