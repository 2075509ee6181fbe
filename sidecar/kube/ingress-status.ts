/** `status.loadBalancer` of an Ingress: the addresses at which it is served. */
import { canonical, loadBalancerAddresses, sameAddresses } from './address.ts'
import type { Address } from './address.ts'
import { INGRESS } from './resource.ts'
import type { RawObject } from './resource.ts'
import type { StatusKind } from './status.ts'

export type Addresses = readonly Address[]

/** Nearly every status says the same: so it is kept once. */
let latest: Addresses = []

function see(ingress: RawObject): Addresses {
  const seen = loadBalancerAddresses(ingress['status'])
  if (!sameAddresses(seen, latest)) latest = seen
  return latest
}

export const INGRESS_STATUS: StatusKind<Addresses, Addresses> = {
  resource: INGRESS,
  see,
  same: sameAddresses,
  change: (addresses, seen) =>
    sameAddresses(addresses, seen) ? undefined : { loadBalancer: { ingress: canonical(addresses) } },
}
