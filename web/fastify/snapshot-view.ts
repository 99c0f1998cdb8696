import type { ConsistencyLevel } from '../../src/contracts/consistent-view.ts'
import type { EntityKind } from '../../src/contracts/entity-descriptor.ts'
import type { IBackupDiscoveryService, SnapshotSummary } from '../../src/service/index.ts'

type Manifest = Awaited<ReturnType<IBackupDiscoveryService['snapshot']>>

/** What a snapshot holds, without the evidence, the key ranges and the names of the database: that is the engines' business. */
export interface SnapshotView extends Omit<SnapshotSummary, 'entities'> {
  readonly description: string
  readonly startedAt: string
  readonly warnings: readonly string[]
  readonly stores: readonly {
    readonly name: string
    readonly orm: string
    readonly dialect: string
    readonly consistency: ConsistencyLevel
    readonly at: string
  }[]
  readonly entities: readonly SnapshotEntityView[]
}

interface SnapshotEntityView {
  readonly store: string
  readonly entity: string
  readonly kind: EntityKind
  /** Schema-qualified where the ORM says so. */
  readonly table: string
  readonly bucket: string
  readonly rows: number
  readonly plainBytes: number
  readonly storedBytes: number
  readonly chunks: number
  /** Property paths that are not in the records. */
  readonly ignored: readonly string[]
}

export function snapshotView(manifest: Manifest): SnapshotView {
  const { plan, times, totals, consistency } = manifest
  return {
    id: manifest.snapshotId,
    planId: plan.id,
    description: plan.description,
    kind: manifest.kind,
    startedAt: times.startedAt,
    viewAt: times.viewAt,
    committedAt: times.committedAt,
    consistency: consistency.level,
    warnings: consistency.warnings,
    trigger: manifest.trigger,
    metadata: manifest.metadata,
    rows: totals.rows,
    plainBytes: totals.plainBytes,
    storedBytes: totals.storedBytes,
    stores: manifest.stores.map(({ name, orm, source, consistency: { level, at } }) => ({ name, orm, dialect: source.dialect, consistency: level, at })),
    entities: manifest.entities.map(entityView),
  }
}

function entityView({ descriptor, bucket, rows, plainBytes, storedBytes, ranges, ignored }: Manifest['entities'][number]): SnapshotEntityView {
  const { store, name, kind, schema, table } = descriptor
  const chunks = ranges.reduce((count, { layers }) => count + layers.length, 0)
  return { store, entity: name, kind, table: schema === undefined ? table : `${schema}.${table}`, bucket, rows, plainBytes, storedBytes, chunks, ignored }
}
