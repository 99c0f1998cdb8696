import type { SequenceState } from '../../../src/contracts/consistent-view.ts'
import { readRelations } from './catalog-facts.ts'
import type { MysqlEntity } from './catalog.ts'
import type { MysqlClient } from './connections.ts'

/** The AUTO_INCREMENT counters. Not part of the snapshot: they are those of the moment, which is at or past the snapshot's. */
export async function readSequences(client: MysqlClient, entities: readonly MysqlEntity[]): Promise<readonly SequenceState[]> {
  const fed = entities.flatMap((entity) => entity.columns.filter(({ autoIncrement }) => autoIncrement).map(({ path }) => ({ entity, path })))
  const relations = await readRelations(
    client,
    fed.map(({ entity }) => entity),
  )
  return fed.map(({ entity, path }) => {
    const next = relations.find(({ schema, table }) => schema === entity.schema && table === entity.table)?.autoIncrement ?? null
    // The counter says what comes next; 1 is where it begins.
    return { entity: entity.descriptor.name, field: path, lastValue: next === null || BigInt(next) <= 1n ? null : String(BigInt(next) - 1n) }
  })
}
