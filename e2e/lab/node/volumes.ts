/** The volumes of a pod as folders; ownership as a kubelet gives it. */

import type { V1KeyToPath, V1Pod, V1ProjectedVolumeSource, V1Volume } from '@kubernetes/client-node'
import { chmod, chown, mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { readData, fieldValue, type PodContext } from './environment.ts'

/** Relative path -> content. */
type Files = Record<string, string>

const TOKEN_SECONDS = 3607

export class Volumes {
  readonly #folder: string
  readonly #context: PodContext
  readonly #timers: NodeJS.Timeout[] = []

  constructor(folder: string, context: PodContext) {
    this.#folder = folder
    this.#context = context
  }

  path(name: string): string {
    return join(this.#folder, name)
  }

  /** Makes all volumes of the pod; throws when something they need is missing, and may be called again. */
  async make(): Promise<void> {
    for (const volume of this.#context.pod.spec?.volumes ?? []) await this.#makeVolume(volume)
  }

  /** Ends the renewal of tokens. */
  close(): void {
    for (const timer of this.#timers) clearInterval(timer)
  }

  async #makeVolume(volume: V1Volume): Promise<void> {
    const folder = this.path(volume.name)
    await mkdir(folder, { recursive: true })
    if (volume.emptyDir !== undefined) {
      await chmod(folder, 0o777)
      await this.#giveToGroup(folder, 0o2777)
      return
    }
    const files = await this.#volumeFiles(volume)
    await this.#writeFiles(folder, files)
    if (volume.projected?.sources?.some((source) => source.serviceAccountToken !== undefined) === true) {
      this.#renew(volume, folder)
    }
  }

  async #volumeFiles(volume: V1Volume): Promise<Files> {
    const { secret, configMap, projected, downwardAPI } = volume
    if (secret !== undefined) {
      return await this.#dataFiles('Secret', secret.secretName ?? '', secret)
    }
    if (configMap !== undefined) return await this.#dataFiles('ConfigMap', configMap.name ?? '', configMap)
    if (projected !== undefined) return await this.#projectedFiles(projected)
    if (downwardAPI !== undefined) return this.#fieldFiles(downwardAPI.items)
    throw new Error(`volume ${volume.name}: the lab has no ${Object.keys(volume).filter((key) => key !== 'name').join()}`)
  }

  async #projectedFiles(projected: V1ProjectedVolumeSource): Promise<Files> {
    const files: Files = {}
    for (const source of projected.sources ?? []) {
      const { secret, configMap, serviceAccountToken: token, downwardAPI } = source
      if (secret !== undefined) Object.assign(files, await this.#dataFiles('Secret', secret.name ?? '', secret))
      if (configMap !== undefined) {
        Object.assign(files, await this.#dataFiles('ConfigMap', configMap.name ?? '', configMap))
      }
      if (token !== undefined) files[token.path] = await this.#token(token.audience, token.expirationSeconds)
      if (downwardAPI !== undefined) Object.assign(files, this.#fieldFiles(downwardAPI.items))
    }
    return files
  }

  #fieldFiles(items: readonly { path: string, fieldRef?: { fieldPath: string } }[] = []): Files {
    return Object.fromEntries(items.map((item) => [item.path, fieldValue(item.fieldRef?.fieldPath ?? '', this.#context)]))
  }

  async #dataFiles(
    kind: 'Secret' | 'ConfigMap', name: string, options: { items?: V1KeyToPath[], optional?: boolean },
  ): Promise<Files> {
    const data = await readData(kind, name, this.#context).catch((error: unknown): Files => {
      if (options.optional === true) return {}
      throw error
    })
    if (options.items === undefined) return data
    return Object.fromEntries(options.items.map((item) => [item.path, data[item.key] ?? '']))
  }

  /** A token that the apiserver binds to this pod. */
  async #token(audience: string | undefined, seconds = TOKEN_SECONDS): Promise<string> {
    const { metadata, spec } = this.#context.pod
    const path = `/api/v1/namespaces/${metadata?.namespace}/serviceaccounts/${spec?.serviceAccountName ?? 'default'}/token`
    const request = {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: {
        ...audience === undefined ? {} : { audiences: [audience] },
        expirationSeconds: seconds,
        boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: metadata?.name, uid: metadata?.uid },
      },
    }
    const answer = await this.#context.client.call('POST', path, request) as { status: { token: string } }
    return answer.status.token
  }

  /** As a kubelet: a token is replaced when four fifths of its life are over. */
  #renew(volume: V1Volume, folder: string): void {
    const sources = volume.projected?.sources ?? []
    const lives = sources.map((source) => source.serviceAccountToken?.expirationSeconds ?? TOKEN_SECONDS)
    const timer = setInterval(() => {
      this.#volumeFiles(volume).then((files) => this.#writeFiles(folder, files)).catch(() => {})
    }, Math.min(...lives) * 800)
    timer.unref()
    this.#timers.push(timer)
  }

  /** Like a kubelet: the files are links through `..data`, which one rename replaces. */
  async #writeFiles(folder: string, files: Files): Promise<void> {
    const version = `..${Date.now()}`
    for (const [path, content] of Object.entries(files)) {
      const file = join(folder, version, path)
      await mkdir(dirname(file), { recursive: true })
      await writeFile(file, content)
      await this.#giveToGroup(file, 0o640)
    }
    await rm(join(folder, '..data_tmp'), { force: true })
    await symlink(version, join(folder, '..data_tmp'))
    await rename(join(folder, '..data_tmp'), join(folder, '..data'))
    for (const name of new Set(Object.keys(files).map((path) => path.split('/')[0] ?? ''))) {
      await symlink(join('..data', name), join(folder, name)).catch(ignoreExisting)
    }
  }

  async #giveToGroup(path: string, mode: number): Promise<void> {
    const group = podGroup(this.#context.pod)
    if (group === undefined) return
    await chown(path, 0, group)
    await chmod(path, mode)
  }
}

function podGroup(pod: V1Pod): number | undefined {
  return pod.spec?.securityContext?.fsGroup
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error
}
