import type { FieldDescriptor } from '../../../../src/contracts/entity-descriptor.ts'
import { recordToken } from './record-token.ts'
import type { DecidedItem } from './decide-actions.ts'
import { finalImage, isLeaving } from './final-image.ts'
import type { ProblemSearch } from './find-problems.ts'
import type { FittedItem } from './fit-record.ts'
import type { ForeignKey } from './live-table.ts'
import type { ProblemList } from '../../problem-list.ts'
import { ACTION_CODE, WRITING } from '../../merge-action.ts'
import { columnOf, LINE, sameKey, textOf } from './row-sql.ts'
import type { TargetTransaction } from './target-session.ts'

/** Looks for records whose parent neither is live nor will be, before anything is written. Parents in `unknown` (by OID) are not judged: their rows are not here yet. */
export function parentSearches(decided: DecidedItem, all: readonly DecidedItem[], unknown: ReadonlySet<string>): readonly ProblemSearch[] {
  if (decided.counts.create + decided.counts.update === 0) return []
  return decided.fitted.live.references.flatMap((key) => {
    if (unknown.has(key.parent) || keepsParents(key, decided, all)) return []
    const parent = all.find(({ fitted }) => fitted.live.oid === key.parent)
    // A row that keeps its key keeps what refers to the key; other columns may change, and then the row counts as it will be.
    const moves = parent && (parent.counts.delete > 0 || !refersToKey(key, parent.fitted)) ? `AND NOT ${isLeaving(parent, 'p')}` : ''
    const coming = parent ? `AND NOT EXISTS (SELECT FROM ${finalImage(parent)} p WHERE ${matches(key)})` : ''
    const from = `FROM ${finalImage(decided)} w WHERE ${refers(key)} AND NOT EXISTS (SELECT FROM ${key.parentTable} p WHERE ${matches(key)} ${moves}) ${coming}`
    return [{ ...missingParent(decided.fitted, key), from, line: `w.${LINE}` }]
  })
}

/**
 * Looks for updates and deletions that would take from live rows the value they refer to, before anything is written. An update changes no key, so that only
 * foreign keys to other columns matter there. Rows that are written themselves count as they will be, which `parentSearches` sees to.
 */
export function childSearches(decided: DecidedItem, all: readonly DecidedItem[]): readonly ProblemSearch[] {
  const { fitted, counts } = decided
  const searches: ProblemSearch[] = counts.delete > 0 ? orphanSearches(decided, all) : []
  if (counts.update === 0) return searches
  for (const key of fitted.live.referencedBy) {
    if (!key.childReadable || refersToKey(key, fitted)) continue
    const child = all.find((item) => item.fitted.live.oid === key.child)
    const stays = child ? `AND NOT ${isLeaving(child, 'c')}` : ''
    const paths = key.parentColumns.map((column) => fitted.fields.find((field) => field.column === column)?.path ?? column)
    searches.push({
      fitted,
      cause: 'missing-parent',
      message: () => `rows of ${key.childTable} refer to a value of ${paths.join(', ')} that no row would have any more (${key.name})`,
      from: `FROM ${finalImage(decided)} w JOIN ${fitted.live.table} p ON ${sameKey(fitted.live, 'p', 'w')}
        WHERE EXISTS (SELECT FROM ${key.childTable} c WHERE ${matches(key, 'p', 'c')} ${stays}
          AND NOT EXISTS (SELECT FROM ${finalImage(decided)} f WHERE ${matches(key, 'f', 'c')}))`,
      line: `w.${LINE}`,
    })
  }
  return searches
}

/** Rows that are only updated, in other fields, refer to what they did; and there it stays. */
function keepsParents(key: ForeignKey, { fitted, counts }: DecidedItem, all: readonly DecidedItem[]): boolean {
  const parent = all.find((item) => item.fitted.live.oid === key.parent)
  if (counts.create > 0 || fitted.fields.some(({ column }) => key.childColumns.includes(column))) return false
  return !parent || (parent.counts.delete === 0 && refersToKey(key, parent.fitted))
}

/** Rows to be deleted that others still refer to. */
function orphanSearches(decided: DecidedItem, all: readonly DecidedItem[]): ProblemSearch[] {
  const { staged, fitted, actions } = decided
  return fitted.live.referencedBy
    .filter(({ childReadable }) => childReadable)
    .map((key) => {
      const child = all.find((item) => item.fitted.live.oid === key.child)
      const stays = child ? `AND NOT ${isLeaving(child, 'c')}` : ''
      return {
        fitted,
        cause: 'missing-parent',
        message: () => `it would be deleted, and rows of ${key.childTable} refer to it (${key.name})`,
        from: `FROM ${actions} a JOIN ${staged.table} w ON w.${LINE} = a.line JOIN ${fitted.live.table} p ON ${sameKey(fitted.live, 'p', 'w')}
          WHERE a.act = ${ACTION_CODE.delete} AND EXISTS (SELECT FROM ${key.childTable} c WHERE ${matches(key, 'p', 'c')} ${stays}
            AND NOT EXISTS (SELECT FROM ${finalImage(decided)} f WHERE ${matches(key, 'f', 'c')}))`,
        line: null,
      }
    })
}

/** What a merge wrote: `staged` rows by their actions, or a whole table that had been empty. */
export type WrittenItem = { readonly fitted: FittedItem; readonly decided: DecidedItem | null }

/** Looks at the rows just written and at the live tables, as the silenced foreign key triggers would have. */
export function writtenParentSearches({ fitted, decided }: WrittenItem, all: readonly DecidedItem[]): readonly ProblemSearch[] {
  return fitted.live.references.flatMap((key) => {
    if (decided && keepsParents(key, decided, all)) return []
    const orphan = `${refers(key)} AND NOT EXISTS (SELECT FROM ${key.parentTable} p WHERE ${matches(key)})`
    const rows = decided
      ? `${decided.actions} a JOIN ${decided.staged.table} s ON s.${LINE} = a.line JOIN ${fitted.live.table} w ON ${sameKey(fitted.live, 'w', 's')} WHERE a.act IN ${WRITING} AND`
      : `${fitted.live.table} w WHERE`
    return [{ ...missingParent(fitted, key), from: `FROM ${rows} ${orphan}`, line: decided ? 'a.line' : null }]
  })
}

/**
 * Checks that rows which refer to an updated table still find their parents. An update changes no key, so foreign keys to the
 * key hold by themselves; those to other columns are looked up, and all of them where rows were deleted or left the table to change places.
 */
export async function recheckChildren(tx: TargetTransaction, { fitted, decided }: WrittenItem, list: ProblemList): Promise<void> {
  if (!decided || decided.counts.update + decided.counts.delete === 0) return
  const [swapped] = await tx.rows('counting rows that changed places', `SELECT count(*)::text AS rows FROM ${decided.actions} WHERE act = ${ACTION_CODE.swap}`)
  for (const key of fitted.live.referencedBy) {
    if (refersToKey(key, fitted) && swapped?.rows === '0' && decided.counts.delete === 0) continue
    const [orphans] = await tx.rows(
      'checking rows that refer to updated ones',
      `SELECT count(*)::text AS rows FROM ${key.childTable} w WHERE ${refers(key)} AND NOT EXISTS (SELECT FROM ${key.parentTable} p WHERE ${matches(key)})`,
    )
    const count = Number(orphans?.rows)
    if (count === 0) continue
    const message = `${count} rows of ${key.childTable} refer to a value of ${key.parentColumns.join(', ')} that no row would have any more (${key.name})`
    list.add([{ entity: fitted.item.entity, key: null, cause: 'missing-parent', message }], count)
  }
}

export function refersToKey(key: ForeignKey, parent: FittedItem): boolean {
  const columns = parent.live.key.map(({ column }) => column)
  return key.parentColumns.every((column) => columns.includes(column))
}

/** SQL condition: the row `w` refers to a parent at all. MATCH FULL: one value among NULLs is a reference too, and finds none. */
function refers(key: ForeignKey): string {
  const columns = key.childColumns.map((column) => columnOf('w', column)).join(', ')
  return key.full ? `num_nonnulls(${columns}) > 0` : `num_nulls(${columns}) = 0`
}

/** SQL condition: one is the parent of the other, by the operators of the constraint. */
export function matches(key: ForeignKey, parent = 'p', child = 'w'): string {
  return key.operators.map((operator, at) => `${columnOf(parent, key.parentColumns[at]!)} ${operator} ${columnOf(child, key.childColumns[at]!)}`).join(' AND ')
}

function missingParent(fitted: FittedItem, key: ForeignKey) {
  const fields = key.childColumns.map((column) => fitted.fields.find((field) => field.column === column))
  const hidden = fields.some((field) => !field || field.sensitive)
  const name = key.childColumns.map((column, at) => fields[at]?.path ?? column).join(', ')
  return {
    fitted,
    also: key.childColumns.map((column, at) => `${textOf(columnOf('w', column))} AS f${at}`).join(', '),
    cause: 'missing-parent' as const,
    message: (row: Readonly<Record<string, string | null>>) => {
      const value = hidden
        ? ''
        : ` [${fields.map((field, at) => recordToken((field!.record satisfies FieldDescriptor).type, row[`f${at}`] ?? null)).join(',')}]`
      return `${name}: there is no row${value} of ${key.parentTable} to refer to (${key.name})`
    },
  }
}
