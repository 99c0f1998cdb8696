import type { RecordProblem, StageOptions, StageReport } from '../../../../src/contracts/restore-target.ts'
import type { AbortableOptions } from '../../../../src/kernel/abort.ts'
import { keyOfLine } from '../../key-of-line.ts'
import { lineSpan } from '../../line-span.ts'
import { type LedgerKeeper, ledgerKeeper, shapeOf } from '../../staged-ledger.ts'
import { quoteIdent, quoteLiteral } from '../quote.ts'
import type { FittedItem } from './fit-record.ts'
import { loadLines, type LoadedLines } from './load-lines.ts'
import type { RowChannel } from './row-channel.ts'
import { LINE } from './row-sql.ts'
import type { RefusedLine } from './send-segment.ts'
import type { StagingArea, StagingTable } from './staging-area.ts'
import { type TakenUp, takeUpStaged } from './take-up-staged.ts'
import type { TargetSession, TargetStatements } from './target-session.ts'

/** Records of one entity beside its live table, in columns of the live types, under the live names, numbered in `LINE`. */
export interface StagedRecords {
  readonly fitted: FittedItem
  readonly table: string
  /** Name for the table of what is to be done with each record; made anew for each comparison. */
  readonly actions: string
  /** Name for the table of live rows that are out of the way while others take their unique values. */
  readonly aside: string
  /** Number of the last record that was gone through. */
  readonly rows: number
  /** Records among them that the database refused, so that they are not here. */
  readonly refused: number
  /** False when the database refused more lines than it may, and loading stopped there. */
  readonly complete: boolean
}

/** Loads the records of one entity into a staging table of their own, committed as it goes. */
export async function stageRecords(
  session: TargetSession,
  area: StagingArea,
  channel: RowChannel,
  fitted: FittedItem,
  options: StageOptions,
): Promise<StagedRecords & { readonly report: StageReport }> {
  const shape = shapeOfTable(fitted)
  const taken = await takeUpStaged(session, area, fitted, shape, options)
  const staged = taken?.staged ?? area.table()
  const { table } = staged
  const { refusable = 0 } = options
  const keeper = area.resumes === null ? null : ledgerKeeper(shape, area.resumes, taken?.hash)
  const { rows, refusedLines } = await session.statements(async (statements) => {
    if (keeper && !taken) await area.prepareLedgers(statements)
    if (!taken) await statements.rows('creating a staging table', createSql(fitted, table))
    return load(statements, channel, fitted, staged, { ...options, taken, keeper })
  }, options)
  const problems: RecordProblem[] = []
  for (const each of refusedLines) problems.push(await problemOf(fitted, each, options))
  const complete = problems.length <= refusable && refusedLines.every(({ line }) => line !== null)
  const refused = complete ? problems.length : 0
  const report = { entity: fitted.item.entity, rows: rows - refused, problems, ...(taken ? { takenUp: taken.rows } : {}) }
  return { fitted, table, actions: area.name(), aside: area.name(), rows, refused, complete, report }
}

/** Equal for the same fields, of the same types, into columns that hold the same, under the same indexes. */
function shapeOfTable(fitted: FittedItem): string {
  const { item, live, fields } = fitted
  const told = item.record.fields.map(({ path, type, dbType }) => [path, type, dbType])
  const holds = fields.map(({ column }) => live.columns.find(({ name }) => name === column)?.holds)
  return shapeOf(item.entity, live.table, told, holds, createSql(fitted, ''))
}

interface Loaded {
  readonly rows: number
  readonly refusedLines: readonly RefusedLine[]
}

interface LoadOptions extends StageOptions {
  readonly taken: TakenUp | null
  /** Keeps the ledger of what is in the table, for who goes on with it; null where nobody may. */
  readonly keeper: LedgerKeeper | null
}

/** Goes on behind a refused line as often as it may. */
async function load(
  statements: TargetStatements,
  channel: RowChannel,
  fitted: FittedItem,
  { table, place }: StagingTable,
  { refusable = 0, signal, onProgress, taken, ...options }: LoadOptions,
): Promise<Loaded> {
  const columns = fitted.fields.map(({ live }, at) => ({ column: live, place: at }))
  const refusedLines: RefusedLine[] = []
  let { keeper } = options
  let rest = taken?.rest
  for (let firstLine = (taken?.rows ?? 0) + 1; ;) {
    const lines = rest ?? lineSpan(fitted.item.lines, firstLine, Number.POSITIVE_INFINITY, { signal })
    const ledger = keeper && { keeper, place }
    const { rows, refused } = await loadLines(statements, channel, fitted, { table, columns, numbered: true }, { signal, onProgress, firstLine, lines, ledger })
    rest = undefined
    if (refused) {
      await statements.run('taking back what was loaded too far', `DELETE FROM ${table} WHERE ${LINE} > ${rows}`)
      // From here on records are missing in the table: nobody could go on with it.
      keeper = null
      refusedLines.push(refused)
    }
    if (refused && refused.line !== null && refusedLines.length <= refusable) {
      firstLine = refused.line + 1
      continue
    }
    // Without it the first plans would be made for an empty table.
    await statements.rows('looking at the staging table', `ANALYZE TABLE ${table}`)
    return { rows, refusedLines }
  }
}

/**
 * Columns of the very types of the live ones, but none of them generated, counting or NOT NULL: the outer join makes them so. The unique key proves that no record comes
 * twice, by the live key's own collation.
 */
function createSql({ item, live, fields }: FittedItem, table: string): string {
  const part = (name: string, length: number | null) => `${quoteIdent(name)}${length === null ? '' : `(${length})`}`
  const key = live.keyIndex.columns.map(({ name, prefixLength }) => part(name, prefixLength)).join(', ')
  const staged = new Set(fields.map(({ column }) => column))
  const lookups = new Set(
    live.referencedBy
      .filter(({ parentColumns }) => parentColumns.every((column) => staged.has(column)) && !leads(live.keyIndex.columns, parentColumns))
      .map(({ parentColumns }) => parentColumns.map((column) => part(column, null)).join(', ')),
  )
  const indexes = [`UNIQUE KEY holdfast_key (${key})`, ...[...lookups].map((columns, at) => `KEY holdfast_${at} (${columns})`)]
  return `CREATE TABLE ${table} (${LINE} INT UNSIGNED NOT NULL PRIMARY KEY, ${indexes.join(', ')}) ENGINE=InnoDB
    COMMENT=${quoteComment(`Holdfast: records of ${item.entity} on their way`)}
    AS SELECT CAST(0 AS UNSIGNED) AS ${LINE}, ${fields.map(({ column }) => `l.${quoteIdent(column)}`).join(', ')}
    FROM (SELECT 1 AS one) AS d LEFT JOIN ${live.table} AS l ON FALSE WHERE FALSE`
}

/** A comment takes plain text only, no introducer. */
const quoteComment = (text: string): string => quoteLiteral(text.replace(/[^ -&(-[\]-~]/g, '?'))

/** An index over these columns finds rows by those names. */
const leads = (indexed: readonly { readonly name: string; readonly prefixLength: number | null }[], names: readonly string[]): boolean =>
  names.every((name) => indexed.slice(0, names.length).some((column) => column.name === name && column.prefixLength === null))

export async function problemOf(fitted: FittedItem, refused: NonNullable<LoadedLines['refused']>, options: AbortableOptions): Promise<RecordProblem> {
  const { line, cause, message } = refused
  const { item } = fitted
  const where = line === null ? { key: null } : { key: await keyOfLine(fitted.key, item.lines, line, { signal: options.signal }), line }
  return { entity: item.entity, ...where, cause, message }
}
