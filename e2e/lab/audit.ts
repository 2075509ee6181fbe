/** What service accounts write: the apiserver keeps a log of it, so that a test can tell who wrote what. */

import { readFile } from 'node:fs/promises'

/** Only what several replicas of a controller could write. */
export const AUDIT_POLICY = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [
    {
      level: 'Metadata',
      userGroups: ['system:serviceaccounts'],
      verbs: ['create', 'update', 'patch'],
      resources: [
        { group: '', resources: ['events'] },
        { group: 'coordination.k8s.io', resources: ['leases'] },
        { group: 'networking.k8s.io', resources: ['ingresses/status'] },
        { group: 'resty-ingress.io', resources: ['proxies/status'] },
      ],
    },
    { level: 'None' },
  ],
}

export interface Write {
  readonly time: Date
  /** Name of the pod that asked for it: tokens are bound to pods. */
  readonly pod: string
  /** Plural, and the subresource if there is one: `ingresses/status`. */
  readonly resource: string
  readonly namespace: string
  readonly name: string
  /** HTTP status of the answer: what is refused is in the log, too. */
  readonly status: number
}

const POD_NAME = 'authentication.kubernetes.io/pod-name'

interface RawEntry {
  readonly requestReceivedTimestamp: string
  readonly user?: { extra?: Readonly<Record<string, readonly string[]>> }
  readonly objectRef?: { resource?: string, subresource?: string, namespace?: string, name?: string }
  readonly responseStatus?: { code: number }
}

/** All writes so far, in the order in which they were answered. */
export async function readAuditLog(file: string): Promise<Write[]> {
  const lines = (await readFile(file, 'utf8')).split('\n')
  // The last line is empty, or not complete yet.
  return lines.slice(0, -1).map((line) => toWrite(JSON.parse(line) as RawEntry))
}

function toWrite({ requestReceivedTimestamp, user, objectRef, responseStatus }: RawEntry): Write {
  return {
    time: new Date(requestReceivedTimestamp),
    pod: user?.extra?.[POD_NAME]?.[0] ?? '',
    ...toObject(objectRef),
    status: responseStatus?.code ?? 0,
  }
}

function toObject(reference: RawEntry['objectRef']): Pick<Write, 'resource' | 'namespace' | 'name'> {
  const { resource = '', subresource, namespace = '', name = '' } = reference ?? {}
  return { resource: subresource === undefined ? resource : `${resource}/${subresource}`, namespace, name }
}
