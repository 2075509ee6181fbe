import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { V1Deployment } from '@kubernetes/client-node'
import { enterLab } from './enter.ts'
import { startLab } from './lab.ts'

await enterLab()
const lab = await startLab({ nodes: 2 })
after(async () => { await lab.close() })

test('pods of a Deployment become ready, reachable, and endpoints', async () => {
  await lab.apply(`
apiVersion: apps/v1
kind: Deployment
metadata: {name: echo}
spec:
  replicas: 3
  selector: {matchLabels: {app: echo}}
  template:
    metadata: {labels: {app: echo}}
    spec:
      containers:
      - name: echo
        image: registry.k8s.io/gateway-api/echo-basic:v1
        ports: [{name: http, containerPort: 3000}]
        env:
        - {name: POD_NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
        - {name: NAMESPACE, valueFrom: {fieldRef: {fieldPath: metadata.namespace}}}
        readinessProbe: {httpGet: {path: /health, port: http}, periodSeconds: 1}
---
apiVersion: v1
kind: Service
metadata: {name: echo}
spec: {selector: {app: echo}, ports: [{port: 80, targetPort: http}]}
`)
  await lab.waitForDeployment('default', 'echo')
  const endpoints = await lab.waitFor('three endpoints', async () => {
    const found = await lab.endpoints('default', 'echo')
    return found.length === 3 && found.every(endpoint => endpoint.conditions?.ready) ? found : undefined
  })
  const names = await Promise.all(endpoints.map(async ({ addresses: [address] }) => {
    const response = await fetch(`http://${address}:3000/`)
    return (await response.json() as { pod: string }).pod
  }))
  const pods = await lab.pods('default', 'app=echo')
  assert.deepEqual(names.sort(), pods.map(pod => pod.metadata?.name).sort())
  const deployment = await lab.client.get<V1Deployment & object>('apps/v1/Deployment', { namespace: 'default', name: 'echo' })
  assert.equal(deployment.status?.readyReplicas, 3)
})
