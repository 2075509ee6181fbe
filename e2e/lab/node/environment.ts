/** The environment of a container, and `$(NAME)` in its command and arguments. */

import type { V1Container, V1EnvFromSource, V1EnvVar, V1EnvVarSource, V1Pod } from '@kubernetes/client-node'
import type { Client, KubernetesObject } from '../client.ts'

export interface PodContext {
  readonly pod: V1Pod
  readonly client: Client
  readonly podAddress: string
  readonly nodeAddress: string
  readonly apiserver: { readonly host: string, readonly port: number }
}

export type Environment = Record<string, string>

/**
 * All variables in Kubernetes' order: the image's, the cluster's, `envFrom`, then `env`, where a later
 * one may refer to earlier ones. Throws ApiError when a Secret or ConfigMap is missing.
 */
export async function containerEnvironment(
  container: V1Container, image: Readonly<Environment>, context: PodContext,
): Promise<Environment> {
  const environment: Environment = {
    ...image,
    HOSTNAME: context.pod.metadata?.name ?? '',
    KUBERNETES_SERVICE_HOST: context.apiserver.host,
    KUBERNETES_SERVICE_PORT: String(context.apiserver.port),
  }
  for (const source of container.envFrom ?? []) Object.assign(environment, await sourceValues(source, context))
  for (const variable of container.env ?? []) {
    const value = await variableValue(variable, environment, context)
    if (value !== undefined) environment[variable.name] = value
  }
  return environment
}

async function sourceValues(source: V1EnvFromSource, context: PodContext): Promise<Environment> {
  const { secretRef, configMapRef, prefix = '' } = source
  const name = (secretRef ?? configMapRef)?.name ?? ''
  const data = await readData(secretRef === undefined ? 'ConfigMap' : 'Secret', name, context)
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [prefix + key, value]))
}

/** Replaces `$(NAME)`; `$$(NAME)` stays as `$(NAME)`, an unknown name stays as it is. */
export function expand(text: string, environment: Readonly<Environment>): string {
  return text.replace(/\$\$|\$\(([^)]+)\)/g, (match, name: string | undefined) => {
    if (name === undefined) return '$'
    return environment[name] ?? match
  })
}

async function variableValue(
  variable: V1EnvVar, environment: Readonly<Environment>, context: PodContext,
): Promise<string | undefined> {
  if (variable.valueFrom === undefined) return expand(variable.value ?? '', environment)
  const { fieldRef, secretKeyRef, configMapKeyRef } = variable.valueFrom
  if (fieldRef !== undefined) return fieldValue(fieldRef.fieldPath, context)
  if (secretKeyRef !== undefined) return await keyValue('Secret', secretKeyRef, context)
  if (configMapKeyRef !== undefined) return await keyValue('ConfigMap', configMapKeyRef, context)
  throw new Error(`the lab has no ${Object.keys(variable.valueFrom).join()} for ${variable.name}`)
}

async function keyValue(
  kind: 'Secret' | 'ConfigMap',
  reference: NonNullable<V1EnvVarSource['secretKeyRef']>,
  context: PodContext,
): Promise<string | undefined> {
  const data = await readData(kind, reference.name ?? '', context)
  const value = data[reference.key]
  if (value === undefined && reference.optional !== true) {
    throw new Error(`${kind} ${reference.name} has no key ${reference.key}`)
  }
  return value
}

/** The decoded content of a ConfigMap or Secret of the pod's namespace. */
export async function readData(
  kind: 'Secret' | 'ConfigMap', name: string, { pod, client }: PodContext,
): Promise<Record<string, string>> {
  const object = await client.get<KubernetesObject & { data?: Record<string, string> }>(
    `v1/${kind}`, { namespace: pod.metadata?.namespace ?? '', name },
  )
  const entries = Object.entries(object.data ?? {})
  return Object.fromEntries(kind === 'ConfigMap'
    ? entries
    : entries.map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]))
}

/** A field of the downward API; throws for one that the lab does not have. */
export function fieldValue(path: string, { pod, podAddress, nodeAddress }: PodContext): string {
  const { metadata = {}, spec } = pod
  const fields: Readonly<Record<string, string | undefined>> = {
    'metadata.name': metadata.name,
    'metadata.namespace': metadata.namespace,
    'metadata.uid': metadata.uid,
    'spec.nodeName': spec?.nodeName,
    'spec.serviceAccountName': spec?.serviceAccountName,
    'status.podIP': podAddress,
    'status.podIPs': podAddress,
    'status.hostIP': nodeAddress,
    'status.hostIPs': nodeAddress,
  }
  const keyed = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(path)
  if (keyed !== null) return metadata[keyed[1] as 'labels' | 'annotations']?.[keyed[2] ?? ''] ?? ''
  const value = fields[path]
  if (value === undefined) throw new Error(`the lab has no field ${path}`)
  return value
}
