/** `resty-ingress run`: connects the controller to a source, and its outlets to the world. */
import type { Logger } from 'pino'
import { Controller, type Outlets } from './controller.ts'
import { watchManifests } from './files/watch.ts'
import { loadKubeConfig } from './kube/client.ts'
import { ClusterSource } from './kube/source.ts'
import { ApiTransport } from './kube/transport.ts'
import type { Options } from './options.ts'

/** Why the controller cannot start, as a sentence for the person who started it. */
export class StartError extends Error {}

export interface Running {
  close(): Promise<void>
}

/** Throws StartError when there is nothing to read the objects from. */
export async function runController(options: Options, log: Logger): Promise<Running> {
  return options.manifests === undefined ? runInCluster(options, log) : runOnFolder(options, options.manifests, log)
}

const NOTHING: Outlets = { secrets: () => {}, findings: () => {}, served: () => {}, forgotten: () => {} }

async function runOnFolder(options: Options, dir: string, log: Logger): Promise<Running> {
  const controller = new Controller(options, log, NOTHING)
  await controller.prepare()
  const watcher = await watchManifests({
    dir,
    sink: controller.sink,
    onFindings: (findings) => controller.report('files', findings),
    onError: (error) => log.error({ err: error }, 'the folder is not followed any more'),
  }).catch((error: unknown) => {
    throw new StartError(`cannot read the folder ${dir}: ${error instanceof Error ? error.message : String(error)}`)
  })
  controller.sourceComplete()
  return {
    close: async () => {
      await watcher.close()
      await controller.close()
    },
  }
}

async function runInCluster(options: Options, log: Logger): Promise<Running> {
  throw new StartError('not yet')
}
