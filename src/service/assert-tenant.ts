import { HoldfastError } from '../kernel/errors.ts'

/** As with everything that a tenant owns: whoever does not name it does not get it. */
export function assertTenant({ tenant = null }: { readonly tenant?: string | null }, wanted: string | null, name: string): void {
  if (tenant === wanted) return
  const message = wanted === null ? `${name} is of a tenant` : tenant === null ? `${name} is of no tenant` : `${name} is of another tenant than "${wanted}"`
  throw new HoldfastError('E_SCOPE', message, { hint: 'Name the tenant that it was exported for with `scope`, `--scope`; leave it out where there is none.' })
}
