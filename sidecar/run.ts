/** `resty-ingress run`: a source, the controller, and the admin server. */
import { join } from 'node:path'
import type { Logger } from 'pino'
import { AdminError, startAdmin } from './api/server.ts'
import { streamsView } from './api/stream-views.ts'
import { Cluster } from './cluster/cluster.ts'
import { Handover } from './cluster/handover.ts'
import { Controller, type Outlets } from './controller/controller.ts'
import { tellDate } from './controller/date.ts'
import { watchNames, type NamesOptions } from './dns/names.ts'
import { watchManifests } from './files/watch.ts'
import { inspectionViews } from './inspect/views.ts'
import { metricsOptions } from './metrics/metrics.ts'
import { StartError, type Options } from './options/options.ts'
import { pipelineOptions } from './options/pipeline.ts'

export interface Running {
  /** Port of the admin server: useful where 0 was asked for. */
  readonly adminPort: number
  /** Not ready from now on; everything else goes on until `close`. */
  leave(): void
  close(): Promise<void>
}

/** Throws StartError when there is nothing to read the objects from, or a port is taken. */
export async function runController(options: Options, log: Logger, version: string): Promise<Running> {
  const { manifests } = options
  const source = manifests === undefined ? await clusterSource(options, log) : folderSource(manifests, log)
  const names = await watchNames(namesOptions(options), log, (name, answer) => controller.resolved(name, answer))
  const outlets = { ...source.outlets, names: (needed: readonly string[]) => names.follow(needed) }
  const controller: Controller = new Controller(options, log, outlets)
  await controller.prepare()
  const admin = await startAdmin({
    host: options['healthz-host'],
    port: options['healthz-port'],
    healthCheckPath: options['health-check-path'],
    views: {
      notReady: () => controller.notReady(),
      ...inspectionViews(controller, version),
      findings: () => controller.findings.all(),
      streams: () => streamsView(controller.pipeline.layer4, controller.dataPlane.status?.capabilities.stream_lua),
      generations: () => controller.generations.all(),
    },
    metrics: metricsOptions(controller, options, { version, isLeading: source.isLeading }),
  }).catch((error: unknown) => {
    throw error instanceof AdminError ? new StartError(error.message) : error
  })
  log.info({ port: admin.port }, 'health, metrics and admin API')
  await source.start(controller)
  const stopTelling = tellDate((now) => controller.itIs(now))
  return {
    adminPort: admin.port,
    leave: () => {
      controller.leave()
      source.leave()
    },
    close: async () => {
      stopTelling()
      await source.close()
      await names.close()
      await admin.close()
      await controller.close()
    },
  }
}

function namesOptions(options: Options): NamesOptions {
  return {
    file: join(options['run-dir'], 'names.json'),
    servers: options['dns-server'],
    intervalSeconds: options['dns-interval'],
    podAddresses: options.podAddresses,
  }
}

/** Where the objects come from, and where what is found out goes. */
interface Source {
  readonly outlets: Omit<Outlets, 'names'>
  start(controller: Controller): Promise<void>
  /** This replica writes what is found out. */
  readonly isLeading: () => boolean
  /** This replica is about to end. */
  leave(): void
  close(): Promise<void>
}

async function clusterSource(options: Options, log: Logger): Promise<Source> {
  const cluster = await Cluster.find(options, log)
  let handover: Handover | undefined
  return {
    outlets: cluster.outlets,
    start: async (controller) => {
      cluster.followZone((zone) => controller.inZone(zone))
      handover = new Handover({
        sink: controller.sink,
        pipeline: controller.pipeline,
        classes: pipelineOptions(options),
        seconds: options['handover-period'],
        began: (key) => cluster.handOver(key, true),
        returned: (key) => cluster.handOver(key, false),
      })
      cluster.start(handover, () => controller.sourceComplete())
    },
    isLeading: () => cluster.isLeading(),
    leave: () => cluster.leave(),
    close: async () => {
      handover?.close()
      await cluster.close()
    },
  }
}

/** Without an API server there is nobody to write a status or an Event to: the log tells the findings. */
function folderSource(dir: string, log: Logger): Source {
  let close = async (): Promise<void> => {}
  return {
    outlets: { referenced: () => {}, findings: () => {}, served: () => {}, refused: () => {}, forgotten: () => {} },
    start: async (controller) => {
      const watcher = await watchManifests({
        dir,
        sink: controller.sink,
        onFindings: (findings) => controller.report('files', findings),
        onError: (error) => log.error({ err: error }, 'the folder is not followed any more'),
      }).catch((error: unknown) => {
        throw new StartError(`cannot read the folder ${dir}: ${error instanceof Error ? error.message : String(error)}`)
      })
      close = () => watcher.close()
      controller.sourceComplete()
    },
    isLeading: () => true,
    leave: () => {},
    close: () => close(),
  }
}
