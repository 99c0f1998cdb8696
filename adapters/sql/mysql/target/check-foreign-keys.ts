import type { ProblemList } from '../../problem-list.ts'
import { ACTION_CODE, WRITING } from '../../merge-action.ts'
import type { TextRow } from '../query.ts'
import type { DecidedItem } from './decide-actions.ts'
import { finalImage, isLeaving } from './final-image.ts'
import { findProblems } from './find-problems.ts'
import type { FittedItem } from './fit-record.ts'
import type { ForeignKey } from './live-table.ts'
import { recordToken, tokenSql } from './record-token.ts'
import { columnOf, LINE, sameKey } from './row-sql.ts'
import type { TargetStatements } from './target-session.ts'

/** Finds records whose parent neither is live nor will be, before anything is written. Parents in `unknown` (tables) are not judged: their rows are not here yet. */
export async function checkParentsBefore(
  statements: TargetStatements,
  decided: DecidedItem,
  all: readonly DecidedItem[],
  unknown: ReadonlySet<string>,
  list: ProblemList,
): Promise<void> {
  if (decided.counts.create + decided.counts.update === 0) return
  for (const key of decided.fitted.live.references) {
    if (unknown.has(key.parentTable)) continue
    const parent = all.find(({ fitted }) => fitted.live.table === key.parentTable)
    // A row that keeps its key keeps what refers to the key; other columns may change, and then the row counts as it will be.
    const moves = parent && (parent.counts.delete > 0 || !refersToKey(key, parent.fitted)) ? `AND NOT ${isLeaving(parent, 'p')}` : ''
    const coming = parent ? `AND NOT EXISTS (SELECT 1 FROM ${finalImage(parent)} p WHERE ${matches(key)})` : ''
    await findProblems(
      statements,
      {
        ...missingParent(decided.fitted, key),
        from: `FROM ${finalImage(decided)} w WHERE ${refers(key)} AND NOT EXISTS (SELECT 1 FROM ${key.parentTable} p WHERE ${matches(key)} ${moves}) ${coming}`,
        line: `w.${LINE}`,
      },
      list,
    )
  }
}

/**
 * Finds updates and deletions that would take from live rows the value they refer to. An update changes no key, so that only foreign keys to other columns
 * matter there. Rows that are written themselves count as they will be, which `checkParentsBefore` sees to.
 */
export async function checkChildrenBefore(statements: TargetStatements, decided: DecidedItem, all: readonly DecidedItem[], list: ProblemList): Promise<void> {
  const { fitted, counts } = decided
  if (counts.delete > 0) await checkOrphans(statements, decided, all, list)
  if (counts.update === 0) return
  for (const key of fitted.live.referencedBy) {
    if (refersToKey(key, fitted)) continue
    const child = all.find((item) => item.fitted.live.table === key.childTable)
    const stays = child ? `AND NOT ${isLeaving(child, 'c')}` : ''
    const paths = key.parentColumns.map((column) => fitted.fields.find((field) => field.column === column)?.path ?? column)
    await findProblems(
      statements,
      {
        doing: 'looking for rows that refer to updated ones',
        fitted,
        cause: 'missing-parent',
        message: () => `rows of ${key.childTable} refer to a value of ${paths.join(', ')} that no row would have any more (${key.name})`,
        from: `FROM ${finalImage(decided)} w JOIN ${fitted.live.table} q ON ${sameKey(fitted, 'q', 'w')}
          WHERE EXISTS (SELECT 1 FROM ${key.childTable} c WHERE ${matches(key, 'q', 'c')} ${stays}
            AND NOT EXISTS (SELECT 1 FROM ${finalImage(decided)} f WHERE ${matches(key, 'f', 'c')})
            AND NOT EXISTS (SELECT 1 FROM ${fitted.live.table} o WHERE ${matches(key, 'o', 'c')} AND NOT ${isLeaving(decided, 'o')}))`,
        line: `w.${LINE}`,
      },
      list,
    )
  }
}

/** Rows to be deleted that others still refer to. */
async function checkOrphans(statements: TargetStatements, decided: DecidedItem, all: readonly DecidedItem[], list: ProblemList): Promise<void> {
  const { staged, fitted } = decided
  for (const key of fitted.live.referencedBy) {
    const child = all.find((item) => item.fitted.live.table === key.childTable)
    const stays = child ? `AND NOT ${isLeaving(child, 'c')}` : ''
    await findProblems(
      statements,
      {
        doing: 'looking for rows that refer to deleted ones',
        fitted,
        cause: 'missing-parent',
        message: () => `it would be deleted, and rows of ${key.childTable} refer to it (${key.name})`,
        from: `FROM ${staged.actions} a JOIN ${staged.table} w ON w.${LINE} = a.line JOIN ${fitted.live.table} q ON ${sameKey(fitted, 'q', 'w')}
          WHERE a.act = ${ACTION_CODE.delete} AND EXISTS (SELECT 1 FROM ${key.childTable} c WHERE ${matches(key, 'q', 'c')} ${stays}
            AND NOT EXISTS (SELECT 1 FROM ${finalImage(decided)} f WHERE ${matches(key, 'f', 'c')}))`,
        line: null,
      },
      list,
    )
  }
}

/** What a merge wrote: `staged` rows by their actions, or a whole table that had been empty. */
export type WrittenItem = { readonly fitted: FittedItem; readonly decided: DecidedItem | null }

/** Checks the rows just written against the live tables, as the server would have. */
export async function recheckParents(statements: TargetStatements, { fitted, decided }: WrittenItem, list: ProblemList): Promise<void> {
  for (const key of fitted.live.references) {
    const orphan = `${refers(key)} AND NOT EXISTS (SELECT 1 FROM ${key.parentTable} p WHERE ${matches(key)})`
    const rows = decided
      ? `${decided.staged.actions} a JOIN ${decided.staged.table} s ON s.${LINE} = a.line JOIN ${fitted.live.table} w ON ${sameKey(fitted, 'w', 's')} WHERE a.act IN ${WRITING} AND`
      : `${fitted.live.table} w WHERE`
    await findProblems(statements, { ...missingParent(fitted, key), from: `FROM ${rows} ${orphan}`, line: decided ? 'a.line' : null }, list)
  }
}

function refersToKey(key: ForeignKey, parent: FittedItem): boolean {
  const columns = parent.live.key.map(({ column }) => column)
  return key.parentColumns.every((column) => columns.includes(column))
}

/** SQL condition: the row `w` refers to a parent at all. One NULL among its columns, and it does not. */
const refers = (key: ForeignKey): string => key.childColumns.map((column) => `${columnOf('w', column)} IS NOT NULL`).join(' AND ')

/** SQL condition: one is the parent of the other, as the collations of both compare. */
const matches = (key: ForeignKey, parent = 'p', child = 'w'): string =>
  key.parentColumns.map((column, at) => `${columnOf(parent, column)} = ${columnOf(child, key.childColumns[at]!)}`).join(' AND ')

function missingParent(fitted: FittedItem, key: ForeignKey) {
  const fields = key.childColumns.map((column) => fitted.fields.find((field) => field.column === column))
  const hidden = fields.some((field) => !field || field.sensitive)
  const name = key.childColumns.map((column, at) => fields[at]?.path ?? column).join(', ')
  return {
    doing: 'looking for missing parents',
    fitted,
    ...(hidden ? {} : { also: fields.map((field, at) => `${tokenSql(field!.live, 'w')} AS f${at}`).join(', ') }),
    cause: 'missing-parent' as const,
    message: (row: TextRow) => {
      const value = hidden ? '' : ` [${fields.map((field, at) => recordToken(field!.live, row[`f${at}`] ?? null)).join(',')}]`
      return `${name}: there is no row${value} of ${key.parentTable} to refer to (${key.name})`
    },
  }
}
