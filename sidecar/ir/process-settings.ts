/** Settings of NGINX as a process: workers, logs, where it listens, what it takes for the head of a request. */
import { DEFAULT_STREAM_LOG_FORMAT, type LogFormat } from './log-format.ts'

export const LOG_LEVELS = ['debug', 'info', 'notice', 'warn', 'error', 'crit', 'alert', 'emerg'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

export interface ProcessSettings {
  /** 0 = what the container allows. */
  readonly maxWorkerOpenFiles: number
  /** `auto`, or a mask of CPUs for each worker; empty: the kernel chooses. */
  readonly workerCpuAffinity: readonly string[]
  /** Ranges of addresses whose connections the error log has in detail. */
  readonly debugConnections: readonly string[]
  /** Numeric addresses to listen on where `--bind-address` names none; empty: all. */
  readonly bindAddress: readonly string[]
  readonly disableIpv6: boolean
  readonly errorLogLevel: LogLevel
  /** Paths with their query, compared as they came, whose requests are not logged. */
  readonly skipAccessLogUrls: readonly string[]
  /** Requests without a route are logged, too. */
  readonly logDefaultBackend: boolean
  readonly disableHttpAccessLog: boolean
  readonly disableStreamAccessLog: boolean
  readonly logFormatStream: LogFormat
  /** X-Request-ID is made where a client sends none. */
  readonly generateRequestId: boolean
  readonly enableUnderscoresInHeaders: boolean
  /** The address of the client comes from a header even where the other forwarded headers do not count. */
  readonly enableRealIp: boolean
  readonly forwardedForHeader: string
}

export const DEFAULT_PROCESS_SETTINGS: ProcessSettings = {
  maxWorkerOpenFiles: 0,
  workerCpuAffinity: [],
  debugConnections: [],
  bindAddress: [],
  disableIpv6: false,
  errorLogLevel: 'notice',
  skipAccessLogUrls: [],
  // ingress-nginx: false.
  logDefaultBackend: true,
  disableHttpAccessLog: false,
  disableStreamAccessLog: false,
  logFormatStream: DEFAULT_STREAM_LOG_FORMAT,
  generateRequestId: true,
  enableUnderscoresInHeaders: false,
  enableRealIp: false,
  forwardedForHeader: 'X-Forwarded-For',
}
