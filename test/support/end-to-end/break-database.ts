import type { EntityDescriptor } from '../../../src/contracts/index.ts'
import { type LiveDatabase, quoteColumn, quoted } from './live-database.ts'

/** What a restore will have to do to one entity. */
export interface Damage {
  readonly create: number
  readonly update: number
}

/** Deletes a row of every table, whoever refers to it, and ruins a column of another row where there is one that may be NULL. */
export async function breakEveryTable(database: LiveDatabase, entities: readonly EntityDescriptor[]): Promise<ReadonlyMap<string, Damage>> {
  const damages = new Map<string, Damage>()
  for (const entity of entities) {
    const table = quoted(entity)
    const rows = await database.count(entity)
    await database.carelessly(`DELETE FROM ${table} WHERE ${database.one(entity, 'first')}`)
    const create = rows - (await database.count(entity))
    const column = ruinable(entity)
    const update = column && (await database.count(entity, `${column} IS NOT NULL`)) > 0 ? 1 : 0
    if (update) await database.carelessly(`UPDATE ${table} SET ${column} = NULL WHERE ${database.one(entity, 'last', `${column} IS NOT NULL`)}`)
    damages.set(entity.name, { create, update })
  }
  return damages
}

function ruinable({ fields, key }: EntityDescriptor): string | null {
  const field = fields.find(({ path, nullable, generation }) => nullable && generation === undefined && !key.includes(path))
  return field ? quoteColumn(field.column) : null
}
