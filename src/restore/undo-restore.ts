import type { ErasureEntry, RepositoryScope } from '../archive/index.ts'
import type { EntityStore } from '../contracts/entity-store.ts'
import { scopeFilter } from '../contracts/scope-filter.ts'
import type { Logger } from '../contracts/logger.ts'
import type { MergeItem, MergeReport, RestoreTarget } from '../contracts/restore-target.ts'
import type { ErasedCount } from '../erasure/index.ts'
import type { AbortableOptions } from '../kernel/abort.ts'
import type { Clock } from '../kernel/clock.ts'
import { HoldfastError, isHoldfastError } from '../kernel/errors.ts'
import { uuidv7 } from '../kernel/ids.ts'
import { totalsOf } from './build-result.ts'
import { forgetRows } from './forget-rows.ts'
import { leftOut } from './left-out.ts'
import { partial } from './merge-stores.ts'
import { MovedRows } from './moved-rows.ts'
import { referenceOrder } from '../record/index.ts'
import { PROBLEM_LIMIT } from './restore-request.ts'
import type { RestoredEntity, RestoreResult } from './restore-result.ts'
import { rowHash } from './row-hash.ts'
import { type OwnedRows, undoJournal, type UndoEntity, type UndoHead } from './undo-journal.ts'
import { expectedRows, undoLines, writtenLines } from './undo-lines.ts'
import type { UndoRequest } from './undo-request.ts'
import { type RowObserver, watchRows } from './watch-rows.ts'

export interface UndoDependencies extends AbortableOptions {
  /** Of the undo. Default: a new one. */
  readonly id?: string
  /** Told of each phase, of each store. */
  readonly entered?: (phase: 'staging' | 'merging') => void
  readonly repository: Pick<RepositoryScope, 'restores' | 'erasures'>
  /** The tenant whose restore it was; null where there are no tenants. */
  readonly tenant: string | null
  /** The live stores, those of the tenant where the restored rows were told by nothing else. */
  readonly storesOf: (byRow: boolean) => Promise<ReadonlyMap<string, EntityStore>>
  /** How rows lead to their tenant, as it is declared today; null where it is not. */
  readonly ownedOf: (store: string, entity: string) => OwnedRows | null
  readonly clock: Clock
  readonly logger: Logger
}

interface Undoing extends UndoDependencies {
  readonly id: string
  readonly signal: AbortSignal
  readonly undone: Pick<RestoreResult, 'restoreId'>
  readonly onConflict: NonNullable<UndoRequest['onConflict']>
  readonly moved: MovedRows
  readonly journal: (store: string) => RowObserver
  readonly entries: readonly ErasureEntry[]
  readonly erased: ErasedCount[]
}

/**
 * Puts back every row that a restore touched, in one transaction a store: updated and deleted rows as they were, created ones away. A row that was changed again since is a conflict.
 *
 * @throws `E_UNDO_UNAVAILABLE`, `E_UNDO_CONFLICT` naming the rows, `E_STORE_UNKNOWN`, `E_RESTORE_REJECTED`, `E_RESTORE_PARTIAL`
 */
export async function undoRestore(undone: RestoreResult, { onConflict = 'fail', by }: UndoRequest, dependencies: UndoDependencies): Promise<RestoreResult> {
  const { clock, repository, tenant } = dependencies
  const startedAt = clock.now()
  const signal = dependencies.signal ?? new AbortController().signal
  const heads = (await readHeads(undone.restoreId, { repository, tenant }, { signal })).map((head) => owned(head, dependencies))
  assertWhole(heads, undone)
  assertOwned(heads, tenant)
  const stores = await dependencies.storesOf(heads.some(({ entities }) => entities.some(({ owner, shared }) => owner || shared)))
  const work = heads.map((head) => ({ head, store: storeOf(head, stores) }))
  const { id = uuidv7(startedAt) } = dependencies
  const moved = new MovedRows()
  const erased: ErasedCount[] = []
  const entries: ErasureEntry[] = []
  for await (const entry of repository.erasures.list({ signal })) entries.push(entry)
  const ownedOf = (store: string, entity: string): OwnedRows => {
    const { owner, shared } = heads.find((head) => head.store === store)?.entities.find(({ descriptor }) => descriptor.name === entity) ?? {}
    return { ...(owner ? { owner } : {}), ...(shared ? { shared } : {}) }
  }
  const journal = undoJournal({ id, repository, tenant, ownedOf, signal })
  const undoing: Undoing = { ...dependencies, id, signal, undone, onConflict, moved, journal, entries, erased }
  const entities: RestoredEntity[] = []
  const silenced: string[] = []
  const warnings: string[] = []
  const committed: string[] = []
  for (const { head, store } of work) {
    const report = await undoStore(head, store, undoing).catch((error: unknown) => {
      const known = isHoldfastError(error) ? refusedUndo(error).withDetails({ restoreId: id }) : error
      throw committed.length === 0 ? known : partial(head.store, committed, known)
    })
    committed.push(head.store)
    silenced.push(...report.silenced)
    entities.push(...head.entities.map((entity) => undoneEntity(head.store, entity, report)))
    warnings.push(...(await forgetRows(store, undoing)))
  }
  return {
    restoreId: id,
    snapshotId: undone.snapshotId,
    planId: undone.planId,
    scope: undone.scope ?? tenant,
    targetScope: tenant,
    status: 'completed',
    policy: 'overwrite',
    by: by ?? null,
    name: null,
    applies: null,
    undoes: undone.restoreId,
    replays: null,
    undoable: true,
    entities,
    totals: totalsOf(entities),
    schema: [],
    masked: [],
    erased,
    problems: 0,
    silenced,
    warnings: moved.count === 0 ? warnings : [...warnings, `left as they are now, because they were changed since: ${moved.toString()}`],
    hooks: [],
    startedAt: new Date(startedAt).toISOString(),
    durationMs: clock.now() - startedAt,
  }
}

async function readHeads(
  restoreId: string,
  { repository, tenant }: Pick<UndoDependencies, 'repository' | 'tenant'>,
  options: AbortableOptions,
): Promise<readonly UndoHead[]> {
  const heads: UndoHead[] = []
  try {
    for (;;) {
      const head = (await repository.restores.readPart(restoreId, 'undo', heads.length, options)) as UndoHead
      if (head.restoreId !== restoreId || (head.tenant ?? null) !== tenant)
        throw new HoldfastError('E_ARCHIVE_CORRUPT', `what restore ${restoreId} kept to undo it with is of another restore or tenant`)
      heads.push(head)
    }
  } catch (error) {
    if (!isHoldfastError(error, 'E_ARCHIVE_MISSING')) throw error
  }
  if (heads.length > 0) return heads
  throw new HoldfastError('E_UNDO_UNAVAILABLE', `restore ${restoreId} kept nothing to undo it with, or it was pruned`)
}

/** Whose rows are whose is said by today's plan, before what was kept says it. */
function owned(head: UndoHead, { tenant, ownedOf }: Pick<UndoDependencies, 'tenant' | 'ownedOf'>): UndoHead {
  if (tenant === null) return head
  const entities = head.entities.map(({ owner, shared, ...entity }): UndoEntity => ({
    ...entity,
    ...(ownedOf(head.store, entity.descriptor.name) ?? { ...(owner ? { owner } : {}), ...(shared ? { shared } : {}) }),
  }))
  return { ...head, entities }
}

/** In tables of all tenants no row may be touched of which nobody says whose it is. @throws `E_SCOPE` */
function assertOwned(heads: readonly UndoHead[], tenant: string | null): void {
  if (tenant === null) return
  const all = heads.flatMap(({ entities }) => entities)
  const bare = all.filter(({ owner, shared }) => !owner && !shared)
  if (bare.length === 0 || bare.length === all.length) return
  throw new HoldfastError('E_SCOPE', `nothing says to whom the rows of ${bare.map(({ descriptor }) => descriptor.name).join(', ')} belong`)
}

/** A prune takes journals away whose time is over; none of it that is left is put back. */
function assertWhole(heads: readonly UndoHead[], { restoreId, entities }: RestoreResult): void {
  const missing = entities.filter((each) => each.create + each.update + each.delete > 0 && !heads.some(({ store }) => store === each.store))
  if (missing.length === 0) return
  throw new HoldfastError('E_UNDO_UNAVAILABLE', `what restore ${restoreId} kept of store "${missing[0]!.store}" to undo it with is not there any more`)
}

function storeOf({ store: name }: UndoHead, stores: ReadonlyMap<string, EntityStore>): EntityStore {
  const store = stores.get(name)
  if (store) return store
  throw new HoldfastError('E_STORE_UNKNOWN', `no store "${name}" is configured; there are ${[...stores.keys()].map((one) => `"${one}"`).join(', ')}`)
}

async function undoStore({ entities }: UndoHead, store: EntityStore, undoing: Undoing): Promise<MergeReport> {
  const { id, signal, repository, undone, entered } = undoing
  // What a restore created among the rows of all tenants may be others' by now.
  const touched = entities.filter(({ counts, shared }) => !shared && counts.create + counts.update + counts.delete > 0)
  if (touched.length === 0) return { entities: [], silenced: [] }
  const source = (entity: UndoEntity) => ({ log: repository.restores, restoreId: undone.restoreId, entity })
  const items = referenceOrder(
    touched.map((entity): MergeItem => ({
      record: entity.descriptor,
      entity: entity.descriptor.name,
      policy: 'overwrite',
      mode: 'staged',
      lines: undoLines(source(entity)),
      deleteFrom: writtenLines(entity) + 1,
    })),
  )
  const target = await store.openTarget({
    restoreId: id,
    signal,
    entities: touched.map(({ descriptor, owner }) => ({
      entity: descriptor.name,
      ...scopeFilter(owner, undoing.tenant),
      sensitive: descriptor.fields.filter((field) => field.sensitive).map(({ path }) => path),
    })),
  })
  try {
    target.assertFits(items)
    entered?.('staging')
    await stageAll(target, items, undoing)
    const expected = new Map(touched.map((entity) => [entity.descriptor.name, expectedRows(source(entity), { signal })]))
    const forgotten = await leftOut({
      store: store.name,
      entities: touched.map((entity) => ({ descriptor: entity.descriptor, lines: undoLines(source(entity)) })),
      ledger: repository.erasures,
      entries: undoing.entries,
      counts: undoing.erased,
      signal,
    })
    const watch = watchRows([forgotten, untouchedSince(store.name, expected, undoing), undoing.journal(store.name)])
    entered?.('merging')
    return await target.merge(items, { signal, sequences: [], problemLimit: PROBLEM_LIMIT, watch })
  } finally {
    await target.close()
  }
}

/** What the table says of a restore's rejection is no way out of that of an undo. */
function refusedUndo(error: HoldfastError): HoldfastError {
  if (!isHoldfastError(error, 'E_RESTORE_REJECTED')) return error
  return error.withHint(
    'The details name the rows. Delete what refers by now to rows that the restore had created, or bring back what its rows referred to before; then undo again.',
  )
}

async function stageAll(target: RestoreTarget, items: readonly MergeItem[], { signal }: Undoing): Promise<void> {
  for (const item of items) {
    const { problems } = await target.stage(item, { signal })
    if (problems.length === 0) continue
    throw new HoldfastError('E_RESTORE_REJECTED', `row ${problems[0]!.key ?? ''} of "${item.entity}" cannot be put back: ${problems[0]!.message}`, {
      details: { problems, problemCount: problems.length },
    })
  }
}

/** Live rows are as the restore left them. */
function untouchedSince(store: string, expected: ReadonlyMap<string, (line: number) => Promise<string | null>>, { onConflict, moved }: Undoing): RowObserver {
  return {
    async seen(entity, rows) {
      const kept = []
      for (const { line, key, live } of rows) {
        const wanted = await expected.get(entity.name)!(line)
        if (rowHash(live) === wanted) continue
        moved.add(store, entity, key, live === null ? 'disappeared' : wanted === null ? 'appeared' : 'changed')
        kept.push({ line, action: 'keep' as const })
      }
      return kept
    },
    async judged() {
      if (moved.count === 0 || onConflict === 'keep') return
      throw new HoldfastError('E_UNDO_CONFLICT', `changed since the restore: ${moved.toString()}; nothing was written`, {
        details: { rows: moved.rows, count: moved.count },
      })
    },
  }
}

function undoneEntity(store: string, { descriptor, counts, shared }: UndoEntity, { entities }: MergeReport): RestoredEntity {
  const found = entities.find(({ entity }) => entity === descriptor.name)
  const records = counts.create + counts.update + counts.delete
  const { created = 0, updated = 0, deleted = 0, kept = shared ? records : 0 } = found ?? {}
  return {
    store,
    entity: descriptor.name,
    records,
    create: created,
    update: updated,
    delete: deleted,
    identical: records - created - updated - deleted - kept,
    keep: kept,
    conflict: 0,
    absent: 0,
    failed: 0,
    extra: 0,
    ranges: 0,
    skippedRanges: 0,
    samples: [],
  }
}
