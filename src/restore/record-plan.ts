import { createHash, type Hash } from 'node:crypto'
import { canonicalJson } from '../kernel/canonical-json.ts'
import { HoldfastError } from '../kernel/errors.ts'
import type { PlannedEntity, PlanOptions, PlanRow, StoredPlan } from './restore-plan.ts'
import type { RestoreRequest } from './restore-request.ts'
import type { RestoreResult } from './restore-result.ts'
import type { RestoreWatcher, WatchedRestore } from './restore-watcher.ts'
import type { RowReason } from './row-selection.ts'
import { hiddenKey } from './moved-rows.ts'
import { rowHash } from './row-hash.ts'
import { type RowPagePlace, RowPageWriter } from './row-pages.ts'

const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS

/** Writes down what a dry run would do to each row. */
export interface PlanRecorder {
  watch(of: WatchedRestore): RestoreWatcher
  /** Rows by store and entity, once the dry run has ended. */
  planned(): readonly PlannedEntity[]
}

interface Recorded {
  readonly pages: RowPageWriter
  readonly hash: Hash
  readonly hidden: readonly boolean[]
  rows: number
}

const ASKED: RowReason = { because: 'asked' }

export function planRecorder(): PlanRecorder {
  const stores = new Map<string, readonly PlannedEntity[]>()
  return {
    watch({ id, repository, selection, signal }) {
      const place: RowPagePlace = { log: repository.restores, id, part: 'plan-rows', next: 0 }
      const comparing: RestoreWatcher['comparing'] = (store) => {
        const { name } = store.selection.store
        const itemOf = (entity: string) => store.items.find((item) => item.entity === entity)!
        const entities = new Map<string, Recorded>()
        return [
          {
            async seen(descriptor, rows) {
              const known = entities.get(descriptor.name)
              const own = known ?? { pages: new RowPageWriter(place, { signal }), hash: createHash('sha256'), rows: 0, hidden: hiddenKey(descriptor) }
              if (!known) entities.set(descriptor.name, own)
              const { archived, shape } = itemOf(descriptor.name)
              const selected = selection?.(archived.ranges)
              for (const { action, key, live } of rows) {
                const row = [action, key, rowHash(live)] as const
                const why = action === 'delete' ? null : (selected?.why(shape.archivedKey?.(key) ?? key) ?? ASKED)
                own.rows++
                own.hash.update(`${JSON.stringify(row)}\n`)
                await own.pages.add([...row, why] satisfies PlanRow)
              }
            },
            async judged() {
              const planned: PlannedEntity[] = []
              for (const [entity, { pages, hash, rows, hidden }] of entities)
                planned.push({ store: name, entity, rows, pages: await pages.end(), hidden, digest: hash.digest('base64url') })
              stores.set(name, planned)
            },
          },
        ]
      }
      return { journals: false, comparing }
    },
    planned: () => [...stores.values()].flat(),
  }
}

/** @throws `E_CONFIG` */
export function checkPlanOptions({ expiresAfterMs = DAY_MS }: PlanOptions): number {
  if (Number.isFinite(expiresAfterMs) && expiresAfterMs >= MINUTE_MS && expiresAfterMs <= 7 * DAY_MS) return expiresAfterMs
  throw new HoldfastError('E_CONFIG', `\`expiresAfterMs\` is ${String(expiresAfterMs)}; expected ${MINUTE_MS} to ${7 * DAY_MS}: one minute to seven days`)
}

/** The plan of a dry run that has ended. */
export function storedPlan(
  request: RestoreRequest,
  result: RestoreResult,
  planned: readonly PlannedEntity[],
  { now, expiresAfterMs }: { readonly now: number; readonly expiresAfterMs: number },
): StoredPlan {
  const { restoreId, snapshotId, by, entities, totals, problems } = result
  const { by: _by, dryRun: _dryRun, undo: _undo, samples: _samples, ...asked } = request
  const effect = {
    request: asked,
    planned: planned.map(({ store, entity, rows, digest }) => ({ store, entity, rows, digest })),
    entities: entities.map(({ samples: _samples, ranges: _ranges, skippedRanges: _skipped, ...counts }) => counts),
  }
  return {
    planId: restoreId,
    snapshotId,
    hash: createHash('sha256').update(canonicalJson(effect)).digest('hex'),
    createdAt: new Date(now).toISOString(),
    expiresAt: new Date(now + expiresAfterMs).toISOString(),
    by,
    rows: planned.reduce((sum, { rows }) => sum + rows, 0),
    entities,
    totals,
    problems,
    request: asked,
    planned,
  }
}
