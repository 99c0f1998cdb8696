import { createHash } from 'node:crypto'
import type { EntityDescriptor } from '../contracts/entity-descriptor.ts'
import { canonicalJson } from '../kernel/canonical-json.ts'

/**
 * SHA-256 (hex) of what decides whether records of one schema fit another: entities with their tables, fields, types, keys, uniques and references.
 * The order of the entities and the marking as sensitive do not count.
 */
export function schemaFingerprint(entities: readonly EntityDescriptor[]): string {
  const facts = entities
    .map((entity) => ({ ...entity, fields: entity.fields.map((field) => ({ ...field, sensitive: undefined })) }))
    .map((entity) => canonicalJson(entity))
    .sort()
  return createHash('sha256').update(facts.join('\n')).digest('hex')
}

/**
 * SHA-256 (hex) of what ranges of one entity mean something under: its schema, and the order in which its keys stand, as the view names it. The ranges of
 * two snapshots with the same digest are cut along the same line.
 */
export function rangeSchema(descriptor: EntityDescriptor, keyOrder: string): string {
  return createHash('sha256')
    .update(`${schemaFingerprint([descriptor])} ${keyOrder}`)
    .digest('hex')
}
