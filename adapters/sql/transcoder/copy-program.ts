import type { FieldDescriptor } from '../../../src/contracts/entity-descriptor.ts'
import type { FieldType } from '../../../src/contracts/field-type.ts'
import { HoldfastError } from '../../../src/kernel/errors.ts'

/** What of a field the transcoder must know. */
export type CopyField = Pick<FieldDescriptor, 'path' | 'type' | 'generation'>

/** The numbers by which the transcoder knows the kinds (`assembly/control.ts` has the same). */
const KIND_CODES = { int: 0, bigint: 1, decimal: 1, float: 2, boolean: 3, timestamp: 4, bytes: 5, jsonb: 6, text: 7, array: 8 } as const

/** One field, compiled. */
export interface FieldCode {
  readonly kind: number
  /** Kind of an array's elements; 0 for others. */
  readonly element: number
  /** Byte that parts the elements of an array literal; 0 for others. */
  readonly delimiter: number
  /** `{"path":` of the first field, `,"path":` of the others. */
  readonly prefix: Uint8Array
  readonly lastOfKey: boolean
  /** Position among the references; -1 when it is none. */
  readonly reference: number
}

/** The fields of a record, compiled for the transcoder. Immutable; may be shared by any number of copies at once. */
export interface CopyProgram {
  readonly fields: readonly CopyField[]
  readonly codes: readonly FieldCode[]
  /** Spans that `RecordBatch.marks` holds for each line. */
  readonly references: number
}

/**
 * Compiles the fields of a record line, in record order (key fields first), for both directions.
 *
 * An array whose elements are arrays themselves (a domain over an array) holds those as strings, the element's literal. A `jsonb` array of more
 * than one dimension is a string of its literal, like an array with bounds.
 *
 * @param fields Every field that a line holds, computed columns included.
 * @param key Property paths of the key; they must be the first fields, in this order.
 * @param references Property paths whose value spans `RecordBatch.marks` shall hold, in this order. Default none.
 * @throws `E_MAPPING` for a field of kind `dynamic` (SQLite's), a key that does not lead, or an unknown or doubled path.
 */
export function copyProgram(fields: readonly CopyField[], key: readonly string[], references: readonly string[] = []): CopyProgram {
  const paths = fields.map((field) => field.path)
  if (new Set(paths).size < paths.length || new Set(references).size < references.length) throw refused('a property path occurs twice')
  if (key.length === 0 || key.some((path, index) => paths[index] !== path)) throw refused(`the key (${key.join(', ')}) does not lead the fields`)
  const unknown = references.filter((path) => !paths.includes(path))
  if (unknown.length > 0) throw refused(`the reference fields ${unknown.join(', ')} are not among the fields`)
  const codes = fields.map(({ path, type }, index) => {
    const { element, delimiter } = type.kind === 'array' ? type : { element: undefined, delimiter: '\0' }
    return {
      kind: kindCode(path, type),
      element: element === undefined ? 0 : element.kind === 'array' ? KIND_CODES.text : kindCode(path, element),
      delimiter: delimiter.charCodeAt(0),
      prefix: Buffer.from(`${index === 0 ? '{' : ','}${JSON.stringify(path)}:`),
      lastOfKey: index === key.length - 1,
      reference: references.indexOf(path),
    }
  })
  return { fields, codes, references: references.length }
}

function kindCode(path: string, { kind }: FieldType): number {
  if (kind === 'dynamic') throw refused(`field ${path} is of a SQLite column, which PostgreSQL has no COPY text for`)
  return KIND_CODES[kind]
}

function refused(what: string): HoldfastError {
  return new HoldfastError('E_MAPPING', `no COPY program can be made: ${what}`)
}
