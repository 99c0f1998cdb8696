// Compiled with everything else, never run: each @ts-expect-error fails the type check when the line below it is accepted.
import type { SnapshotReader } from '../../src/index.ts'

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

  const named = await snapshot.findOne('Order', 7)
  holds<Equal<typeof named, Readonly<Record<string, unknown>> | null>>()
  const typed = await snapshot.findOne<Order>('Order', { id: 7 })
  const status: 'open' | 'paid' | undefined = typed?.status
  void status
}
