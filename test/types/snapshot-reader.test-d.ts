// Compiled with everything else, never run: each @ts-expect-error fails the type check when the line below it is accepted.
import { In, MoreThan } from 'typeorm'
import { pick, type SnapshotReader } from '../../src/index.ts'

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
function holds<_T extends true>(): void {}

class Customer {
  id!: bigint
}

class Order {
  id!: number
  placedAt!: Date
  paid!: boolean
  photo!: Uint8Array
  status!: 'open' | 'paid'
  address!: { city: string; geo?: { lat: number } }
  customer!: Promise<Customer | null>
  note?: string | null
  total(): number {
    return this.id
  }
}

export async function reading(snapshot: SnapshotReader): Promise<void> {
  for await (const order of snapshot.stream(Order, {
    where: { status: 'open', 'customer.id': 7n, placedAt: { gte: new Date() } },
    fields: ['id', 'address.city'],
  })) {
    holds<Equal<typeof order.id, number | string | undefined>>()
    holds<Equal<typeof order.placedAt, string | number | undefined>>()
    holds<Equal<typeof order.status, 'open' | 'paid' | undefined>>()
    holds<Equal<typeof order.note, string | null | undefined>>()
    const city: string | undefined = order.address?.city
    const customer: string | number | undefined = order.customer?.id
    // @ts-expect-error a method is no column
    void order.total
    void [city, customer]
  }
  // @ts-expect-error there is no such property
  snapshot.stream(Order, { where: { statsu: 'open' } })
  // @ts-expect-error there is no such property
  snapshot.stream(Order, { fields: ['address.town'] })
  // @ts-expect-error there is no such bound
  snapshot.stream(Order, { where: { id: { above: 7 } } })
  // @ts-expect-error no member of the union
  snapshot.stream(Order, { where: { status: 'opne' } })
  // @ts-expect-error no member of the union, among others
  snapshot.stream(Order, { where: { status: { in: ['open', 'payed'] } } })
  // @ts-expect-error a number is no boolean
  snapshot.stream(Order, { where: { paid: 1 } })
  // @ts-expect-error a date is no number
  snapshot.stream(Order, { where: { id: new Date() } })
  // @ts-expect-error there is no such property below
  snapshot.stream(Order, { where: { address: { town: 'x' } } })
  // @ts-expect-error what stands below is typed, too
  snapshot.stream(Order, { where: { customer: { id: true } } })
  // @ts-expect-error the same of what is picked
  pick(Order, { where: { status: 'opne' } })
  const since = new Date()
  pick(Order, { where: { status: { in: ['open', null] }, placedAt: { gte: since, lt: '2026-01-01' }, note: null, 'address.geo.lat': { gt: 5 } } })
  pick(Order, { where: { customer: { id: 7n }, address: { city: 'x', geo: { lat: { $gte: 5 } } }, placedAt: MoreThan(since), id: In([1, 2]) } })
  pick(Order, { where: { customer: 7 } })
  pick('Order', { where: { anything: { below: { it: 7 } } } })

  const named = await snapshot.findOne('Order', 7)
  holds<Equal<typeof named, Readonly<Record<string, unknown>> | null>>()
  const typed = await snapshot.findOne<Order>('Order', { id: 7 })
  const status: 'open' | 'paid' | undefined = typed?.status
  void status
}
