import type { EntityDescriptor, FieldDescriptor } from '../contracts/entity-descriptor.ts'
import type { KeyText } from '../contracts/key-range.ts'

/** Below zero when `a` stands before `b` in the database's order. */
export type KeyComparator = (a: KeyText, b: KeyText) => number

type TokenComparator = (a: unknown, b: unknown) => number

/**
 * The order of an entity's keys, where it is known without asking the database: integers, and UUIDs of PostgreSQL. Null for everything else: how text stands
 * is a matter of its collation.
 */
export function keyComparator(descriptor: Pick<EntityDescriptor, 'key' | 'fields'>, dialect: string): KeyComparator | null {
  const comparators: TokenComparator[] = []
  for (const path of descriptor.key) {
    const field = descriptor.fields.find((candidate) => candidate.path === path)
    const comparator = field && tokenComparator(field, dialect)
    if (!comparator) return null
    comparators.push(comparator)
  }
  return (a, b) => {
    if (a === b) return 0
    const [left, right] = [JSON.parse(a) as unknown[], JSON.parse(b) as unknown[]]
    for (const [at, compare] of comparators.entries()) {
      const order = compare(left[at], right[at])
      if (order !== 0) return order
    }
    return 0
  }
}

/** The order of both, where it is known: keys that stay what they are stand alike in all the orders there are here. */
export function commonOrder(
  [before, after]: readonly [Pick<EntityDescriptor, 'key' | 'fields'>, Pick<EntityDescriptor, 'key' | 'fields'>],
  dialect: string,
): KeyComparator | null {
  return keyComparator(before, dialect) && keyComparator(after, dialect)
}

function tokenComparator({ type, dbType, generation }: FieldDescriptor, dialect: string): TokenComparator | null {
  if (type.kind === 'int') return (a, b) => Number(a) - Number(b)
  if (type.kind === 'bigint') return compareIntegers
  // Only what stands for SQLite's row id is certain to hold integers, whatever a column is declared as.
  if (type.kind === 'dynamic' && type.affinity === 'integer' && generation === 'identity') return compareIntegers
  // MariaDB has a type of that name too, and puts the time first.
  if (type.kind === 'text' && dbType === 'uuid' && dialect === 'postgres') return (a, b) => (String(a) < String(b) ? -1 : a === b ? 0 : 1)
  return null
}

function compareIntegers(a: unknown, b: unknown): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b
  const [left, right] = [BigInt(a as string | number), BigInt(b as string | number)]
  return left < right ? -1 : left > right ? 1 : 0
}
