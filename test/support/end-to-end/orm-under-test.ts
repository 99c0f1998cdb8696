import type { EntityStore } from '../../../src/contracts/index.ts'
import type { ChinookDialect } from '../../fixtures/chinook/chinook-names.ts'
import type { ZooTable } from '../../fixtures/zoo/rows.ts'
import type { ZooLocation } from '../../fixtures/zoo/zoo-location.ts'

export interface OpenedStore {
  readonly store: EntityStore
  close(): Promise<unknown>
}

/** An ORM with both databases of the tests declared in its own way. */
export interface OrmUnderTest {
  readonly name: string
  /** Rows of the zoo's tables that only this ORM maps. */
  readonly zooRows: readonly ZooTable[]
  openZoo(location: ZooLocation, storeName: string): Promise<OpenedStore>
  openChinook(dialect: ChinookDialect, location: string, storeName: string): Promise<OpenedStore>
}
