import { FEW_RECORDS, type RecordProblem, type StageOptions, type StageReport } from '../../../../src/contracts/restore-target.ts'
import type { AbortableOptions } from '../../../../src/kernel/abort.ts'
import { HoldfastError, isHoldfastError } from '../../../../src/kernel/errors.ts'
import { copyErrorLocation, copyIn } from '../copy/index.ts'
import { databaseError } from '../database-error.ts'
import { quoteIdent, quoteLiteral } from '../quote.ts'
import { causeOf, refusal } from './database-problem.ts'
import type { FittedItem } from './fit-record.ts'
import { keyOfLine } from '../../key-of-line.ts'
import { lineSpan } from '../../line-span.ts'
import { type LedgerKeeper, ledgerKeeper } from '../../staged-ledger.ts'
import { LINE } from './row-sql.ts'
import { isFew, stageFew, type StagedFew } from './stage-few.ts'
import type { StagingArea } from './staging-area.ts'
import { noteLedger, purposeOf, shapeOfTable } from './staging-comment.ts'
import { analyzeStatement, copyStatement, repeatedKeys, tableShape } from './staging-table.ts'
import { type TakenUp, takeUpStaged } from './take-up-staged.ts'
import type { TargetSession, TransactionOptions } from './target-session.ts'

const SEGMENT_BYTES = 64 * 1024 * 1024

/** Records of one entity beside its live table, in columns of the live types, under the live names, numbered in `LINE`. */
export interface StagedRecords {
  readonly fitted: FittedItem
  readonly table: string
  /** Number of the last record that was gone through. */
  readonly rows: number
  /** Records among them that the database refused, so that they are not here. */
  readonly refused: number
  /** False when the database refused more lines than it may, and loading stopped there. */
  readonly complete: boolean
}

/** Loads the records of one entity into a staging table of their own. */
export async function stageRecords(
  session: TargetSession,
  area: StagingArea,
  fitted: FittedItem,
  options: StageOptions & Pick<KeeperOptions, 'segmentBytes'>,
): Promise<StagedRecords & { readonly report: StageReport }> {
  const few = isFew(fitted)
  const entity = fitted.item.entity
  const [at] = few ? ((await stageFew(session, area, [fitted], options)) ?? []) : []
  if (at) return soundFew(at)
  const taken = few ? null : await takeUpStaged(session, area, fitted, options)
  const table = taken?.table ?? (await createTable(session, area, fitted, options))
  const { refusable = 0 } = options
  const keeper = few || area.resumes === null ? null : ledgerKeeper(shapeOfTable(fitted), area.resumes, taken?.hash)
  const { rows, problems: refusedLines } = await load(session, fitted, table, { ...options, keeper, taken })
  const rest = { ...options, refusable: refusable - refusedLines.length, keeper: refusedLines.length > 0 ? null : keeper }
  const repeated = refusedLines.length > refusable || taken?.indexed ? [] : await index(session, fitted, { table, rows }, rest)
  const problems = [...refusedLines, ...repeated]
  const complete = problems.length <= refusable
  const refused = complete ? problems.length : 0
  return {
    fitted,
    table,
    rows,
    refused,
    complete,
    report: { entity, rows: rows - refused, problems, ...(taken ? { takenUp: taken.rows } : {}) },
  }
}

/** Loads the records of several entities at once. Null, and nothing is staged, where they are not few, or `stageRecords` must tell what is wrong. */
export async function stageTogether(
  session: TargetSession,
  area: StagingArea,
  items: readonly FittedItem[],
  options: AbortableOptions,
): Promise<readonly (StagedRecords & { readonly report: StageReport })[] | null> {
  if (!items.every(isFew)) return null
  return (await stageFew(session, area, items, options))?.map(soundFew) ?? null
}

function soundFew({ fitted, table, rows }: StagedFew): StagedRecords & { readonly report: StageReport } {
  return { fitted, table, rows, refused: 0, complete: true, report: { entity: fitted.item.entity, rows, problems: [] } }
}

/**
 * No constraints and no WAL: what does not survive a crash of the server is staged again.
 */
async function createTable(session: TargetSession, area: StagingArea, fitted: FittedItem, options: AbortableOptions): Promise<string> {
  const temporary = isFew(fitted) ? area.temporary?.() : undefined
  const table = temporary ?? area.name()
  const shape = tableShape(fitted)
  await session.transaction(async (tx) => {
    if (!temporary) await area.prepare(tx)
    await tx.rows(
      'creating a staging table',
      temporary
        ? `CREATE TEMP TABLE ${table} ${shape}`
        : `CREATE UNLOGGED TABLE ${table} ${shape}; COMMENT ON TABLE ${table} IS ${quoteLiteral(purposeOf(fitted))}`,
    )
  }, passing(options))
  return table
}

/** What a crash of the server takes away is staged again. */
const passing = ({ signal }: AbortableOptions): TransactionOptions => ({ signal, ending: 'passing' })

interface Loaded {
  /** Number of the last record that is in the table, or was refused. */
  readonly rows: number
  readonly problems: readonly RecordProblem[]
}

/** Goes on behind a refused line as often as it may: from the last commit, up to that line, and then behind it. */
async function load(session: TargetSession, fitted: FittedItem, table: string, { taken, ...options }: LoadOptions): Promise<Loaded> {
  const { refusable = 0 } = options
  const problems: RecordProblem[] = []
  const bad: number[] = []
  let { keeper } = options
  let rest = taken?.rest
  for (let first = (taken?.rows ?? 0) + 1; ;) {
    const stop = bad.find((line) => line >= first) ?? Number.POSITIVE_INFINITY
    const lines = rest ?? lineSpan(fitted.item.lines, first, stop - 1, options)
    const { rows, problem } = await loadSpan(session, fitted, table, { ...options, keeper, first, lines })
    rest = undefined
    if (problem) {
      // From here on records are missing in the table: nobody could go on with it.
      keeper = null
      problems.push(problem)
      if (problems.length > refusable) return { rows, problems }
      bad.push(problem.line!)
      bad.sort((a, b) => a - b)
      first = rows + 1
    } else if (stop === Number.POSITIVE_INFINITY) return { rows, problems }
    else first = stop + 1
  }
}

interface KeeperOptions extends StageOptions {
  /** Notes what is in the table, for who goes on with it; null where nobody may. */
  readonly keeper: LedgerKeeper | null
  /** Bytes of records loaded in one transaction. */
  readonly segmentBytes?: number | undefined
}

interface LoadOptions extends KeeperOptions {
  readonly taken: TakenUp | null
}

interface SpanOptions extends KeeperOptions {
  /** Number of the first of the lines. */
  readonly first: number
  readonly lines: AsyncIterable<Uint8Array>
}

async function loadSpan(
  session: TargetSession,
  fitted: FittedItem,
  table: string,
  { first, lines, keeper, segmentBytes = SEGMENT_BYTES, ...options }: SpanOptions,
): Promise<{ readonly rows: number; readonly problem?: RecordProblem }> {
  const { fields, program } = fitted
  const sql = copyStatement(table, fitted)
  const source = lines[Symbol.asyncIterator]()
  let rows = first - 1
  try {
    let next = await source.next()
    const segment = async function* () {
      for (let bytes = 0; !next.done && bytes < segmentBytes; next = await source.next()) {
        bytes += next.value.length
        keeper?.add(next.value)
        yield next.value
      }
    }
    while (!next.done) {
      const before = rows
      const copied = await session.transaction(async (tx) => {
        const sent = await copyIn(tx.client, sql, program, segment(), {
          send: fields.map(({ path }) => path),
          append: ['line-number'],
          firstLine: before + 1,
          signal: options.signal,
          onProgress: (some) => options.onProgress?.(before + some),
        })
        if (keeper) await noteLedger(tx, table, fitted, keeper.at(before + sent.rows))
        return sent
      }, passing(options))
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

/** Indexes for the joins to come; few rows are found without. That no record comes twice, the one of the key proves, or a query. Those that do are left out as long as they may be. */
async function index(
  session: TargetSession,
  fitted: FittedItem,
  staged: Pick<StagedRecords, 'table' | 'rows'>,
  options: KeeperOptions,
): Promise<readonly RecordProblem[]> {
  const { refusable = 0, signal, keeper } = options
  const repeated = await indexed(session, fitted, staged, { signal, keeper })
  if (repeated.length === 0 || repeated.length > refusable) return repeated
  const lines = repeated.map(({ line }) => line).join(', ')
  await session.transaction((tx) => tx.rows('leaving records out', `DELETE FROM ${staged.table} WHERE ${LINE} IN (${lines})`), passing({ signal }))
  return [...repeated, ...(await index(session, fitted, staged, { signal, refusable: refusable - repeated.length, keeper: null }))]
}

/** Records whose keys are repeated, the first of each not among them; where there are none the table is ready. */
async function indexed(
  session: TargetSession,
  fitted: FittedItem,
  { table, rows }: Pick<StagedRecords, 'table' | 'rows'>,
  { keeper, ...options }: KeeperOptions,
): Promise<readonly RecordProblem[]> {
  const key = fitted.key.map(({ column }) => quoteIdent(column)).join(', ')
  const analyze = analyzeStatement(table, fitted)
  const repeated = (before?: string) => session.transaction((tx) => repeatedKeys(tx, fitted, table, before), passing(options))
  if (rows <= FEW_RECORDS) return repeated(`${analyze}; `)
  try {
    await session.transaction(async (tx) => {
      await tx.rows('indexing the staging table', `CREATE UNIQUE INDEX ON ${table} (${key}); CREATE UNIQUE INDEX ON ${table} (${LINE}); ${analyze}`)
      if (keeper) await noteLedger(tx, table, fitted, keeper.at(rows, true))
    }, passing(options))
    return []
  } catch (error) {
    if (causeOf(error) !== 'unique-clash') throw error
    const problems = await repeated()
    if (problems.length === 0) throw new HoldfastError('E_STORE_FAILED', `the staging table of ${fitted.item.entity} could not be indexed`)
    return problems
  }
}
