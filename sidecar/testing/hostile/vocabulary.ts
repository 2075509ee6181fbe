/**
 * Everything that nginx.conf may hold, learned from the golden cases: which directive may stand in which block, with
 * which words. Only numbers, addresses and generated names may differ, and what the administrator's ConfigMap types.
 */
import assert from 'node:assert/strict'
import { ROUTE_VARIABLES } from '../../ir/log-format.ts'
import { goldenConfigs } from './examples.ts'
import { readTree, type Node, type Tree } from './nginx-tree.ts'

const CIPHERS = /^[A-Z0-9a-z.:@+!-]+$/

/** Directives whose words have a type rather than a list: of ConfigMaps. */
const TYPED: Readonly<Record<string, RegExp>> = {
  ssl_ciphers: CIPHERS,
  proxy_ssl_ciphers: CIPHERS,
  ssl_conf_command: /^(?:Ciphersuites|[A-Z0-9_:]+)$/,
  ssl_ecdh_curve: /^[A-Za-z0-9:]+$/,
  real_ip_header: /^[A-Za-z0-9_-]{1,46}$/,
  worker_cpu_affinity: /^(?:auto|[01]{1,256})$/,
  error_log: /^[a-z]+(?:[.]log)?$/,
  proxy_ssl_name: /^[a-z0-9.-]{1,253}$/,
  fastcgi_index: /^[A-Za-z0-9._-]{1,64}$/,
  proxy_hide_header: /^[A-Za-z0-9_-]{1,46}$/,
  gzip_types: /^[a-z0-9./+*-]{1,46}$/,
  // The only one of other ConfigMaps: NGINX knows no name of a parameter that a variable holds.
  fastcgi_param: /^[A-Za-z0-9_.$/-]{1,2048}$/,
  log_format: /^(?:upstreaminfo|stream|escape=(?:none|json)|'(?:[^\\']|\\[\\'])*')$/u,
}

/** Of a header of the controller's ConfigMaps: its variable, which has the header's name in it. */
const HEADER_VARIABLE = /^\$(?:add|send)_[a-z0-9_]{1,40}$/
const HEADER_NAME = /^[A-Za-z0-9-]{1,40}$/
/** What follows name and variable. */
const HEADER_LINES: Readonly<Record<string, string>> = { add_header: 'always', proxy_set_header: '', grpc_set_header: '' }
const HEADER_TEXT = /^'(?:[ -&(-[\]-~]|\\[\\'])*'$/

const NEXT_UPSTREAM = ['error', 'timeout', 'invalid_header', 'non_idempotent', '<switch>', 'http_<n>']

/** Shapes of words that no golden case happens to have. */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  proxy_next_upstream: NEXT_UPSTREAM,
  grpc_next_upstream: NEXT_UPSTREAM,
  fastcgi_next_upstream: NEXT_UPSTREAM,
  ssl_protocols: ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'],
  worker_processes: ['auto'],
  // Of the map for Strict-Transport-Security.
  https: ['"max-age=<n>"', '"max-age=<n>; includeSubDomains"', '"max-age=<n>; preload"', '"max-age=<n>; includeSubDomains; preload"'],
}

const VARIABLE = ['proxy_upstream_name', 'proxy_alternative_upstream_name', 'new_id', ...ROUTE_VARIABLES].join('|')
/** Arguments of Lua: names of classes, and of variables. */
const LISTS = new RegExp(String.raw`\{ (?:"(?:<class>|${VARIABLE})", )*\}`, 'g')

/** A word without what may differ. */
function shape(word: string): string {
  return word
    .replace(/\b[0-9a-f]{64}\b/g, '<hash>')
    .replace(/\bauth_[0-9a-f]{32}\b/g, '<pool>')
    .replace(/(?<![a-z0-9])c[0-9a-f]{32}(?![0-9a-f])/g, '<class>')
    .replace(/\[?[0-9a-f]*:[0-9a-f:.]*:[0-9a-f:.]*\]?|\b\d+\.\d+\.\d+\.\d+\b/g, '<address>')
    .replace(/\d+/g, '<n>')
    .replace(LISTS, '<names>')
    .replace(/^(?:on|off)$/, '<switch>')
}

/** Whether a directive is one for such a header, with a name and a text of the types that these have. */
function isTypedHeader({ words, block = [] }: Node): boolean {
  const [name, header = '', variable = '', ...rest] = words
  if (!HEADER_VARIABLE.test(variable)) return false
  if (name === 'map') return block.length === 1 && block.every(isTypedText)
  return HEADER_NAME.test(header) && rest.join() === HEADER_LINES[name ?? '']
}

function isTypedText({ words: [name, text = '', ...rest] }: Node): boolean {
  return name === 'default' && HEADER_TEXT.test(text) && rest.length === 0
}

/** Without what ConfigMaps type: parameters of FastCGI and, when `all`, what the administrator's hold. */
export function withoutTyped(nodes: readonly Node[], all: boolean): readonly Node[] {
  const isTyped = (node: Node): boolean =>
    node.words[0] === 'fastcgi_param' || (all && (isTypedHeader(node) || (node.words[0] ?? '') in TYPED))
  return nodes
    .filter((node) => !isTyped(node))
    .map((node) => (node.block === undefined ? node : { ...node, block: withoutTyped(node.block, all) }))
}

interface Place {
  /** Names of the blocks around it, and its own. */
  readonly path: string
  readonly node: Node
}

function places(nodes: readonly Node[], around: string): Place[] {
  return nodes.filter((node) => !isTypedHeader(node)).flatMap((node) => {
    const path = `${around}/${shape(node.words[0] ?? '').replace(/^[/].*/, '<path>')}`
    return [{ path, node }, ...places(node.block ?? [], path)]
  })
}

/** The same directive of NGINX's module for HTTP backends: what those for others have under this name is like it. */
function ofProxy(path: string): string {
  return path.replace(/[/](?:grpc|fastcgi)_([a-z_]+)$/, '/proxy_$1')
}

/** By path: shapes of the words; those of Lua; comments. */
class Vocabulary {
  readonly #words = new Map<string, Set<string>>()
  readonly #lua = new Set<string>()
  readonly #comments = new Set<string>()

  learn({ nodes, comments }: Tree): void {
    for (const comment of comments) this.#comments.add(shape(comment))
    for (const { path, node } of places(nodes, '')) {
      const words = this.#words.get(path) ?? new Set(WORDS[node.words[0] ?? ''] ?? [])
      for (const word of node.words) words.add(shape(word))
      this.#words.set(path, words)
      if (node.lua !== undefined) this.#lua.add(`${path} ${shape(node.lua)}`)
    }
  }

  /** Fails at the first thing that no golden case has. */
  check({ nodes, comments }: Tree): void {
    for (const comment of comments) assert.ok(this.#comments.has(shape(comment)), `an unknown comment: ${comment}`)
    for (const place of places(nodes, '')) this.#checkPlace(place)
  }

  #checkPlace({ path, node }: Place): void {
    const [name = '', ...words] = node.words
    const known = [path, ofProxy(path)].flatMap((each) => this.#words.get(each) ?? [])
    assert.ok(known.length > 0, `no golden case has ${path}; one that should makes it known`)
    if (node.lua !== undefined) assert.ok(this.#lua.has(`${path} ${shape(node.lua)}`), `unknown Lua in ${path}: ${node.lua}`)
    for (const word of words) {
      const isWord = known.some((each) => each.has(shape(word))) || WORDS[name]?.includes(shape(word)) === true
      const type = TYPED[name] ?? TYPED[ofProxy(`/${name}`).slice(1)]
      assert.ok(isWord || type?.test(word) === true, `no golden case has ${path} with ${word}`)
    }
  }
}

const vocabulary = new Vocabulary()
for (const config of goldenConfigs()) vocabulary.learn(readTree(config))

/** Fails when a rendered configuration has anything but words of ours and typed values; gives it as a tree. */
export function assertVocabulary(config: string): Tree {
  const tree = readTree(config)
  vocabulary.check(tree)
  return tree
}
