/**
 * Names with a meaning of their own, and grammars of those that come from objects: linear, length first;
 * the API server is never relied on.
 */

/** Of our annotations, before a slash; the other prefix is that of `--annotations-prefix`. */
export const OWN_PREFIX = 'resty-ingress.io'

/** The host of routes that serve any host; no DNS name has this form. */
export const ANY_HOST = '_'

/** The listener group of Ingress: the HTTP and the HTTPS port together. */
export const DEFAULT_LISTENER = 'default'

const LABEL = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/

/** RFC 1123 label: at most 63 of a-z, 0-9, `-`, not at the ends. */
export function isDnsLabel(text: string): boolean {
  return text.length > 0 && text.length <= 63 && LABEL.test(text)
}

/** RFC 1123 subdomain: labels joined by dots, at most 253 characters. */
export function isDnsName(text: string): boolean {
  return text.length > 0 && text.length <= 253 && text.split('.').every(isDnsLabel)
}

/**
 * Name of a Secret, ConfigMap, EndpointSlice and most others: a subdomain of RFC 1123, of which Kubernetes bounds the
 * length (253) and not that of its labels.
 */
export function isObjectName(text: string): boolean {
  return text.length > 0 && text.length <= 253 && text.split('.').every((label) => LABEL.test(label))
}

/** A host of a rule: a DNS name, or `*.` and a DNS name (Kubernetes: Ingress, "Hostname wildcards"). */
export function isHost(text: string): boolean {
  return isDnsName(text.startsWith('*.') ? text.slice(2) : text)
}

/** A port name: IANA_SVC_NAME, at most 15 characters, at least one letter, no `--`. */
export function isPortName(text: string): boolean {
  return text.length <= 15 && isDnsLabel(text) && /[a-z]/.test(text) && !text.includes('--')
}

/** A TCP port, 1 to 65535. */
export function isPortNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 65535
}

/** A port of layer 4 as one text: `tcp/9000`. */
export function portKey({ protocol, port }: { readonly protocol: 'TCP' | 'UDP'; readonly port: number }): string {
  return `${protocol.toLowerCase()}/${port}`
}

/**
 * Text of an object for a message: quoted, control characters visible, at most 80 characters. The user and password of
 * a URL are left out: messages are Events and lines of logs.
 */
export function quoted(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing'
  const shown = text.slice(0, 2048).replace(/:\/\/[^/?#\s]*@/g, '://[redacted]@')
  return shown.length <= 80 ? shown : `${shown.slice(0, 80)}…`
}
