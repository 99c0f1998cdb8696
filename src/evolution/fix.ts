import type { EntityReference } from '../plan/entity-reference.ts'
import type { ArchivedRecord, SchemaChange, UpcastOptions } from './schema-change.ts'

/**
 * Mends the records of an entity in a replay, after the up-casters of the application: `change` gets each record as an up-caster does, and gives it back mended. Pure; it should give the same record
 * for the same one, so that a replay of the replay finds it as it is.
 */
export function fix(
  entity: EntityReference,
  change: (record: ArchivedRecord) => Readonly<Record<string, unknown>>,
  options: Pick<UpcastOptions, 'store'> = {},
): SchemaChange {
  return { kind: 'upcast', of: entity, from: null, to: 'fix', change, ...options }
}
