/** Is an Ingress ours? The rules of Kubernetes (IngressClass) and the flags of ingress-nginx. */
import type { Reader } from '../../collection/graph.ts'
import type { KubeObject } from '../../collection/objects.ts'
import { fields, text } from '../../util/field.ts'
import type { Context } from '../context.ts'

const CLASS_ANNOTATION = 'kubernetes.io/ingress.class'
const DEFAULT_ANNOTATION = 'ingressclass.kubernetes.io/is-default-class'

/**
 * `spec.ingressClassName` decides when it is set, then the old annotation, then a default class of ours
 * (the API server fills it in only for Ingresses made after the class), then
 * `--watch-ingress-without-class`.
 */
export function isOurs(ingress: KubeObject, read: Reader, context: Context): boolean {
  const { options } = context
  const className = text(fields(ingress.spec).ingressClassName)
  if (className !== '') return isOurClass(className, read, context)
  const annotation = ingress.metadata.annotations?.[CLASS_ANNOTATION] ?? ''
  if (annotation !== '') return annotation === options.ingressClass
  return options.watchIngressWithoutClass || read.all(context.ingressClasses).some((it) => isOurDefault(it, context))
}

function isOurClass(name: string, read: Reader, context: Context): boolean {
  const ingressClass = read.get(context.ingressClasses, `/${name}`)
  if (context.options.ingressClassByName && name === context.options.ingressClass) return true
  return ingressClass !== undefined && controllerOf(ingressClass) === context.options.controllerClass
}

function isOurDefault(ingressClass: KubeObject, context: Context): boolean {
  return (
    controllerOf(ingressClass) === context.options.controllerClass &&
    ingressClass.metadata.annotations?.[DEFAULT_ANNOTATION] === 'true'
  )
}

function controllerOf(ingressClass: KubeObject): string {
  return text(fields(ingressClass.spec).controller)
}
