/** `status.loadBalancer` of an Ingress: the addresses at which it is served. */
import { canonical, loadBalancerAddresses, sameAddresses } from './address.ts'
import type { Address } from './address.ts'
import { INGRESS } from './resource.ts'
import type { StatusKind } from './status.ts'

export type Addresses = readonly Address[]

export const INGRESS_STATUS: StatusKind<Addresses, Addresses> = {
  resource: INGRESS,
  see: (ingress) => loadBalancerAddresses(ingress['status']),
  same: sameAddresses,
  change: (addresses, seen) =>
    sameAddresses(addresses, seen) ? undefined : { loadBalancer: { ingress: canonical(addresses) } },
}
