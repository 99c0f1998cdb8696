import type { FieldType } from '../../../src/contracts/field-type.ts'

/** What `information_schema.COLUMNS` says of a type. Names are in lower case. */
export interface StoredType {
  /** `DATA_TYPE`: `int`, `varchar`, `bit`. */
  readonly name: string
  /** `COLUMN_TYPE`: `int(10) unsigned zerofill`, `enum('a','b')`. */
  readonly full: string
  /** `NUMERIC_PRECISION`; the bits of a BIT. */
  readonly precision: number | null
}

const KIND_BY_NAME: Readonly<Record<string, Exclude<FieldType['kind'], 'array' | 'dynamic'>>> = {
  tinyint: 'int',
  smallint: 'int',
  mediumint: 'int',
  int: 'int',
  year: 'int',
  bigint: 'bigint',
  decimal: 'decimal',
  float: 'float',
  double: 'float',
  datetime: 'timestamp',
  timestamp: 'timestamp',
  date: 'text',
  time: 'text',
  char: 'text',
  varchar: 'text',
  tinytext: 'text',
  text: 'text',
  mediumtext: 'text',
  longtext: 'text',
  enum: 'text',
  set: 'text',
  uuid: 'text',
  inet4: 'text',
  inet6: 'text',
  binary: 'bytes',
  varbinary: 'bytes',
  tinyblob: 'bytes',
  blob: 'bytes',
  mediumblob: 'bytes',
  longblob: 'bytes',
  json: 'jsonb', // MySQL's own; MariaDB's is longtext
}

/** BIT up to this many bits fits a number token. */
const EXACT_BITS = 53

/** The record form of a column; null for types that are not served: geometry and whatever a later server brings. */
export function toFieldType(type: StoredType): FieldType | null {
  if (type.name === 'bit') return { kind: (type.precision ?? 64) <= EXACT_BITS ? 'int' : 'bigint' }
  const kind = KIND_BY_NAME[type.name]
  return kind === undefined ? null : { kind }
}
