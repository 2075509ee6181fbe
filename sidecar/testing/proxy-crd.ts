/** The CustomResourceDefinition of Proxy, as `manifests/base/crd-proxies.yaml` has it. */
import type { Schema } from '../policy/common/schema.ts'
import { SPEC_SCHEMA } from '../source/proxy/schema.ts'

const CONDITION: Schema = {
  type: 'object',
  description: 'One thing that is known of the Proxy.',
  required: ['type', 'status', 'reason', 'message', 'lastTransitionTime'],
  properties: {
    type: { type: 'string', description: 'Accepted, ResolvedRefs or Programmed.', maxLength: 316 },
    status: { type: 'string', description: 'Whether it is so.', enum: ['True', 'False', 'Unknown'] },
    reason: { type: 'string', description: 'Why, in one CamelCase word.', minLength: 1, maxLength: 1024 },
    message: { type: 'string', description: 'Why, for people.', maxLength: 32_768 },
    lastTransitionTime: { type: 'string', format: 'date-time', description: 'When status last changed.' },
    observedGeneration: {
      type: 'integer', format: 'int64', minimum: 0, description: 'Generation of the spec that the condition is about.',
    },
  },
}

const STATUS: Schema = {
  type: 'object',
  description: 'What the controller knows of the Proxy.',
  properties: {
    conditions: {
      type: 'array',
      description:
        'Accepted: the spec is understood. ResolvedRefs: all that it names is there and may be used. ' +
        'Programmed: every worker of OpenResty serves it.',
      maxItems: 16,
      items: CONDITION,
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['type'],
    },
  },
}

const COLUMNS = [
  { name: 'Hosts', type: 'string', jsonPath: '.spec.hosts' },
  { name: 'Programmed', type: 'string', jsonPath: '.status.conditions[?(@.type=="Programmed")].status' },
  { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
]

export const CRD = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'proxies.resty-ingress.io', labels: { 'app.kubernetes.io/name': 'resty-ingress' } },
  spec: {
    group: 'resty-ingress.io',
    names: { kind: 'Proxy', listKind: 'ProxyList', plural: 'proxies', singular: 'proxy', shortNames: ['rp'] },
    scope: 'Namespaced',
    versions: [
      {
        name: 'v1alpha1',
        served: true,
        storage: true,
        additionalPrinterColumns: COLUMNS,
        subresources: { status: {} },
        schema: {
          openAPIV3Schema: {
            type: 'object',
            description: 'How requests for some hosts reach Services, and what is done to them on the way.',
            required: ['spec'],
            properties: {
              apiVersion: { type: 'string', description: 'Version of the schema: resty-ingress.io/v1alpha1.' },
              kind: { type: 'string', description: 'Proxy.' },
              metadata: { type: 'object' },
              spec: SPEC_SCHEMA,
              status: STATUS,
            },
          },
        },
      },
    ],
  },
} as const
