import type { RecordProblem, StageReport } from '../../../../src/contracts/restore-target.ts'
import type { AbortableOptions } from '../../../../src/kernel/abort.ts'
import { HoldfastError, isHoldfastError } from '../../../../src/kernel/errors.ts'
import { copyErrorLocation, copyIn } from '../copy/index.ts'
import { databaseError } from '../database-error.ts'
import { quoteIdent, quoteLiteral } from '../quote.ts'
import { causeOf, refusal } from './database-problem.ts'
import type { FittedItem } from './fit-record.ts'
import { keyOfLine } from '../../key-of-line.ts'
import { keyColumns, keyOfRow } from './record-key.ts'
import { LINE } from './row-sql.ts'
import type { StagingArea } from './staging-area.ts'
import type { TargetSession } from './target-session.ts'

/** Bytes of records loaded in one transaction: none stays open so long that it holds VACUUM of the live tables back. */
const SEGMENT_BYTES = 64 * 1024 * 1024

/** At most so many repeated keys are named. */
const DUPLICATE_LIMIT = 100

/** Records of one entity beside its live table, in columns of the live types, under the live names, numbered in `LINE`. */
export interface StagedRecords {
  readonly fitted: FittedItem
  readonly table: string
  readonly rows: number
  /** False when the database refused a line and loading stopped there. */
  readonly complete: boolean
}

export interface StageOptions extends AbortableOptions {
  readonly onProgress?: (rows: number) => void
}

/** Loads the records of one entity into a staging table of their own. */
export async function stageRecords(
  session: TargetSession,
  area: StagingArea,
  fitted: FittedItem,
  options: StageOptions,
): Promise<StagedRecords & { readonly report: StageReport }> {
  const table = area.name()
  await createTable(session, area, fitted, table, options)
  const loaded = await load(session, fitted, table, options)
  const problems = loaded.problem ? [loaded.problem] : await index(session, fitted, table, options)
  const entity = fitted.item.entity
  return { fitted, table, rows: loaded.rows, complete: problems.length === 0, report: { entity, rows: loaded.rows, problems } }
}

/** No constraints and no WAL: what does not survive a crash of the server is staged again. */
async function createTable(session: TargetSession, area: StagingArea, fitted: FittedItem, table: string, options: AbortableOptions): Promise<void> {
  const columns = fitted.fields.map(({ column }) => quoteIdent(column)).join(', ')
  await session.transaction(async (tx) => {
    await area.prepare(tx)
    await tx.rows(
      'creating a staging table',
      `CREATE UNLOGGED TABLE ${table} WITH (autovacuum_enabled = false) AS SELECT ${columns} FROM ${fitted.live.table} WITH NO DATA;
       ALTER TABLE ${table} ADD COLUMN ${LINE} bigint;
       COMMENT ON TABLE ${table} IS ${quoteLiteral(`Holdfast: records of ${fitted.item.entity} on their way into ${fitted.live.table}`)}`,
    )
  }, options)
}

async function load(
  session: TargetSession,
  fitted: FittedItem,
  table: string,
  options: StageOptions,
): Promise<{ readonly rows: number; readonly problem?: RecordProblem }> {
  const { item, fields, program } = fitted
  const sql = `COPY ${table} (${[...fields.map(({ column }) => quoteIdent(column)), LINE].join(', ')}) FROM STDIN`
  const source = item.lines.open(options)[Symbol.asyncIterator]()
  let rows = 0
  try {
    let next = await source.next()
    const segment = async function* () {
      for (let bytes = 0; !next.done && bytes < SEGMENT_BYTES; next = await source.next()) {
        bytes += next.value.length
        yield next.value
      }
    }
    while (!next.done) {
      const before = rows
      const copied = await session.transaction(
        ({ client }) =>
          copyIn(client, sql, program, segment(), {
            send: fields.map(({ path }) => path),
            append: ['line-number'],
            firstLine: before + 1,
            signal: options.signal,
            onProgress: (sent) => options.onProgress?.(before + sent),
          }),
        options,
      )
      rows += copied.rows
    }
    return { rows }
  } catch (error) {
    return { rows, problem: await lineProblem(fitted, error, rows, options) }
  } finally {
    // Told, not awaited: a source that hangs must not keep the caller waiting.
    void Promise.resolve(source.return?.()).catch(() => {})
  }
}

/** The line that the database refused, as a problem; rethrows whatever is no record's fault. */
async function lineProblem(fitted: FittedItem, error: unknown, before: number, options: AbortableOptions): Promise<RecordProblem> {
  const cause = causeOf(error)
  const where = copyErrorLocation(error)
  if (!cause || !where || isHoldfastError(error, 'E_ABORTED')) throw databaseError('loading the records', error)
  const line = before + where.line
  return {
    entity: fitted.item.entity,
    key: await keyOfLine(fitted.key, fitted.item.lines, line, options),
    line,
    cause,
    message: refusal(error, fitted, where.column),
  }
}

/** Indexes for the joins to come. The one of the key also proves that no record comes twice. */
async function index(session: TargetSession, fitted: FittedItem, table: string, options: AbortableOptions): Promise<readonly RecordProblem[]> {
  const key = fitted.key.map(({ column }) => quoteIdent(column)).join(', ')
  try {
    await session.transaction(
      (tx) => tx.rows('indexing the staging table', `CREATE UNIQUE INDEX ON ${table} (${key}); CREATE UNIQUE INDEX ON ${table} (${LINE}); ANALYZE ${table}`),
      options,
    )
    return []
  } catch (error) {
    if (causeOf(error) !== 'unique-clash') throw error
    return repeatedKeys(session, fitted, table, key, options)
  }
}

async function repeatedKeys(
  session: TargetSession,
  fitted: FittedItem,
  table: string,
  key: string,
  options: AbortableOptions,
): Promise<readonly RecordProblem[]> {
  const rows = await session.transaction(
    (tx) =>
      tx.rows(
        'looking for repeated keys',
        `SELECT s.${LINE}::text AS line, s.first::text AS first, ${keyColumns(fitted, 's')}
         FROM (SELECT *, min(${LINE}) OVER (PARTITION BY ${key}) AS first FROM ${table}) s WHERE s.${LINE} > s.first ORDER BY s.${LINE} LIMIT ${DUPLICATE_LIMIT}`,
      ),
    options,
  )
  if (rows.length === 0) throw new HoldfastError('E_STORE_FAILED', `the staging table of ${fitted.item.entity} could not be indexed`)
  return rows.map((row) => ({
    entity: fitted.item.entity,
    key: keyOfRow(fitted, row),
    line: Number(row.line),
    cause: 'validation',
    message: `the key is that of record ${row.first} as well`,
  }))
}
