import { fsStorage } from '../../adapters/fs/index.ts'
import type { EntityStore, Logger, StageReport } from '../../src/contracts/index.ts'
import { createHoldfast, definePlan, type Holdfast, maskEntity, masks } from '../../src/index.ts'
import { openDeclared, type TestDialect, type TestOrm } from './declared-tables.ts'

/** Where a shop of customers and orders is, which is backed up to a folder. */
export interface StagingPlace {
  readonly orm: TestOrm
  readonly dialect: TestDialect
  readonly location: string
  readonly root: string
  /** A second database of the same tables, the store `other`, and what masked names are made with. */
  readonly other?: { readonly location: string; readonly key: string }
}

export interface StagingShopOptions {
  readonly logger?: Logger
  /** Told when the records of an entity are staged. */
  readonly staged?: (report: StageReport) => void
}

const ENTITIES = [
  { name: 'Customer', table: 'customer', properties: { name: { type: 'varchar' } } },
  { name: 'Order', table: 'orders', properties: { customer: { of: 'Customer', column: 'customer_id' }, note: { type: 'varchar' } } },
] as const

export const SHOP_TABLES =
  'CREATE TABLE customer (id INTEGER NOT NULL PRIMARY KEY, name VARCHAR(200) NOT NULL); CREATE TABLE orders (id INTEGER NOT NULL PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customer (id), note VARCHAR(200) NOT NULL)'

export async function stagingShop({ orm, dialect, location, root, other }: StagingPlace, { logger, staged = () => {} }: StagingShopOptions = {}) {
  const shop = await openDeclared(orm, dialect, location, ENTITIES)
  const second = other ? await openDeclared(orm, dialect, other.location, ENTITIES, 'other') : null
  const plan = definePlan({ id: 'shop', description: 'All', entities: shop.names.map((entity) => ({ entity, store: 'default' })) })
  const holdfast: Holdfast = await createHoldfast({
    stores: [shop, ...(second ? [second] : [])].map(({ store }) => tellingStore(store, staged)),
    storage: fsStorage({ root }),
    plans: [plan],
    ...(logger ? { logger } : {}),
    ...(other ? { masking: { key: other.key, rules: [maskEntity('Customer', { name: masks.fake() })] } } : {}),
  })
  return {
    holdfast,
    async close() {
      await holdfast.close()
      await shop.close()
      await second?.close()
    },
  }
}

function tellingStore(store: EntityStore, staged: (report: StageReport) => void): EntityStore {
  return {
    ...store,
    async openTarget(options) {
      const target = await store.openTarget(options)
      const stage = target.stage.bind(target)
      target.stage = async (...args) => {
        const report = await stage(...args)
        staged(report)
        return report
      }
      return target
    },
  }
}
