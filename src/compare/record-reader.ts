import type { EntityDescriptor } from '../contracts/entity-descriptor.ts'
import { HoldfastError } from '../kernel/errors.ts'
import type { ValueSpans } from '../record/index.ts'
import { createNester } from './nest-record.ts'
import type { JsonValue } from './record-difference.ts'
import { valueOf } from './shown-value.ts'
import { type CompiledCondition, fieldNamed } from './where.ts'

/** The record of a line as an object; null when a condition does not hold. */
export type RecordReader = (line: Buffer, spans: ValueSpans) => Record<string, unknown> | null

/** Only values that are asked for, or held against a condition, are parsed. @throws `E_CONFIG` for fields that the entity does not have */
export function createRecordReader(
  descriptor: EntityDescriptor,
  fields: readonly string[] | undefined,
  conditions: readonly CompiledCondition[],
): RecordReader {
  if (fields !== undefined && (!Array.isArray(fields) || fields.length === 0)) {
    throw new HoldfastError('E_CONFIG', '`fields` is not a list of property paths', { hint: 'Leave it out to read all fields.' })
  }
  const wanted = fields ? [...new Set(fields)].map((path) => fieldNamed(descriptor, path)) : descriptor.fields
  const places = wanted.map((field) => ({ at: descriptor.fields.indexOf(field), document: field.type.kind === 'jsonb' }))
  const checks = conditions.map(({ field, holds }) => ({ at: descriptor.fields.findIndex(({ path }) => path === field), holds }))
  const nest = createNester(
    descriptor,
    wanted.map(({ path }) => path),
  )
  return (line, spans) => {
    const valueAt = (at: number) => valueOf(line.toString('utf8', spans[at * 2], spans[at * 2 + 1]))
    if (!checks.every(({ at, holds }) => holds(valueAt(at)))) return null
    return nest(places.map(({ at, document }) => (document ? documentOf(valueAt(at)) : valueAt(at))))
  }
}

/** A `jsonb` value stands in an array of one, so that JSON null and SQL NULL are two things in the archive. */
function documentOf(value: JsonValue): JsonValue {
  return Array.isArray(value) ? (value[0] as JsonValue) : value
}
