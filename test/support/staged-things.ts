import type { EntityDescriptor, RestoreItem } from '../../src/contracts/index.ts'
import { openDeclared, type TestDialect } from './declared-tables.ts'

/** Customers and things, as an ORM maps them. */
export const THINGS = [
  { name: 'Customer', table: 'customer', properties: { name: { type: 'varchar' } } },
  { name: 'Thing', table: 'thing', properties: { note: { type: 'varchar' } } },
] as const

export const THING_TABLES =
  'CREATE TABLE customer (id INTEGER NOT NULL PRIMARY KEY, name VARCHAR(200) NOT NULL); CREATE TABLE thing (id INTEGER NOT NULL PRIMARY KEY, note VARCHAR(2000) NOT NULL)'

export interface ThingsOptions {
  /** How many things there are, each with a note about so long. */
  readonly rows: number
  readonly width: number
  /** Number of a thing whose note is another, which stands here as JSON. */
  readonly odd?: { readonly id: number; readonly note: string }
}

export const CUSTOMERS = 100

/** What a snapshot would bring back: the same lines for the same options, in any process. */
export function thingItems(records: readonly EntityDescriptor[], { rows, width, odd }: ThingsOptions): RestoreItem[] {
  const note = 'n'.repeat(width)
  const lines = {
    Customer: (id: number) => `{"id":${id},"name":"c${id}"}\n`,
    Thing: (id: number) => `{"id":${id},"note":${odd?.id === id ? odd.note : `"${note}${id}"`}}\n`,
  }
  return records.map((record) => {
    const count = record.name === 'Thing' ? rows : CUSTOMERS
    const line = lines[record.name as keyof typeof lines]
    return {
      record,
      entity: record.name,
      policy: 'overwrite',
      lines: {
        rows: count,
        async *open() {
          let batch = ''
          for (let id = 1; id <= count; id++) {
            batch += line(id)
            if (batch.length < 64 * 1024 && id < count) continue
            yield Buffer.from(batch)
            batch = ''
          }
        },
      },
    }
  })
}

/** The target of a restore of its own. */
export async function openThings(dialect: TestDialect, location: string, { restoreId, resumes }: { readonly restoreId: string; readonly resumes?: string }) {
  const declared = await openDeclared('TypeORM', dialect, location, THINGS)
  const target = await declared.store.openTarget({ entities: THINGS.map(({ name }) => ({ entity: name })), restoreId, resumes })
  return {
    target,
    async close() {
      await target.close()
      await declared.close()
    },
  }
}
