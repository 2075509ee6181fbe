/** The metrics of the processes of NGINX in Prometheus' text format, under the names of ingress-nginx. */
import { labelText } from './exposition.ts'

const PREFIX = 'nginx_ingress_controller_nginx_process_'

/** The answer of `GET /v1/processes` (docs/control-api.md). What the kernel does not tell is absent. */
export interface Processes {
  readonly processes: Readonly<Record<string, number | undefined>>
  readonly connections: Readonly<Record<string, number | undefined>>
  readonly requests?: number
}

interface Metric {
  readonly name: string
  readonly type: 'counter' | 'gauge'
  readonly help: string
  readonly member: string
}

const OF_PROCESSES: readonly Metric[] = [
  { name: 'num_procs', type: 'gauge', help: 'number of processes', member: 'count' },
  { name: 'cpu_seconds_total', type: 'counter', help: 'Cpu usage in seconds', member: 'cpu_seconds' },
  { name: 'resident_memory_bytes', type: 'gauge', help: 'number of bytes of memory in use', member: 'resident_bytes' },
  { name: 'virtual_memory_bytes', type: 'gauge', help: 'number of bytes of memory in use', member: 'virtual_bytes' },
  { name: 'read_bytes_total', type: 'counter', help: 'number of bytes read', member: 'read_bytes' },
  { name: 'write_bytes_total', type: 'counter', help: 'number of bytes written', member: 'write_bytes' },
  {
    name: 'oldest_start_time_seconds', type: 'gauge', help: 'start time in seconds since 1970/01/01',
    member: 'oldest_start_time',
  },
]

const STATES = { connections: ['active', 'reading', 'writing', 'waiting'], connections_total: ['accepted', 'handled'] } as const

/** `labels`: those that every series has. */
export function processMetrics(source: Processes, labels: Readonly<Record<string, string>>): string {
  const { processes, connections, requests } = source
  const constant = labelText(labels)
  return [
    ...OF_PROCESSES.map((metric) => family(metric, [[constant, processes[metric.member]]])),
    family({ name: 'requests_total', type: 'counter', help: 'total number of client requests' }, [[constant, requests]]),
    states('connections', 'gauge', 'current number of client connections with state {active, reading, writing, waiting}'),
    states('connections_total', 'counter', 'total number of connections with state {accepted, handled}'),
  ].join('')

  function states(name: keyof typeof STATES, type: Metric['type'], help: string): string {
    const samples = STATES[name].map((state) => [`${constant},state="${state}"`, connections[state]] as const)
    return family({ name, type, help }, samples)
  }
}

type Sample = readonly [labels: string, value: number | undefined]

function family({ name, type, help }: Omit<Metric, 'member'>, samples: readonly Sample[]): string {
  const lines = samples.filter(([, value]) => value !== undefined).map(([labels, value]) => `${PREFIX}${name}{${labels}} ${value}\n`)
  return `# HELP ${PREFIX}${name} ${help}\n# TYPE ${PREFIX}${name} ${type}\n${lines.join('')}`
}
