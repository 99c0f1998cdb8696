import { removedEntity, renamedFrom, type SchemaChange, upcast } from '../../src/index.ts'
import type { DeclaredEntity } from './declared-tables.ts'

/** A shop as it was. */
export const THEN: readonly DeclaredEntity[] = [
  { name: 'Buyer', table: 'buyer', properties: { fullName: { column: 'full_name', type: 'text' }, fax: { nullable: true } } },
  { name: 'Purchase', table: 'purchase', properties: { buyer: { of: 'Buyer', column: 'buyer_id' }, cents: { type: 'integer' }, note: { nullable: true } } },
  { name: 'Draft', table: 'draft', properties: { text: {} } },
]

export const THEN_SQL = [
  `CREATE TABLE buyer (id INTEGER NOT NULL PRIMARY KEY, full_name VARCHAR(200) NOT NULL, fax VARCHAR(200))`,
  `CREATE TABLE purchase (id INTEGER NOT NULL PRIMARY KEY, buyer_id INTEGER NOT NULL REFERENCES buyer (id), cents INTEGER NOT NULL, note VARCHAR(200))`,
  `CREATE TABLE draft (id INTEGER NOT NULL PRIMARY KEY, text VARCHAR(200) NOT NULL)`,
  `INSERT INTO buyer (id, full_name, fax) VALUES (1, 'Ada Lovelace', '123'), (2, 'Charles Babbage', NULL)`,
  `INSERT INTO purchase (id, buyer_id, cents, note) VALUES (1, 1, 1234, 'first'), (2, 1, 5, NULL), (3, 2, 100, 'é"\\ ')`,
  `INSERT INTO draft (id, text) VALUES (1, 'gone for good')`,
]

/** Two migrations later: a table and a column renamed, one split in two, one retyped, one gone, one added, and a table dropped. */
export const NOW: readonly DeclaredEntity[] = [
  { name: 'Customer', table: 'customer', properties: { firstName: { column: 'first_name' }, lastName: { column: 'last_name' }, tier: {} } },
  {
    name: 'Order',
    table: 'orders',
    properties: { customer: { of: 'Customer', column: 'customer_id' }, amount: { type: 'decimal' }, note: { nullable: true } },
  },
]

export const NOW_SQL = [
  `DROP TABLE purchase`,
  `DROP TABLE buyer`,
  `DROP TABLE draft`,
  `CREATE TABLE customer (id INTEGER NOT NULL PRIMARY KEY, first_name VARCHAR(200) NOT NULL, last_name VARCHAR(200) NOT NULL, tier VARCHAR(20) DEFAULT 'basic' NOT NULL)`,
  `CREATE TABLE orders (id INTEGER NOT NULL PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customer (id), amount DECIMAL(12,2) NOT NULL, note VARCHAR(200))`,
]

/** What the application says of the two. */
export const CHANGES: readonly SchemaChange[] = [
  renamedFrom('Customer', { entity: 'Buyer' }),
  renamedFrom('Order', { entity: 'Purchase', fields: { 'customer.id': 'buyer.id' } }),
  upcast('Customer', {
    from: null,
    to: 'SplitName1700000000000',
    change: ({ fullName, ...rest }) => {
      const [firstName, lastName] = (fullName as string).split(' ')
      return { ...rest, firstName, lastName }
    },
  }),
  upcast('Order', { from: null, to: 'Money1800000000000', change: ({ cents, ...rest }) => ({ ...rest, amount: (Number(cents) / 100).toFixed(2) }) }),
  removedEntity('Draft', { reason: 'drafts are kept in the browser' }),
]
