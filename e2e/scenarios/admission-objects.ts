/** Objects for manifests/admission/: bad ones with what is said of them, and good ones that are close to them. */

import type { KubernetesObject } from '../lab/client.ts'
import { proxyOf, toService } from './proxy-objects.ts'
import { ingressOf } from './workload.ts'

interface Bad {
  readonly object: KubernetesObject
  readonly message: RegExp
}

const NGINX = 'nginx.ingress.kubernetes.io/'
const OWN = 'resty-ingress.io/'

function annotated(name: string, annotations: Readonly<Record<string, string>>, path = '/', secretName?: string): KubernetesObject {
  return ingressOf(name, {
    annotations,
    rules: [{ host: `${name}.example`, path, pathType: 'ImplementationSpecific', service: 'one' }],
    ...secretName === undefined ? {} : { tls: [{ hosts: [`${name}.example`], secretName }] },
  })
}

function service(name: string, annotations: Readonly<Record<string, string>>): KubernetesObject {
  const spec = { ports: [{ name: 'http', port: 80 }] }
  return { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: 'default', annotations: { ...annotations } }, spec } as KubernetesObject
}

function routed(name: string, rule: object, hosts: readonly string[] = [`${name}.example`]): KubernetesObject {
  return proxyOf(name, { ...toService('one', '', rule), hosts })
}

/** By what is wrong. */
export const BAD: Readonly<Record<string, Bad>> = {
  'a boolean': { object: annotated('boolean', { [`${NGINX}ssl-redirect`]: 'maybe' }), message: /ssl-redirect: allowed: \\?"true\\?"/ },
  'a boolean of ours': { object: annotated('own', { [`${OWN}canary`]: 'yes' }), message: /resty-ingress\.io\/canary: allowed/ },
  'a switch': { object: annotated('switch', { [`${NGINX}proxy-buffering`]: 'true' }), message: /proxy-buffering: allowed: \\?"on\\?"/ },
  'a number': { object: annotated('number', { [`${NGINX}canary-weight`]: '10%' }), message: /canary-weight: allowed: a whole number/ },
  'a number out of bounds': {
    object: annotated('bounds', { [`${NGINX}proxy-buffers-number`]: '257' }), message: /from 2 to 256/,
  },
  'a time': { object: annotated('time', { [`${NGINX}proxy-read-timeout`]: '10m' }), message: /proxy-read-timeout: .* in seconds/ },
  'a size': { object: annotated('size', { [`${NGINX}proxy-body-size`]: '10MB' }), message: /proxy-body-size: allowed: a size/ },
  'a snippet': {
    object: annotated('snippet', { [`${NGINX}configuration-snippet`]: 'return 200;' }), message: /never becomes NGINX configuration/,
  },
  'a rewrite-target with syntax': {
    object: annotated('target', { [`${NGINX}rewrite-target`]: '/$host;{' }), message: /rewrite-target: allowed: a path/,
  },
  'a protection that is not known': {
    object: annotated('protection', { [`${NGINX}auth-typo`]: 'basic' }), message: /auth-typo: unknown here; it protects/,
  },
  'a firewall': {
    object: annotated('firewall', { [`${NGINX}enable-modsecurity`]: 'true' }), message: /enable-modsecurity: unknown here/,
  },
  'a word that is none of them': {
    object: annotated('word', { [`${NGINX}auth-type`]: 'digest' }), message: /auth-type: allowed: basic/,
  },
  'a protocol': { object: annotated('protocol', { [`${NGINX}backend-protocol`]: 'AJP' }), message: /allowed: HTTP, HTTPS, / },
  'addresses that are none': {
    object: annotated('addresses', { [`${NGINX}allowlist-source-range`]: '10.0.0.0/8, all' }), message: /allowed: IP addresses/,
  },
  'a URL that is none': { object: annotated('url', { [`${NGINX}auth-url`]: 'auth.example/ask' }), message: /auth-url: allowed: a URL/ },
  'a Secret of another namespace in an annotation': {
    object: annotated('secret', { [`${NGINX}auth-tls-secret`]: 'other/ca' }), message: /another namespace are never read/,
  },
  'a regular expression that looks ahead': {
    object: annotated('regex', { [`${NGINX}use-regex`]: 'true' }, '/(?!private)'), message: /look-around/,
  },
  'a regular expression that refers back': {
    object: annotated('back', { [`${NGINX}use-regex`]: 'true' }, '/(a)\\1'), message: /back-references/,
  },
  'a Service whose conf is too long': { object: service('long', { conf: '# '.repeat(8193) }), message: /at most 16384/ },
  'a Service whose conf has a control character': {
    object: service('control', { [`${OWN}conf`]: 'more_set_headers "X: \u0007";' }), message: /no control characters/,
  },
  'a Service on a host that is none': {
    object: service('exposed', { [`${OWN}expose`]: 'good.example/path, not a host/' }), message: /expose: not a host\//,
  },
  'a Service on an address': { object: service('address', { [`${OWN}expose`]: '198.18.0.1/x' }), message: /expose: 198\.18\.0\.1/ },
  'a Proxy for an address': { object: routed('address', {}, ['198.18.0.1']), message: /an address is no host/ },
  'a Proxy whose path cannot match': { object: routed('never', { path: { value: '/a//b' } }), message: /can never match/ },
  'a Proxy whose path looks ahead': {
    object: routed('ahead', { path: { type: 'Regex', value: '/(?=x)' } }), message: /look-around/,
  },
  'a Proxy whose header looks behind': {
    object: routed('behind', { headers: [{ name: 'x', pattern: '(?<=a)b' }] }), message: /look-around/,
  },
  'a Proxy with too many combinations': {
    object: proxyOf('many', {
      hosts: Array.from({ length: 101 }, (_, i) => `h${i}.example`),
      rules: Array.from({ length: 100 }, (_, i) => ({ path: { value: `/${i}` }, backends: [{ service: 'one', port: 80 }] })),
    }),
    message: /at most 10000 combinations/,
  },
}

/** Each close to something bad. */
export const GOOD: readonly KubernetesObject[] = [
  annotated('plain', {}, '/web/*', 'plain-tls'),
  annotated('every', {
    [`${NGINX}ssl-redirect`]: 'False',
    [`${NGINX}proxy-buffering`]: ' off ',
    [`${NGINX}proxy-body-size`]: '0',
    [`${NGINX}proxy-read-timeout`]: '600',
    [`${NGINX}proxy-send-timeout`]: '600s',
    [`${NGINX}proxy-next-upstream-tries`]: '',
    'example.com/ssl-redirect': 'maybe',
  }),
  annotated('guarded', {
    [`${NGINX}auth-url`]: 'https://auth.example:8443/ask?a=$request_uri',
    [`${NGINX}auth-method`]: 'HEAD',
    [`${NGINX}allowlist-source-range`]: ' 10.0.0.0/8,2001:db8::/32 ',
    [`${NGINX}backend-protocol`]: 'https',
    [`${NGINX}session-cookie-samesite`]: 'lax',
    [`${NGINX}enable-modsecurity`]: 'false',
    [`${NGINX}limit-rate`]: '1000000000',
    [`${NGINX}auth-proxy-set-headers`]: 'default/headers',
  }),
  // Ours decides, so that what the other spelling says does not matter.
  annotated('both', { [`${NGINX}ssl-redirect`]: 'maybe', [`${OWN}ssl-redirect`]: 'true' }),
  annotated('expression', { [`${NGINX}use-regex`]: 'true', [`${NGINX}rewrite-target`]: '/$2' }, '/(?:api|rest)(/|$)(.*)\\d[(?=]'),
  service('one', { 'example.com/expose': 'not a host' }),
  service('exposed-well', { [`${OWN}expose`]: 'API.example/userInfo, *.example.org/, plain.example,', conf: 'expires 1h;\n' }),
  routed('api', { path: { type: 'Regex', value: '/(?:v1|v2)/\\d+$' }, headers: [{ name: 'x-version', pattern: '^[0-9]+$' }] }),
  proxyOf('ports', { tcp: [{ port: 9000, backend: { service: 'one', port: 80 } }] }),
]
