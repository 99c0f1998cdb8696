import { HoldfastError } from '../../../../src/kernel/errors.ts'
import { ACTION_CODE } from '../../merge-action.ts'
import { quoteIdent } from '../quote.ts'
import { refersToKey } from './check-foreign-keys.ts'
import type { DecidedItem } from './decide-actions.ts'
import type { FittedItem } from './fit-record.ts'
import { columnOf, LINE, sameKey, sameText } from './row-sql.ts'
import { patchColumns, type Silence } from './silence.ts'
import type { TargetTransaction } from './target-session.ts'

/** Records of one statement: enough to be fast, few enough to show progress. */
const PAGE_RECORDS = 50_000

/** Said of both tables: from one the planner does not conclude about the other, and would read it whole for each page. */
const ON_PAGE = `a.line > $1 AND a.line <= $2 AND s.${LINE} > $1 AND s.${LINE} <= $2`

/** Types whose equal keys have equal text, so that an update never needs to write the key. */
const EXACT_KEYS = new Set(['smallint', 'integer', 'bigint', 'uuid', 'boolean', 'date', 'bytea'])

export interface WriteStagedOptions {
  readonly silence: Silence
  readonly items: readonly FittedItem[]
  /** Brings rows back that made room for others, and counts them; runs after the updates. */
  readonly bringBack: () => Promise<number>
  readonly onProgress: (rows: number) => void
}

/** Writes what was decided: updates first, so that unique values that they free can be taken by rows to be created. */
export async function writeStaged(tx: TargetTransaction, decided: DecidedItem, options: WriteStagedOptions): Promise<void> {
  const { fitted, counts, staged } = decided
  const expected = counts.create + counts.update
  if (expected === 0) return
  const loosened = await loosenIdentities(tx, decided, options.silence)
  const later = postponed(fitted, options)
  const update = updateSql(decided, loosened, later.update)
  const insert = insertSql(decided, later.create)
  let written = 0
  const advance = (rows: number) => options.onProgress((written += rows))
  if (needsOneStatement(fitted, options.silence)) {
    const sql = `WITH updated AS (${update} RETURNING 1), created AS (${insert} AND (SELECT count(*) FROM updated) >= 0 RETURNING 1)
      SELECT ((SELECT count(*) FROM updated) + (SELECT count(*) FROM created))::text AS rows`
    advance(Number((await tx.rows('writing the records', sql))[0]?.rows))
  } else {
    const pages = async (sql: string, rows: number) => {
      if (rows === 0) return
      for (let from = 0; from < staged.rows; from += PAGE_RECORDS)
        advance(await tx.run('writing the records', `${sql} AND ${ON_PAGE}`, [from, from + PAGE_RECORDS]))
    }
    await pages(update, counts.update)
    advance(await options.bringBack())
    await pages(insert, counts.create)
  }
  if (written !== expected) {
    throw new HoldfastError(
      'E_RESTORE_REJECTED',
      `${fitted.live.table} took ${written} of ${expected} records, though nothing refused the others: look for triggers of its partitions`,
      {
        details: { entity: fitted.item.entity, written, expected },
      },
    )
  }
}

/** Before anything else is written, children first: what goes may hold unique values that come back elsewhere. */
export async function deleteRows(tx: TargetTransaction, { staged, fitted, actions, counts }: DecidedItem): Promise<void> {
  if (counts.delete === 0) return
  const gone = await tx.run(
    'deleting rows',
    `DELETE FROM ${fitted.live.table} l USING ${actions} a JOIN ${staged.table} s ON s.${LINE} = a.line WHERE a.act = ${ACTION_CODE.delete} AND ${sameKey(fitted.live, 'l', 's')}`,
  )
  if (gone === counts.delete) return
  throw new HoldfastError('E_RESTORE_REJECTED', `${fitted.live.table} let go of ${gone} of ${counts.delete} rows: look for triggers of its partitions`, {
    details: { entity: fitted.item.entity, deleted: gone, expected: counts.delete },
  })
}

/** The second pass over foreign keys of a cycle that nobody may defer. */
export async function patchReferences(
  tx: TargetTransaction,
  { staged, fitted, actions }: DecidedItem,
  options: Pick<WriteStagedOptions, 'silence' | 'items'>,
): Promise<void> {
  const columns = [...postponed(fitted, options).update].map(quoteIdent)
  if (columns.length === 0) return
  await tx.run(
    'writing the references of a cycle',
    `UPDATE ${fitted.live.table} l SET ${columns.map((column) => `${column} = s.${column}`).join(', ')} FROM ${actions} a JOIN ${staged.table} s ON s.${LINE} = a.line
     WHERE (a.act = ${ACTION_CODE.update} OR a.act = ${ACTION_CODE.create} AND num_nonnulls(${columns.map((column) => `s.${column}`).join(', ')}) > 0) AND ${sameKey(fitted.live, 'l', 's')}`,
  )
}

/**
 * Foreign keys that stay on look at the end of each statement: a table that refers to itself needs all its rows there by then, and so does one of
 * which a value that others refer to goes from one row to another.
 */
function needsOneStatement(fitted: FittedItem, silence: Silence): boolean {
  if (silence.replica) return false
  const { references, referencedBy } = fitted.live
  return (
    references.some((key) => key.parent === key.child && !key.deferrable && !silence.patched.has(key.oid)) ||
    referencedBy.some((key) => !key.deferrable && !refersToKey(key, fitted))
  )
}

/**
 * Before anything is written: rows that will refer to other values let go of those they refer to now, where foreign keys stay on and the values may
 * go first. `patchReferences` gives them the new ones.
 */
export async function releaseReferences(
  tx: TargetTransaction,
  { staged, fitted, actions, counts }: DecidedItem,
  options: Pick<WriteStagedOptions, 'silence' | 'items'>,
): Promise<void> {
  if (counts.update === 0) return
  for (const key of fitted.live.references.filter(({ oid }) => options.silence.patched.has(oid))) {
    const parent = options.items.find(({ live }) => live.oid === key.parent)
    if (!parent || refersToKey(key, parent)) continue
    const columns = patchColumns(options.items, key)
    const differs = columns.map((column) => `NOT (${sameText(columnOf('l', column), columnOf('s', column))})`)
    await tx.run(
      'letting go of references',
      `UPDATE ${fitted.live.table} l SET ${columns.map((column) => `${quoteIdent(column)} = NULL`).join(', ')} FROM ${actions} a JOIN ${staged.table} s ON s.${LINE} = a.line
       WHERE a.act = ${ACTION_CODE.update} AND ${sameKey(fitted.live, 'l', 's')} AND (${differs.join(' OR ')})`,
    )
  }
}

/** Columns of patched foreign keys: a new row has NULL in those that may be, an updated one keeps its old reference as a whole, until the second pass. */
function postponed({ live, key: keyFields }: FittedItem, { silence, items }: Pick<WriteStagedOptions, 'silence' | 'items'>) {
  const keys = live.references.filter(({ oid }) => silence.patched.has(oid))
  const all = keys.flatMap(({ childColumns }) => childColumns).filter((column) => !keyFields.some((field) => field.column === column))
  return { create: new Set(keys.flatMap((key) => patchColumns(items, key))), update: new Set(all) }
}

/**
 * `SET` cannot name a GENERATED ALWAYS identity. Where one beside the key differs, its owner makes it BY DEFAULT for the while.
 *
 * @returns The columns that can be set now.
 */
async function loosenIdentities(tx: TargetTransaction, { staged, fitted, actions, counts }: DecidedItem, silence: Silence): Promise<ReadonlySet<string>> {
  const { live } = fitted
  const loosened = new Set<string>()
  for (const { column } of fitted.fields.filter((field) => counts.update > 0 && isIdentityAlways(fitted, field.column))) {
    const [differs] = await tx.rows(
      'looking at identity columns',
      `SELECT '1' AS one FROM ${actions} a JOIN ${staged.table} s ON s.${LINE} = a.line JOIN ${live.table} l ON ${sameKey(live, 'l', 's')}
       WHERE a.act = ${ACTION_CODE.update} AND ${columnOf('l', column)} IS DISTINCT FROM ${columnOf('s', column)} LIMIT 1`,
    )
    if (!differs) continue
    if (!live.owned)
      throw new HoldfastError(
        'E_PERMISSION',
        `column ${column} of ${live.table} is GENERATED ALWAYS AS IDENTITY and differs in rows to be updated: only the table's owner can write it`,
      )
    const alter = `ALTER TABLE ${live.table} ALTER COLUMN ${quoteIdent(column)} SET GENERATED`
    await tx.rows('opening an identity column', `${alter} BY DEFAULT`)
    silence.later(`${alter} ALWAYS`, `GENERATED ALWAYS of ${live.table}.${quoteIdent(column)}`)
    loosened.add(column)
  }
  return loosened
}

function isIdentityAlways({ live }: FittedItem, column: string): boolean {
  return live.columns.some((each) => each.name === column && each.identityAlways)
}

function updateSql({ staged, fitted, actions }: DecidedItem, loosened: ReadonlySet<string>, later: ReadonlySet<string>): string {
  const { live, key } = fitted
  const set = fitted.fields
    .filter((field) => field.written && !later.has(field.column))
    .filter(({ column }) => loosened.has(column) || !isIdentityAlways(fitted, column))
    .filter((field) => !(key.includes(field) && EXACT_KEYS.has(field.live.dbType)))
  // With nothing but the key, or all of it postponed, an update writes the key as it is.
  const columns = (set.length > 0 ? set : key.filter(({ column }) => !isIdentityAlways(fitted, column))).map(({ column }) => column)
  return `UPDATE ${live.table} l SET ${columns.map((column) => `${quoteIdent(column)} = ${columnOf('s', column)}`).join(', ')} FROM ${actions} a JOIN ${staged.table} s ON s.${LINE} = a.line
    WHERE ${sameKey(live, 'l', 's')} AND a.act = ${ACTION_CODE.update}`
}

function insertSql({ staged, fitted, actions }: DecidedItem, later: ReadonlySet<string>): string {
  const columns = fitted.fields.filter((field) => field.written).map(({ column }) => column)
  const values = columns.map((column) => (later.has(column) ? 'NULL' : columnOf('s', column)))
  return `INSERT INTO ${fitted.live.table} (${columns.map(quoteIdent).join(', ')}) OVERRIDING SYSTEM VALUE SELECT ${values.join(', ')}
    FROM ${actions} a JOIN ${staged.table} s ON s.${LINE} = a.line WHERE a.act = ${ACTION_CODE.create}`
}
