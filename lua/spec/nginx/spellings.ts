/** Ways to spell a path, a host and the frame of a request: what means the same, and what nobody may pass on. */

/** `{p}`: name of the first segment; `{e}`: the same, its first letter percent-encoded. All mean `/{p}` or below. */
const SAME_PATH = [
  '/{p}', '/{p}/', '/{p}/x', '/{p}?x=y', '/{p}/?', '/{p}#x', '/{p}/;x', '//{p}', '///{p}//x', '/./{p}', '/././/{p}',
  '/x/../{p}', '/x/..//{p}', '/x/y/../../{p}', '/{p}/../{p}', '/{p}/x/..', '/{p}/.', '/{e}', '/{e}/x', '/%2F{p}', '/%2f%2f{e}',
  '/x/%2e%2e/{p}', '/x/.%2E/{e}', '/%2e/{p}', '/x%2F..%2F{p}', '/{p}%2Fx', '/{p}%2f', '/{p}/%2e', '/{p}%2f%2e%2e%2f{p}',
  'http://a.example/{p}', 'HTTP://A.EXAMPLE/{p}', 'http://a.example//{e}/', 'http://a.example./{p}', 'http://a.example:80/{p}',
  'http://a.example/x/../{p}', 'ftp://a.example/{p}',
] as const

/** What no spelling of another path may do: be refused with the first, or come to its end above the root. */
const NO_PATH = [
  '/{p}%00', '/%00/../{p}', '/../{p}', '/x/../../{p}', '/%2e%2e/{p}', '/%2e%2e%2f{p}', '/{p}%zz', '/%g{p}', '{p}', '\\{p}',
  '/\x01/../{p}', '/{p}\x7f', '*', 'a.example/{p}', 'http:///{p}', 'http:/{p}', 'http://a.example@b.example/{p}',
] as const

function named(templates: readonly string[], name: string): readonly string[] {
  const encoded = `%${name.charCodeAt(0).toString(16)}${name.slice(1)}`
  return templates.map((template) => template.replaceAll('{p}', name).replaceAll('{e}', encoded))
}

/** Request targets that mean `/<name>` or something below it. */
export function samePath(name: string): readonly string[] {
  return named(SAME_PATH, name)
}

/** Request targets that a server may refuse or understand, but never as a way around `/<name>`. */
export function noPath(name: string): readonly string[] {
  return named(NO_PATH, name)
}

/** Paths of their own, however much they look like `/<name>`: case counts, and so does what follows a segment. */
export function otherPath(name: string): readonly string[] {
  const [upper, rest] = [name.toUpperCase(), name.slice(1)]
  return [
    `/${name}x`, `/${name};x`, `/${name};/x`, `/${upper}`, `/${name}%20`, `/${name}%3Fx`, `/${name}%5Cx`, `/${name}.`, `/x/${name}`,
    `/${name}/..`, `/${name}/%2e%2e/x`, `/?/${name}`, `/%25${name}`, `/%25${name.charCodeAt(0).toString(16)}${rest}`, `/x%5C..%5C${name}`,
    `/\\${name}`, `/;/${name}`, `/.;/${name}`, `/..;/${name}`,
  ]
}

/** Values of `Host` that may be refused, or mean `a.example`; none is a way around what its routes say. */
export const HOSTS: readonly string[] = [
  'a.example', 'A.Example', 'a.example.', 'a.example:80', 'A.EXAMPLE.:8080', 'a.example:', 'a.example:99999', 'a.example:x',
  'a.example:80@b.example',
  'a.example..', 'user@a.example', 'a.example@b.example', 'a.example/x', 'a.example?x', 'a.example#x', 'a.example\\x',
  'a.example,b.example', 'a.example b.example', 'a.example%00', 'a%2Eexample', '.a.example', 'a..example', '[a.example]',
  '[::1]', '127.0.0.1', '', ' ', '\ta.example', 'a.example\t', 'a_example', '\xe0.example', 'a.example;x', '*.example', '_',
]

interface Frame {
  readonly name: string
  /** After the request line `POST /web HTTP/1.1` and the Host; ends with the empty line and the body. */
  readonly text: string
}

/** A second request, which is smuggled when anybody takes it for one. */
const SECOND = 'GET /smuggled HTTP/1.1\r\nHost: a.example\r\n\r\n'

function frame(name: string, headers: readonly string[], body = ''): Frame {
  return { name, text: `${headers.map((line) => `${line}\r\n`).join('')}\r\n${body}` }
}

const CHUNKED = 'Transfer-Encoding: chunked'
const NO_CHUNKS = `0\r\n\r\n${SECOND}`

/** Frames that front and back could understand differently: refused, all of them. */
export const AMBIGUOUS: readonly Frame[] = [
  frame('length and chunked', ['Content-Length: 4', CHUNKED], NO_CHUNKS),
  frame('chunked and length', [CHUNKED, 'Content-Length: 4'], NO_CHUNKS),
  frame('two lengths', ['Content-Length: 4', 'Content-Length: 40'], SECOND),
  frame('the same length twice', ['Content-Length: 4', 'Content-Length: 4'], SECOND),
  ...['+4', '-4', '0x4', '4,4', '4 4', '4;', '4.0', '1e1', '', '\x0b4', '99999999999999999999'].map((length) =>
    frame(`length ${JSON.stringify(length)}`, [`Content-Length: ${length}`], SECOND)),
  ...['xchunked', 'chunked, identity', 'identity', 'identity, chunked', 'gzip, chunked', 'chunked;x', '"chunked"', '\x0bchunked',
    'chunked\x0b', 'chu\tnked', ''].map((coding) => frame(`coding ${JSON.stringify(coding)}`, [`Transfer-Encoding: ${coding}`], NO_CHUNKS)),
  frame('chunked twice', [CHUNKED, CHUNKED], NO_CHUNKS),
  frame('chunked and something else', [CHUNKED, 'Transfer-Encoding: identity'], NO_CHUNKS),
  frame('a space before the colon', ['Transfer-Encoding : chunked'], NO_CHUNKS),
  frame('a tab before the colon', ['Content-Length\t: 4'], SECOND),
  frame('a folded line', ['X-A: b', ' Transfer-Encoding: chunked'], NO_CHUNKS),
  frame('a line folded by a tab', ['X-A: b', '\tContent-Length: 44'], SECOND),
  frame('a bare CR in a value', ['X-A: b\rTransfer-Encoding: chunked'], NO_CHUNKS),
  frame('a bare CR as the end of a line', ['X-A: b\rContent-Length: 44'], SECOND),
  frame('NUL in a value', ['X-A: b\0c'], ''),
  frame('NUL in a name', ['X\0A: b'], ''),
  frame('no colon', ['Transfer-Encoding chunked'], NO_CHUNKS),
  frame('no name', [': chunked'], ''),
  frame('another host', ['Host: b.example'], ''),
  frame('the same host twice', ['Host: a.example'], ''),
  ...['-1', '0x0', 'g', '', 'ffffffffffffffffff', '1 1', '+0'].map((size) =>
    frame(`chunk of size ${JSON.stringify(size)}`, [CHUNKED], `${size}\r\n\r\n${SECOND}`)),
]

/** Frames that are understood: what comes after their end is a request of its own, and judged as one. */
export const CLEAR: readonly Frame[] = [
  frame('a body that looks like a request', [`Content-Length: ${SECOND.length}`], SECOND),
  frame('chunks that look like a request', [CHUNKED], `${SECOND.length.toString(16)}\r\n${SECOND}\r\n0\r\n\r\n`),
  frame('an extension of a chunk', [CHUNKED], `${SECOND.length.toString(16)};a=b\r\n${SECOND}\r\n0\r\n\r\n`),
  frame('a trailer', [CHUNKED], '0\r\nContent-Length: 44\r\nX-Real-IP: 1.2.3.4\r\n\r\n'),
  frame('coding in capitals', ['TRANSFER-ENCODING: CHUNKED'], '0\r\n\r\n'),
  { name: 'bare LF', text: `X-A: b\nContent-Length: ${SECOND.length}\n\n${SECOND}` },
  frame('a name with "_"', ['Transfer_Encoding: chunked', 'Content_Length: 4'], ''),
]
