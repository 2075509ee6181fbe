/** The controller under test: the pod from `manifests/`, and a look into it. */

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { V1Service } from '@kubernetes/client-node'
import type { Finding } from '../../sidecar/ir/origin.ts'
import { ControlClient, type DataPlaneStatus } from '../../sidecar/dataplane/client.ts'
import type { Target } from '../lab/faults.ts'
import type { Lab } from '../lab/lab.ts'
import { REPOSITORY, VARIANTS, type Variant } from '../lab/tools.ts'
import { ask } from './http.ts'

/** Node as the sidecar's image has it. */
const NODE = '/app/node_modules/node/bin/node'
const MAIN = '/app/sidecar/main.ts'
const ADMIN = 'http://127.0.0.1:10254'

/** The variant to test: a lab has one NGINX, so a process tests one. */
export function variantUnderTest(): Variant {
  const name = process.env['RESTY_INGRESS_VARIANTS'] ?? 'next'
  const variant = VARIANTS.find((known) => known === name)
  if (variant === undefined) throw new Error(`RESTY_INGRESS_VARIANTS must be one of ${VARIANTS.join(', ')}`)
  return variant
}

/** Applies `manifests/` as users do, and waits until the controller is ready and has its address. */
export async function startController(lab: Lab): Promise<Controller> {
  await lab.applyFolder(join(REPOSITORY, 'manifests'))
  return await findController(lab, 'resty-ingress')
}

/** The controller in a namespace, once it is ready and answers at the address of its Service. */
export async function findController(lab: Lab, namespace: string): Promise<Controller> {
  await lab.waitForDeployment(namespace, 'resty-ingress')
  const service = await lab.waitForObject<V1Service & object>('v1/Service', { namespace, name: 'resty-ingress' },
    ({ status }) => status?.loadBalancer?.ingress?.[0]?.ip !== undefined)
  const pod = await lab.waitFor('the only pod of the controller', async () => {
    const pods = await lab.pods(namespace, 'app.kubernetes.io/name=resty-ingress')
    return pods.length === 1 && pods[0]?.metadata?.name
  })
  const address = service.status?.loadBalancer?.ingress?.[0]?.ip ?? ''
  // Its pod is ready before the load balancer knows.
  await lab.waitFor(`an answer of ${namespace}`, () => ask({ address, host: namespace }).then(() => true, () => false))
  return new Controller(lab, { namespace, pod }, address)
}

/** What must not change while nothing reloads. */
export interface Generation {
  readonly generation: number
  readonly workers: readonly number[]
}

export class Controller {
  readonly lab: Lab
  /** Of its Service, as clients outside of the cluster use it. */
  readonly address: string
  readonly sidecar: Target
  readonly openresty: Target

  constructor(lab: Lab, pod: Target, address: string) {
    this.lab = lab
    this.address = address
    this.sidecar = { ...pod, container: 'sidecar' }
    this.openresty = { ...pod, container: 'openresty' }
  }

  /**
   * Of its pod, for clients none of whose requests may fail: a load balancer has no way to a controller that a busy
   * machine has kept from answering its probes.
   */
  get podAddress(): string {
    return this.lab.podAddress(this.openresty)
  }

  /** What OpenResty itself says. */
  async status(): Promise<DataPlaneStatus> {
    return await this.#ask((client) => client.status())
  }

  /** Digest of each record that OpenResty has. */
  async digests(): Promise<Readonly<Record<string, string>>> {
    return (await this.#ask((client) => client.digests())).digests
  }

  async generation(): Promise<Generation> {
    const { generation, workers } = await this.status()
    return { generation, workers: workers.map(({ pid }) => pid).sort((left, right) => left - right) }
  }

  /** The running configuration, byte for byte. */
  async nginxConf(): Promise<string> {
    return await readFile(join(this.#runFolder, 'nginx.conf'), 'utf8')
  }

  /** What is wrong now. */
  async findings(): Promise<readonly Finding[]> {
    return (JSON.parse(await this.#askAdmin('/v1/findings')) as { findings: readonly Finding[] }).findings
  }

  /** What the sidecar has translated, by key: what each record says, and its digest. */
  async records(): Promise<ReadonlyMap<string, string>> {
    const { records } = JSON.parse(await this.#askAdmin('/v1/records')) as { records: readonly { key: string }[] }
    return new Map(records.map((record) => [record.key, JSON.stringify(record)]))
  }

  /** Prometheus text. */
  async metrics(): Promise<string> {
    return await this.#askAdmin('/metrics')
  }

  /** What a command of `resty-ingress` prints in the container of the sidecar. */
  async command(args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.lab.exec(this.sidecar, [NODE, MAIN, ...args])
    if (code !== 0) throw new Error(`resty-ingress ${args.join(' ')} ends with ${code}: ${stderr}`)
    return stdout
  }

  /** From inside of the pod: that is where the admin API answers. */
  async #askAdmin(path: string): Promise<string> {
    const script = `fetch('${ADMIN}${path}').then(async it => process.stdout.write(await it.text()))`
    const { code, stdout, stderr } = await this.lab.exec(this.sidecar, [NODE, '-e', script])
    if (code !== 0) throw new Error(`the admin API does not answer: ${stderr}`)
    return stdout
  }

  get #runFolder(): string {
    return this.lab.volumePath(this.openresty, 'run')
  }

  async #ask<T>(question: (client: ControlClient) => Promise<T>): Promise<T> {
    const client = new ControlClient(join(this.#runFolder, 'control.sock'))
    try {
      return await question(client)
    } finally {
      await client.close()
    }
  }
}
