import { isDeepStrictEqual } from 'node:util'
import type { MergedEntity, MergeItem, MergeOptions, MergeReport } from '../../../../src/contracts/restore-target.ts'
import { HoldfastError } from '../../../../src/kernel/errors.ts'
import type { PostgresEntity } from '../catalog.ts'
import { databaseError } from '../database-error.ts'
import { advanceSequences } from './advance-sequences.ts'
import { assertRights } from './assert-rights.ts'
import { recheckChildren, type WrittenItem, writtenParentSearches } from './check-foreign-keys.ts'
import { decideAll, type DecidedItem } from './decide-actions.ts'
import { findProblems } from './find-problems.ts'
import { fitRecords, type FittedItem } from './fit-record.ts'
import { assertStillEmpty, assertWhole, loadDirect } from './load-direct.ts'
import { lockOwners } from './lock-owners.ts'
import { tableLocks } from './lock-tables.ts'
import type { LiveTable } from './live-table.ts'
import { assertUnchanged } from './live-look.ts'
import { makeRoomForSwaps } from './part-swaps.ts'
import { problemList, type ProblemList } from '../../problem-list.ts'
import { readLiveTables } from './read-live-tables.ts'
import { describeAll, findAllProblems } from './reconcile.ts'
import { recheckUniques } from './recheck-uniques.ts'
import { refuseCascades } from './refuse-cascades.ts'
import { refuseConflicts, refuseProblems, rejection } from './refuse-merge.ts'
import { refuseStrangers } from './refuse-strangers.ts'
import { planSilence, type Silence } from './silence.ts'
import type { StagedRecords } from './stage-records.ts'
import type { StagingArea } from './staging-area.ts'
import { takeSamples } from './take-samples.ts'
import type { TargetSession, TargetTransaction } from './target-session.ts'
import { judgeRows, showWritten } from './watch-rows.ts'
import { deleteRows, patchReferences, releaseReferences, writeStaged } from './write-staged.ts'

export interface MergeParts {
  readonly session: TargetSession
  readonly area: StagingArea
  readonly entities: readonly PostgresEntity[]
  readonly tables: readonly LiveTable[]
  /** Entities as a look saw them, by name: those of which something was left out. */
  readonly looked: ReadonlyMap<string, PostgresEntity>
  /** The role may set `session_replication_role`. */
  readonly mayReplicate: boolean
  /** These very records were just compared, by these rules, and nothing spoke against them. What has come since, constraints refuse, and the checks of what was written. */
  readonly checked: boolean
  /** What is staged of an entity; stages it first where nothing is. */
  staged(item: FittedItem): Promise<StagedRecords>
}

/** One transaction for all: lock, look again, silence, write, put back, check, advance sequences, commit. */
export async function merge(parts: MergeParts, items: readonly MergeItem[], options: MergeOptions): Promise<MergeReport> {
  const { session, area } = parts
  const fitted = fitRecords(items, parts.tables)
  const silence = planSilence(fitted, parts.mayReplicate)
  const direct = fitted.filter((each) => modeOf(items, each) === 'direct' && !each.live.references.some(({ oid }) => silence.patched.has(oid)))
  const staged: StagedRecords[] = []
  assertWhole(direct)
  for (const each of fitted) if (!direct.includes(each)) staged.push(await parts.staged(each))
  const list = problemList(options.problemLimit)
  const progress: { current: FittedItem | null } = { current: null }
  const work = async (tx: TargetTransaction): Promise<MergeReport> => {
    await assertRights(tx, fitted)
    await lockUnmoved(tx, parts, fitted, silence)
    for (const each of fitted) if (modeOf(items, each) === 'direct') await assertStillEmpty(tx, each)
    await assertUnchanged(tx, session.server, parts.looked, items, options)
    const first = await decideAll(tx, area, staged)
    await lockOwners(tx, first, fitted)
    await refuseStrangers(tx, first, 'before')
    const decided = await judgeRows(tx, first, options.watch)
    if (options.compared) options.compared(await describeAll(tx, decided, staged, list, options.samples))
    await refuseConflicts(decided, async (item) => {
      const [samples] = await takeSamples(tx, [item], CONFLICT_KEYS)
      return samples!.flatMap(({ action, key }) => (action === 'conflict' ? [key] : []))
    })
    if (!silence.replica) await refuseCascades(tx, decided, silence.standing)
    if (!options.compared && (!parts.checked || options.watch)) await findAllProblems(tx, decided, new Set(direct.map(({ live }) => live.oid)), list)
    refuseProblems(list)
    if (direct.length === 0 && decided.every(({ counts }) => counts.create + counts.update + counts.delete === 0))
      return untouched(tx, fitted, decided, options)
    await silence.begin(tx)
    for (const each of decided) await releaseReferences(tx, each, { silence, items: fitted })
    for (const each of [...decided].reverse()) {
      progress.current = each.fitted
      await deleteRows(tx, each)
    }
    const written = await writeAll(tx, { area, fitted, decided, silence, options, progress })
    progress.current = null
    for (const each of decided) await patchReferences(tx, each, { silence, items: fitted })
    await silence.putBack(tx)
    if (silence.replica) await recheck(tx, written, list)
    await lockOwners(tx, decided, fitted)
    await refuseStrangers(tx, decided, 'after')
    await showWritten(tx, decided, options.watch)
    await advanceSequences(tx, fitted, options.sequences)
    await dropActions(tx, decided)
    return finished({ entities: written.map(({ report }) => report), silenced: [...new Set(silence.names)] }, options)
  }
  try {
    return await session.transaction(work, { signal: options.signal })
  } catch (error) {
    throw (await rejection(error, progress.current, fitted, direct, options)) ?? databaseError('the merge', error)
  }
}

/** All identical, or kept: there is nothing to silence. */
async function untouched(tx: TargetTransaction, fitted: readonly FittedItem[], decided: readonly DecidedItem[], options: MergeOptions): Promise<MergeReport> {
  await options.watch?.settled?.()
  await advanceSequences(tx, fitted, options.sequences)
  await dropActions(tx, decided)
  return finished({ entities: decided.map(mergedFrom), silenced: [] }, options)
}

/** The last word before COMMIT is the caller's. */
function finished(report: MergeReport, options: MergeOptions): MergeReport {
  options.beforeCommit?.(report)
  return report
}

function mergedFrom({ fitted, counts }: DecidedItem): MergedEntity {
  return {
    entity: fitted.item.entity,
    created: counts.create,
    updated: counts.update,
    identical: counts.identical,
    kept: counts.keep,
    absent: counts.absent,
    failed: counts.lost + counts.stuck,
    deleted: counts.delete,
  }
}

/** Keys named in a refusal. */
const CONFLICT_KEYS = 5

interface Writing {
  readonly area: StagingArea
  readonly fitted: readonly FittedItem[]
  readonly decided: readonly DecidedItem[]
  readonly silence: Silence
  readonly options: MergeOptions
  readonly progress: { current: FittedItem | null }
}

type Written = WrittenItem & { readonly report: MergedEntity }

async function writeAll(tx: TargetTransaction, { area, fitted, decided, silence, options, progress }: Writing): Promise<readonly Written[]> {
  const written: Written[] = []
  for (const each of fitted) {
    progress.current = each
    const entity = each.item.entity
    const onProgress = (rows: number) => options.onProgress?.(entity, rows)
    const known = decided.find((candidate) => candidate.fitted.item.entity === entity)
    if (!known) {
      const created = await loadDirect(tx, each, { signal: options.signal, onProgress })
      written.push({ fitted: each, decided: null, report: { entity, created, updated: 0, identical: 0, kept: 0, absent: 0, failed: 0, deleted: 0 } })
      continue
    }
    const bringBack = await makeRoomForSwaps(tx, area, known, silence)
    await writeStaged(tx, known, { silence, items: fitted, bringBack, onProgress })
    written.push({ fitted: each, decided: known, report: mergedFrom(known) })
  }
  return written
}

/** What silenced triggers would have checked. */
async function recheck(tx: TargetTransaction, written: readonly WrittenItem[], list: ProblemList): Promise<void> {
  const all = written.flatMap(({ decided }) => decided ?? [])
  const searches = written.flatMap((each) => writtenParentSearches(each, all))
  await findProblems(tx, searches, list)
  for (const each of written) {
    await recheckChildren(tx, each, list)
    await recheckUniques(tx, each.fitted, list)
  }
  refuseProblems(list)
}

/** The tables are as they were when the target was opened: same columns, constraints, triggers and rights. They are looked at when they are locked, and so they stay. */
async function lockUnmoved(tx: TargetTransaction, { entities, tables }: MergeParts, fitted: readonly FittedItem[], { replica }: Silence): Promise<void> {
  const wanted = entities.filter(({ oid }) => fitted.some(({ live }) => live.oid === oid))
  const now = await readLiveTables(tx, wanted, { doing: 'locking the tables', first: tableLocks(fitted, replica) })
  const moved = now.filter((table) => !isDeepStrictEqual(withoutNeighbours(table), withoutNeighbours(tables.find(({ oid }) => oid === table.oid))))
  if (moved.length > 0) {
    throw new HoldfastError('E_RESTORE_MOVED', `changed since the restore began: the definition of ${moved.map(({ table }) => table).join(', ')}`)
  }
}

/** Foreign keys that come from or go to tables outside the merge depend on what was asked for along with it. */
function withoutNeighbours(table: LiveTable | undefined) {
  return table && { ...table, references: table.references.map(({ oid }) => oid), referencedBy: table.referencedBy.map(({ oid }) => oid) }
}

async function dropActions(tx: TargetTransaction, decided: readonly DecidedItem[]): Promise<void> {
  if (decided.length > 0) await tx.rows('dropping staging tables', `DROP TABLE ${decided.map(({ actions }) => actions).join(', ')}`)
}

function modeOf(items: readonly MergeItem[], { item }: FittedItem): 'staged' | 'direct' {
  return items.find(({ entity }) => entity === item.entity)!.mode
}
