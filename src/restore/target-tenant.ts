import type { EntityDescriptor, FieldDescriptor } from '../contracts/entity-descriptor.ts'
import type { RowOwner } from '../contracts/row-owner.ts'
import { HoldfastError } from '../kernel/errors.ts'
import { keyTextOf, parseKeyText, spliceLines, ValueError, valueToken } from '../record/index.ts'
import type { LineShape } from './line-shape.ts'

/** From whom records go to whom. */
export interface TenantChange {
  readonly from: string
  readonly to: string
  /** Paths of the columns that hold a tenant. */
  readonly fields: ReadonlySet<string>
  readonly owner: RowOwner | undefined
}

interface Rewritten {
  /** Place of the value among the spans of a line. */
  readonly at: number
  readonly from: string
  readonly to: Buffer
  /** PostgreSQL fills `char(n)` up with blanks. */
  readonly padded: boolean
  /** By this column rows belong to their tenant: a record in which it is another's is none of the snapshot's. */
  readonly decides: boolean
}

/**
 * The shape with another tenant in the place of the one that the records are of: in the column that says whose a row is, and in foreign keys that refer to such a column. What refers to a third one stays.
 * Records that only lead to their tenant by references stay as they are.
 */
export function shapeOfTenant(shape: LineShape, { from, to, fields, owner }: TenantChange): LineShape {
  const { record } = shape
  const rewritten = record.fields.flatMap((field, place): Rewritten[] => {
    if (!fields.has(field.path)) return []
    return [
      {
        at: place * 2,
        from: tokenOf(field, from, record),
        to: Buffer.from(tokenOf(field, to, record)),
        padded: /^character\(/.test(field.dbType),
        decides: owner?.path.length === 0 && owner.field === field.path,
      },
    ]
  })
  // What the database says of a range speaks of the rows of the other tenant.
  if (rewritten.length === 0) return { ...shape, same: false }
  const inKey = rewritten.map((each) => ({ ...each, place: record.key.indexOf(record.fields[each.at / 2]!.path) })).filter(({ place }) => place >= 0)
  return {
    record,
    same: false,
    meant: (lines) => shape.meant(lines),
    apply(lines, ranges) {
      const inner = shape.apply(lines, ranges)
      return { rows: inner.rows, open: (options) => rewrite(inner.open(options), record, rewritten) }
    },
    archivedKey(key) {
      const tokens = [...parseKeyText(key)]
      for (const { place, from: token, to: now } of inKey) if (tokens[place] === now.toString()) tokens[place] = token
      return keyTextOf(tokens)
    },
  }
}

function tokenOf(field: FieldDescriptor, tenant: string, { name }: EntityDescriptor): string {
  const whole = field.type.kind === 'int' || field.type.kind === 'bigint'
  try {
    return valueToken(field, whole && /^-?[0-9]+$/.test(tenant) ? BigInt(tenant) : tenant)
  } catch (error) {
    if (!(error instanceof ValueError)) throw error
    throw new HoldfastError('E_SCOPE', `a scope is no value of "${field.path}" of ${name}, which is of the type ${field.dbType}`, { cause: error })
  }
}

function rewrite(pieces: AsyncIterable<Uint8Array>, record: EntityDescriptor, rewritten: readonly Rewritten[]): AsyncGenerator<Uint8Array, void, undefined> {
  return spliceLines(record, pieces, ({ bytes, spans, number }) =>
    rewritten.flatMap(({ at, from, to, padded, decides }) => {
      const token = bytes.toString('utf8', spans[at], spans[at + 1])
      if (token === from || (padded && token.replace(/ *"$/, '"') === from)) return [{ from: spans[at]!, to: spans[at + 1]!, by: to }]
      if (decides) throw stranger(record, number)
      return []
    }),
  )
}

function stranger({ name }: EntityDescriptor, line: number): HoldfastError {
  return new HoldfastError('E_SCOPE_ROWS', `records are not of the tenant: record ${line} of ${name}; nothing was changed`, {
    details: { rows: [{ entity: name, rows: 1, keys: [] }], line },
  })
}
