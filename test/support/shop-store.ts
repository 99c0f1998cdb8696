import { InMemoryStore, type InMemoryStoreOptions } from './in-memory-store.ts'

/** Orders, lines under a composite text key, and an empty table: enough shapes to catch an engine that thinks keys are numbers or tables have rows. */
export function shopStore(orders: number, options: Partial<InMemoryStoreOptions> = {}): InMemoryStore {
  const store = new InMemoryStore({
    tables: [
      { entity: 'Order', fields: { id: 'int', customer: 'int', note: 'text' }, key: ['id'], references: ['customer'] },
      { entity: 'OrderLine', fields: { region: 'text', no: 'int', text: 'text' }, key: ['region', 'no'] },
      { entity: 'Nothing', fields: { id: 'int' }, key: ['id'] },
    ],
    ...options,
  })
  store.put('Order', ...Array.from({ length: orders }, (_, id) => orderRow(id)))
  store.put('OrderLine', ...Array.from({ length: orders }, (_, n) => ({ region: ['b', 'aa', 'é"\\,'][n % 3]!, no: n, text: `line ${n}` })))
  return store
}

export function orderRow(id: number, note = `order ${id}`) {
  return { id, customer: id % 5 === 0 ? null : id % 7, note }
}

export const SHOP_ENTITIES = ['Order', 'OrderLine', 'Nothing'] as const
