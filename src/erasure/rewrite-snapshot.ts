import {
  type ChunkStore,
  corrupt,
  type Manifest,
  type ManifestEntity,
  manifestTotals,
  type RangeEntry,
  rangeTotals,
  REWRITTEN,
  requiredFeatures,
  sha256,
} from '../archive/index.ts'
import { type AbortableOptions, throwIfAborted } from '../kernel/abort.ts'
import type { HeldRecords } from './held-records.ts'
import { rewriteRange } from './rewrite-range.ts'

export interface RewriteSnapshotOptions extends AbortableOptions {
  readonly held: HeldRecords
  readonly from: (bucket: string) => Promise<ChunkStore>
  /** A writer's. */
  readonly to: (bucket: string) => Promise<ChunkStore>
  /** Ranges that were rewritten in other snapshots of this run, by what they were made of. */
  readonly known: RewrittenRanges
  /** Other snapshots that were rewritten, by their old ids. */
  readonly renamed: ReadonlyMap<string, string>
  readonly snapshotId: string
  /** ISO 8601 UTC. */
  readonly at: string
}

export type RewrittenRanges = Map<string, RangeEntry>

/**
 * The manifest of the same snapshot without erased records. Its chunks are stored; it is not written. Ranges of which nothing is erased keep their chunks. Of the others, and of those whose
 * bounds moved because a bound was the key of an erased record, nothing is proved any more: the next backup reads them.
 *
 * @throws `E_ARCHIVE_CORRUPT` when other records would be left than those that are not erased, and what reading and storing chunks throws
 */
export async function rewriteSnapshot(manifest: Manifest, options: RewriteSnapshotOptions): Promise<Manifest> {
  const { snapshotId, at, renamed } = options
  const entities: ManifestEntity[] = []
  for (const entity of manifest.entities) entities.push(await rewriteEntity(manifest, entity, options))
  const { lineage, parent } = manifest
  const newId = (id: string) => (id === manifest.snapshotId ? snapshotId : (renamed.get(id) ?? id))
  return {
    ...manifest,
    snapshotId,
    requiredFeatures: requiredFeatures(entities),
    parent: parent === null ? null : newId(parent),
    ...(lineage ? { lineage: { ...lineage, full: newId(lineage.full) } } : {}),
    replaces: { snapshotId: manifest.snapshotId, at },
    entities,
    totals: manifestTotals(entities),
  }
}

async function rewriteEntity(manifest: Manifest, entity: ManifestEntity, { held, from, to, known, signal }: RewriteSnapshotOptions): Promise<ManifestEntity> {
  const { store, name } = entity.descriptor
  const erased = held.erased.of(store, name)
  const touched = held.rangesOf(entity)
  const evidence = [...entity.change.evidence, REWRITTEN]
  const unproven = ({ digest: _digest, ...range }: RangeEntry): RangeEntry => ({ ...range, evidence: evidence.length - 1 })
  const left = sha256(JSON.stringify([...erased].sort()))
  const ranges: RangeEntry[] = []
  for (const [n, range] of entity.ranges.entries()) {
    throwIfAborted(signal)
    if (!touched.has(n)) {
      ranges.push(range)
      continue
    }
    const content = JSON.stringify([store, name, entity.bucket, range.layers.map((layer) => layer.name), left])
    let made = known.get(content)
    if (!made) {
      const { entry } = await rewriteRange({ from: await from(entity.bucket), to: await to(entity.bucket), entity, range, erased, signal })
      known.set(content, (made = entry))
    }
    ranges.push(unproven({ ...made, from: range.from, to: range.to }))
  }
  const bounded = withoutErasedBounds(ranges, (key) => held.isErased(entity, key), unproven)
  const totals = rangeTotals(bounded)
  if (totals.rows !== entity.rows - erased.size)
    throw corrupt(
      `snapshot ${manifest.snapshotId}, entity ${name}`,
      `${totals.rows} records would be left of ${entity.rows}, of which ${erased.size} are erased`,
    )
  const changed = bounded.some((range) => range.evidence === evidence.length - 1)
  return { ...entity, ...totals, ranges: bounded, change: changed ? { ...entity.change, evidence } : entity.change }
}

/** A range that begins at the key of an erased record begins at its first record instead, or goes to the one before it when it has none. Both are of other keys than before then. */
function withoutErasedBounds(ranges: readonly RangeEntry[], isErased: (key: string) => boolean, unproven: (range: RangeEntry) => RangeEntry): RangeEntry[] {
  const bounded: RangeEntry[] = []
  for (const range of ranges) {
    const before = bounded.at(-1)
    if (before === undefined || range.from === null || !isErased(range.from)) {
      bounded.push(range)
      continue
    }
    const from = range.rows > 0 ? range.firstKey : range.to
    bounded[bounded.length - 1] = unproven({ ...before, to: from })
    if (range.rows > 0) bounded.push(unproven({ ...range, from }))
  }
  return bounded
}
