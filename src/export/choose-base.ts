import { type Lineage, type Manifest, type RepositoryScope, schemaFingerprint, type SnapshotKind } from '../archive/index.ts'
import type { AbortableOptions } from '../kernel/abort.ts'
import { isHoldfastError } from '../kernel/errors.ts'
import type { BackupPolicy } from '../plan/backup-policy.ts'
import type { OpenViews } from './open-views.ts'

/**
 * `full`: every range is read, and every chunk found in place is read back. `incremental`: ranges are held against the newest snapshot of the series,
 * `differential`: against its latest full. `auto`: incremental, or a full when the policy's age or count is reached, the schema changed, or there is any doubt about what
 * to build on. Every kind gives a whole image that can be restored and deleted by itself.
 */
export type BackupKind = SnapshotKind | 'auto'

/** What a new snapshot is, and what is known before its first row is read. */
export interface ChosenBase {
  readonly kind: SnapshotKind
  readonly base: Manifest | null
  /** Why the kind is another one than was asked for. */
  readonly kindReason?: string
  /** Absent for a full: that is its own. */
  readonly lineage?: Lineage
}

export interface ChooseBaseOptions extends AbortableOptions {
  readonly scope: RepositoryScope
  readonly series: string
  readonly kind: BackupKind
  readonly policy: Pick<BackupPolicy, 'fullAfterDays' | 'fullAfterSnapshots'>
  readonly views: OpenViews
}

const DAY_MS = 86_400_000

/**
 * Decides what to build on. Without a snapshot to build on the result is a full, whatever was asked for, and says so.
 *
 * @throws HoldfastError what reading the newest manifest throws, unless the kind is `auto`, which takes a full then.
 */
export async function chooseBase({ scope, series, kind, policy, views, signal }: ChooseBaseOptions): Promise<ChosenBase> {
  if (kind === 'full') return { kind, base: null }
  const newest = await newestOrDoubt(scope, series, kind, { signal })
  if (typeof newest === 'string') return { kind: 'full', base: null, kindReason: newest }
  const base = kind === 'differential' ? await latestFull(scope, newest, { signal }) : newest
  if (!base) return { kind: 'full', base: null, kindReason: 'the latest full of the series is not there any more' }
  if (kind === 'auto') {
    const kindReason = reasonForFull(newest, policy, views)
    if (kindReason) return { kind: 'full', base: null, kindReason }
  }
  const { lineage } = newest
  return {
    kind: kind === 'auto' ? 'incremental' : kind,
    base,
    ...(lineage ? { lineage: { ...lineage, distance: lineage.distance + 1 } } : {}),
  }
}

/** The newest snapshot of the series, or why there is nothing to build on. */
async function newestOrDoubt(scope: RepositoryScope, series: string, kind: BackupKind, options: AbortableOptions): Promise<Manifest | string> {
  const ids: string[] = []
  for await (const { id } of scope.listSnapshots(options)) ids.push(id)
  for (const id of ids.toReversed()) {
    try {
      const manifest = await scope.readManifest(id, options)
      // What came in a bundle was not taken here: it is restored from, never built on.
      if (manifest.series === series && !manifest.origin) return manifest
    } catch (error) {
      // Deleted since the listing.
      if (isHoldfastError(error, 'E_SNAPSHOT_UNKNOWN')) continue
      const unreadable =
        isHoldfastError(error, 'E_ARCHIVE_CORRUPT') || isHoldfastError(error, 'E_ARCHIVE_MISSING') || isHoldfastError(error, 'E_ARCHIVE_FORMAT')
      if (kind !== 'auto' || !unreadable) throw error
      return `snapshot ${id} cannot be read (${error.code})`
    }
  }
  return 'the series has no snapshot to build on'
}

async function latestFull(scope: RepositoryScope, newest: Manifest, options: AbortableOptions): Promise<Manifest | null> {
  if (newest.kind === 'full') return newest
  if (!newest.lineage) return null
  try {
    const full = await scope.readManifest(newest.lineage.full, options)
    return full.origin ? null : full
  } catch (error) {
    if (isHoldfastError(error, 'E_SNAPSHOT_UNKNOWN')) return null
    throw error
  }
}

function reasonForFull(newest: Manifest, policy: ChooseBaseOptions['policy'], views: OpenViews): string | null {
  const { lineage } = newest
  if (!lineage) return 'it is not known when the latest full of the series was taken'
  // Both by the databases' clocks.
  const days = (Date.parse(views.window.to) - Date.parse(lineage.fullAt)) / DAY_MS
  if (days >= policy.fullAfterDays) return `the latest full of the series is ${Math.floor(days)} days old`
  if (lineage.distance + 1 >= policy.fullAfterSnapshots) return `${lineage.distance + 1} snapshots were taken since the latest full of the series`
  const entities = [...views.byStore.values()].flatMap((view) => view.entities)
  if (schemaFingerprint(entities) !== newest.schemaFingerprint) return 'the schema of the entities changed'
  return null
}
