/** The objects of a row: a namespace with a host of its own, and a path of another namespace at the same host. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Row, Scene } from './row.ts'
import type { PeerName, World } from './world.ts'

const PREFIX = 'nginx.ingress.kubernetes.io'

type Annotations = Readonly<Record<string, string>>

/** Throws unless the file has that test: `backends.test.ts: what it is called`, from the folder above. */
export function assertTest(pointer: string): void {
  const [file = '', title = ''] = pointer.split(/: (.*)/)
  const text = readFileSync(join(import.meta.dirname, '..', file), 'utf8')
  assert.ok(["'", '`'].some((quote) => text.includes(`test(${quote}${title}${quote},`)), pointer)
}

export interface Case {
  /** Of the namespace; its host is `<name>.example`. */
  readonly name: string
  readonly annotations: Annotations
  readonly scene: Scene
}

/** Those of one annotation: where one request shows what a good value does, and where the value is bad. */
export function casesOf(annotation: string, { beside, scene = {}, good, shows, bad }: Row): Case[] {
  const { otherwise = scene.peers } = scene
  const peers = otherwise === undefined ? {} : { peers: otherwise }
  return [
    ...(typeof shows === 'string' ? [] : [{ name: `good-${annotation}`, annotations: { ...beside, [annotation]: good }, scene }]),
    { name: `bad-${annotation}`, annotations: { ...beside, [annotation]: bad }, scene: { ...scene, ...peers } },
  ]
}

/** Rows have their hosts; who is younger only adds a path. */
const [OLDER, YOUNGER] = ['2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z']

interface Ingress {
  readonly name: string
  readonly namespace: string
  readonly host: string
  readonly path?: string
  readonly annotations?: Annotations
  readonly tls?: boolean
}

/** It leads to the port `http` of the Service of its name. */
function ingress({ name, namespace, host, path = '/', annotations = {}, tls = false }: Ingress): object {
  const prefixed = Object.entries(annotations).map(([key, value]) => [`${PREFIX}/${key}`, value])
  const pathType = /[[(*]/.test(path) ? 'ImplementationSpecific' : 'Prefix'
  const paths = [{ path, pathType, backend: { service: { name, port: { name: 'http' } } } }]
  return {
    apiVersion: 'networking.k8s.io/v1', kind: 'Ingress',
    metadata: { name, namespace, annotations: Object.fromEntries(prefixed), creationTimestamp: OLDER },
    spec: { rules: [{ host, http: { paths } }], ...(tls ? { tls: [{ hosts: [host] }] } : {}) },
  }
}

interface Service {
  readonly name: string
  readonly namespace: string
  readonly peers: readonly PeerName[]
  readonly clusterIp?: PeerName
}

function service({ name, namespace, peers, clusterIp }: Service, { ports }: World): object[] {
  const port = { name: 'http', port: clusterIp === undefined ? 80 : ports[clusterIp] }
  const spec = { ports: [port], ...(clusterIp === undefined ? {} : { clusterIPs: ['127.0.0.1'] }) }
  return [
    { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace }, spec },
    ...peers.map((peer) => ({
      apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', addressType: 'IPv4', ports: [{ name: 'http', port: ports[peer] }],
      metadata: { name: `${name}-${peer}`, namespace, labels: { 'kubernetes.io/service-name': name } },
      endpoints: [{ addresses: ['127.0.0.1'], conditions: { ready: true } }],
    })),
  ]
}

/** `{name}` and `{peer}` are what they stand for. */
export function filled(text: string, name: string, { ports }: World): string {
  const port = (peer: string): number | undefined => (new Map<string, number>(Object.entries(ports))).get(peer)
  return text.replace(/\{([a-z]+)\}/g, (whole, word: string) => {
    if (word === 'name') return name
    return port(word) === undefined ? whole : `127.0.0.1:${port(word)}`
  })
}

export function objectsOf({ name, annotations, scene }: Case, world: World): object[] {
  const { peers = ['web'], path = '/', tls = false, clusterIp, main } = scene
  const [namespace, host] = [name, `${name}.example`]
  const texts = Object.entries(annotations).map(([key, value]) => [key, filled(value, name, world)] as const)
  return [
    ...world.supplies(namespace),
    ...service({ name, namespace, peers, ...(clusterIp === undefined ? {} : { clusterIp }) }, world),
    ingress({ name, namespace, host, path, annotations: Object.fromEntries(texts), tls }),
    ...(main === undefined ? [] : [
      ...service({ name: 'main', namespace, peers: ['other'] }, world),
      ingress({ name: 'main', namespace, host, path, annotations: main }),
    ]),
    { ...ingress({ name: 'near', namespace: 'near', host, path: '/near' }), metadata: { name, namespace: 'near', creationTimestamp: YOUNGER } },
  ]
}

/** The other namespace: `near.example`, and the Service behind its paths at the hosts of rows. */
export function neighbour(world: World, annotations: Annotations = {}): object[] {
  const near = { name: 'near', namespace: 'near' }
  return [...service({ ...near, peers: ['web'] }, world), ingress({ ...near, host: 'near.example', annotations })]
}
