// Compiled with everything else, never run: each @ts-expect-error fails the type check when the line below it is accepted.
import { defineEntity, p, type Collection, type Ref } from '@mikro-orm/core'
import { container } from 'tsyringe'
import { EntitySchema } from 'typeorm'
import { maskEntity, masks } from '../../src/masking/index.ts'
import { BackupEntity, BackupIgnore, decorated, definePlan, Sensitive, TenantProperty, type PropertyPath } from '../../src/plan/index.ts'
import { IBackupDiscoveryService, IDataBackupService, resolve } from '../../src/tsyringe/index.ts'

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
function holds<_T extends true>(): void {}

class Address {
  city!: string
  geo?: { lat: number; lng: number }
}

class Customer {
  id!: bigint
  orders!: Order[]
}

class Order {
  id!: number
  placedAt!: Date
  tags!: string[]
  photo!: Uint8Array
  data!: unknown
  address!: Address
  customer!: Promise<Customer | null>
  note?: string | null
  protected hidden!: string
  total(): number {
    return this.hidden.length
  }
}

abstract class Sealed {
  protected constructor() {}
  code!: string
}

holds<Equal<PropertyPath<{ id: number; at: Date; geo: { lat: number } | null; total(): number }>, 'id' | 'at' | 'geo' | 'geo.lat'>>()
holds<Equal<PropertyPath<unknown>, string>>()

BackupEntity.for(Order, {
  ignore: ['placedAt', 'tags', 'photo', 'address', 'address.geo.lat', 'customer', 'customer.id', 'data.anything', 'note'],
  sensitive: ['address.city'],
  tenant: 'customer.id',
})
// @ts-expect-error a mistyped property
BackupEntity.for(Order, { ignore: ['plcaedAt'] })
// @ts-expect-error a mistyped property of an embedded class
BackupEntity.for(Order, { sensitive: ['address.cty'] })
// @ts-expect-error a member of a value, not of the entity
BackupEntity.for(Order, { ignore: ['placedAt.getTime'] })
// @ts-expect-error a method
BackupEntity.for(Order, { ignore: ['total'] })
// @ts-expect-error a protected property: mark it by decorator
BackupEntity.for(Order, { ignore: ['hidden'] })
// @ts-expect-error an option that does not exist
BackupEntity.for(Order, { ignored: ['note'] })
// @ts-expect-error one tenant property only
BackupEntity.for(Order, { tenant: ['customer'] })

BackupEntity.for(Sealed, { ignore: ['code'] })
// @ts-expect-error abstract classes and protected constructors are checked as well
BackupEntity.for(Sealed, { ignore: ['cod'] })

BackupEntity.for('order_tags', { ignore: ['whatever.there.is'] })

const TypeormTag = new EntitySchema<{ id: number; label: string }>({ name: 'Tag', columns: { id: { type: Number, primary: true }, label: { type: String } } })
BackupEntity.for(TypeormTag, { ignore: ['label'] })
// @ts-expect-error checked against the type of the schema
BackupEntity.for(TypeormTag, { ignore: ['lable'] })

const MikroTag = defineEntity({ name: 'Tag', properties: { id: p.integer().primary(), label: p.string() } })
BackupEntity.for(MikroTag, { ignore: ['label'] })
// @ts-expect-error checked against the type of the schema
BackupEntity.for(MikroTag, { ignore: ['lable'] })

class MikroOrder {
  id!: number
  customer!: Ref<Customer>
  tags!: Collection<Customer>
}
BackupEntity.for(MikroOrder, { ignore: ['customer', 'customer.id', 'tags'] })
// @ts-expect-error checked through a reference wrapper
BackupEntity.for(MikroOrder, { ignore: ['customer.idd'] })

definePlan({
  id: 'shop',
  description: 'd',
  entities: [Order, Sealed, 'order_tags', TypeormTag, MikroTag, BackupEntity.for(Order), { entity: Order, store: 'main' }, decorated()],
  exclude: [BackupIgnore.for(Customer, { reason: 'r' })],
  policy: { level: 3 },
})
definePlan({ id: 'shop', description: 'd', entities: decorated() })
// @ts-expect-error no description
definePlan({ id: 'shop', entities: [Order] })
// @ts-expect-error an unknown policy member
definePlan({ id: 'shop', description: 'd', entities: [Order], policy: { compresion: 'zstd' } })
// @ts-expect-error a number is no entity
definePlan({ id: 'shop', description: 'd', entities: [7] })
// @ts-expect-error an exclusion without a reason
BackupIgnore.for(Customer, {})

class Decorated {
  @Sensitive()
  name!: string
  @BackupIgnore()
  @TenantProperty()
  other!: string
  // @ts-expect-error a class decorator on a property
  @BackupEntity()
  third!: string
}
// @ts-expect-error a class is excluded with a reason only
@BackupIgnore()
class Excluded {}

void [Decorated, Excluded]

const backups = resolve(container, IDataBackupService)
holds<Equal<typeof backups, IDataBackupService>>()
// @ts-expect-error a token knows its service
const wrong: IDataBackupService = resolve(container, IBackupDiscoveryService)
void wrong

maskEntity(Order, { 'address.city': masks.plain(), customer: masks.hash(), note: masks.null() })
maskEntity('Order', { anything: masks.plain() })
// @ts-expect-error a masker of a property that is none would leave the real one unmasked
maskEntity(Order, { notes: masks.null() })
