/** Is an Ingress ours? The rules of Kubernetes (IngressClass) and the flags of ingress-nginx. */
import type { Reader } from '../collection/graph.ts'
import type { KubeObject } from '../collection/objects.ts'
import type { Finding, Origin } from '../ir/origin.ts'
import { fields, text } from '../util/field.ts'
import type { ClassOptions, Context } from './context.ts'

const CLASS_ANNOTATION = 'kubernetes.io/ingress.class'
const EXPOSE_CLASS_ANNOTATION = 'resty-ingress.io/ingress-class'
/** Name of the IngressClass in `manifests/`. */
const MANIFESTS_CLASS = 'resty-ingress'
const DEFAULT_ANNOTATION = 'ingressclass.kubernetes.io/is-default-class'

export interface ClassReading {
  readonly findings: readonly Finding[]
}

/** What decides about classes. */
export type Classes = Pick<Context, 'ingressClasses'> & { readonly options: ClassOptions }

/**
 * `spec.ingressClassName` decides when it is set, then the old annotation, then a default class of ours
 * (the API server fills it in only for Ingresses made after the class), then
 * `--watch-ingress-without-class`.
 */
export function isOurs(ingress: KubeObject, read: Reader, context: Classes): boolean {
  const { options } = context
  const className = text(fields(ingress.spec).ingressClassName)
  if (className !== '') return isOurClass(className, read, context)
  const annotation = ingress.metadata.annotations?.[CLASS_ANNOTATION] ?? ''
  if (annotation !== '') return annotation === options.ingressClass
  return isOursWithoutClass(read, context)
}

/**
 * Is a Service that exposes itself ours? It has no class: an annotation names one. Without it, that of our manifests is
 * meant, so that of several controllers only one serves it; where there is none of that name, it is as with an Ingress.
 */
export function isExposedByUs(service: KubeObject, read: Reader, context: Classes): boolean {
  const name = service.metadata.annotations?.[EXPOSE_CLASS_ANNOTATION]?.trim() ?? ''
  if (name !== '') return isOurClass(name, read, context)
  if (read.get(context.ingressClasses, `/${MANIFESTS_CLASS}`) !== undefined) return isOurClass(MANIFESTS_CLASS, read, context)
  return isOursWithoutClass(read, context)
}

function isOursWithoutClass(read: Reader, context: Classes): boolean {
  const { watchIngressWithoutClass } = context.options
  return watchIngressWithoutClass || read.all(context.ingressClasses).some((it) => isOurDefault(it, context))
}

/** Whether it names a class that there is, ours or not: somebody serves it. */
export function hasClass(ingress: KubeObject, read: Reader, { ingressClasses }: Classes): boolean {
  const className = text(fields(ingress.spec).ingressClassName)
  if (className !== '') return read.get(ingressClasses, `/${className}`) !== undefined
  return (ingress.metadata.annotations?.[CLASS_ANNOTATION] ?? '') !== ''
}

/** What is wrong with an IngressClass of ours; undefined: nothing. */
export function classFindings(ingressClass: KubeObject, options: ClassOptions): ClassReading | undefined {
  if (controllerOf(ingressClass) !== options.controllerClass) return undefined
  if (fields(ingressClass.spec).parameters === undefined) return undefined
  const { kind, apiVersion, metadata: { namespace, name, uid } } = ingressClass
  const origin: Origin = {
    kind, apiVersion, namespace, name, field: 'spec.parameters', ...(uid === undefined ? {} : { uid }),
  }
  const message = 'parameters of an IngressClass are not read; the settings of the controller are in its ConfigMap'
  return { findings: [{ origin, severity: 'warning', reason: 'ParametersIgnored', message }] }
}

function isOurClass(name: string, read: Reader, context: Classes): boolean {
  const ingressClass = read.get(context.ingressClasses, `/${name}`)
  if (context.options.ingressClassByName && name === context.options.ingressClass) return true
  return ingressClass !== undefined && controllerOf(ingressClass) === context.options.controllerClass
}

function isOurDefault(ingressClass: KubeObject, context: Classes): boolean {
  return (
    controllerOf(ingressClass) === context.options.controllerClass &&
    ingressClass.metadata.annotations?.[DEFAULT_ANNOTATION] === 'true'
  )
}

function controllerOf(ingressClass: KubeObject): string {
  return text(fields(ingressClass.spec).controller)
}
