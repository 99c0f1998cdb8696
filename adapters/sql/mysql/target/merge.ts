import { isDeepStrictEqual } from 'node:util'
import type { StoreMapping } from '../../../../src/contracts/entity-descriptor.ts'
import type { MergedEntity, MergeItem, MergeOptions, MergeReport } from '../../../../src/contracts/restore-target.ts'
import { HoldfastError } from '../../../../src/kernel/errors.ts'
import { problemList, type ProblemList } from '../../problem-list.ts'
import { describeEntities, type MysqlEntity } from '../catalog.ts'
import { advanceCounters } from './advance-counters.ts'
import { recheckParents, type WrittenItem } from './check-foreign-keys.ts'
import { type DecidedItem, emptyActions } from './decide-actions.ts'
import { assertWhole, fitRecords, type FittedItem } from './fit-record.ts'
import { assertUnchanged } from './live-look.ts'
import type { LiveTable } from './live-table.ts'
import { assertStillEmpty, loadDirect } from './load-direct.ts'
import { readLiveTables } from './read-live-tables.ts'
import { decideAll, findAllProblems } from './reconcile.ts'
import { refuseConflicts, refuseProblems } from './refuse-merge.ts'
import { refuseStrangers } from './refuse-strangers.ts'
import { refuseTriggers } from './refuse-triggers.ts'
import type { RowChannel } from './row-channel.ts'
import { sameKey } from './row-sql.ts'
import { emptyAside } from './set-aside.ts'
import type { StagedRecords } from './stage-records.ts'
import { takeSamples } from './take-samples.ts'
import type { TargetSession, TargetStatements } from './target-session.ts'
import { judgeRows, showWritten } from './watch-rows.ts'
import { deleteRows, writeStaged } from './write-staged.ts'

export interface MergeParts {
  /** Name of the entity store. */
  readonly store: string
  readonly mapping: StoreMapping
  readonly session: TargetSession
  readonly channel: RowChannel
  readonly tables: readonly LiveTable[]
  /** Entities as a look saw them, by name: those of which something was left out. */
  readonly looked: ReadonlyMap<string, MysqlEntity>
  /** What is staged of an entity. */
  staged(item: FittedItem): StagedRecords
}

/** One transaction for all: lock, look again, decide, check, write, check foreign keys, commit. DDL comes before it, because it would commit. */
export async function merge(parts: MergeParts, items: readonly MergeItem[], options: MergeOptions): Promise<MergeReport> {
  const { session, tables } = parts
  const fitted = fitRecords(items, tables)
  const direct = fitted.filter(({ item }) => items.some(({ entity, mode }) => entity === item.entity && mode === 'direct'))
  assertWhole(direct)
  const staged = fitted.filter((each) => !direct.includes(each)).map((each) => parts.staged(each))
  await session.statements(async (statements) => {
    for (const each of staged) {
      await emptyActions(statements, each)
      await emptyAside(statements, each)
    }
    await advanceCounters(statements, fitted, options.sequences)
  }, options)
  const list = problemList(options.problemLimit)
  return session.transaction(
    async (statements) => {
      for (const each of staged) await lockRows(statements, each)
      for (const each of direct) await assertStillEmpty(statements, each)
      await assertUnmoved(statements, parts, fitted)
      await assertUnchanged(session, parts.looked, items, options)
      const first = await decideAll(statements, staged)
      await refuseStrangers(statements, first, 'before')
      const decided = await judgeRows(statements, first, options.watch)
      await refuseConflicts(decided, async (item) =>
        (await takeSamples(statements, item, CONFLICT_KEYS)).flatMap(({ action, key }) => (action === 'conflict' ? [key] : [])),
      )
      for (const { live, item } of direct) refuseTriggers(live, { create: item.lines.rows, update: 0, delete: 0, swap: 0 })
      for (const item of decided) refuseTriggers(item.fitted.live, item.counts)
      await findAllProblems(statements, decided, new Set(direct.map(({ live }) => live.table)), list, { far: false })
      refuseProblems(list)
      const written = await writeAll(statements, { parts, fitted, decided, list, options })
      for (const each of written) await recheckParents(statements, each, list)
      refuseProblems(list)
      await refuseStrangers(statements, decided, 'after')
      await showWritten(statements, decided, options.watch)
      const report = { entities: written.map(({ report: one }) => one), silenced: silencedOf(written) }
      options.beforeCommit?.(report)
      return report
    },
    { isolation: 'SERIALIZABLE', signal: options.signal },
  )
}

/** Keys named in a refusal. */
const CONFLICT_KEYS = 5

/** Locks the live rows that have records, and the gaps where there are none: from here on they stay as they are compared. */
async function lockRows(statements: TargetStatements, { fitted, table }: StagedRecords): Promise<void> {
  await statements.rows(
    'locking the live rows',
    `SELECT COUNT(*) AS n FROM ${table} s STRAIGHT_JOIN ${fitted.live.table} l ON ${sameKey(fitted, 'l', 's')} FOR UPDATE`,
  )
}

/** The tables are as they were when the target was opened: same columns, indexes, foreign keys and triggers. The transaction has touched them, so they stay so. */
async function assertUnmoved(statements: TargetStatements, { store, mapping, session, tables }: MergeParts, fitted: readonly FittedItem[]): Promise<void> {
  const selection = fitted.map(({ live }) => ({ entity: live.entity.name }))
  const entities = await describeEntities(session.session, { store, mapping, selection })
  const now = await readLiveTables(statements, session.server, entities)
  const moved = now.filter((table) => !isDeepStrictEqual(definition(table), definition(tables.find((before) => before.table === table.table))))
  if (moved.length > 0)
    throw new HoldfastError('E_RESTORE_MOVED', `changed since the restore began: the definition of ${moved.map(({ table }) => table).join(', ')}`)
}

/** All but what was asked for along with it: fields that were left out. */
function definition(table: LiveTable | undefined) {
  if (!table) return undefined
  const { engine, versioned, columns, keyIndex, uniques, references, referencedBy, triggers } = table
  return { engine, versioned, columns, keyIndex, uniques, references, referencedBy, triggers }
}

interface Writing {
  readonly parts: MergeParts
  readonly fitted: readonly FittedItem[]
  readonly decided: readonly DecidedItem[]
  readonly list: ProblemList
  readonly options: MergeOptions
}

const NOTHING = { create: 0, update: 0, identical: 0, keep: 0, absent: 0, lost: 0, stuck: 0, delete: 0 }

type Written = WrittenItem & { readonly report: MergedEntity }

async function writeAll(statements: TargetStatements, { parts, fitted, decided, list, options }: Writing): Promise<readonly Written[]> {
  const written: Written[] = []
  for (const each of [...decided].reverse()) await deleteRows(statements, each)
  for (const each of fitted) {
    const { entity } = each.item
    const onProgress = (rows: number) => options.onProgress?.(entity, rows)
    const known = decided.find((candidate) => candidate.fitted.item.entity === entity)
    if (known) await writeStaged(statements, known, list, onProgress)
    const { create, update, identical, keep, absent, lost, stuck, delete: deleted } = known?.counts ?? NOTHING
    const created = known ? create : await loadDirect(statements, parts.channel, each, { signal: options.signal, onProgress })
    written.push({
      fitted: each,
      decided: known ?? null,
      report: { entity, created, updated: update, identical, kept: keep, absent, failed: lost + stuck, deleted },
    })
  }
  refuseProblems(list)
  return written
}

function silencedOf(written: readonly Written[]): readonly string[] {
  const wrote = written.some(
    ({ fitted, report }) => report.created + report.updated + report.deleted > 0 && fitted.live.references.length + fitted.live.referencedBy.length > 0,
  )
  return wrote ? ['foreign keys, in the connection of the restore; those of the rows written were checked before the commit'] : []
}
