import { assertNotHeld, type ChunkStore, corrupt, isProven, type Manifest, type ManifestEntity, type RepositoryScope, verifyRange } from '../archive/index.ts'
import type { Logger } from '../contracts/logger.ts'
import { heldRecords, type RewrittenRanges, rewriteSnapshot } from '../erasure/index.ts'
import { evolveManifest } from '../evolution/index.ts'
import { type AbortableOptions, throwIfAborted } from '../kernel/abort.ts'
import type { Clock } from '../kernel/clock.ts'
import { isHoldfastError } from '../kernel/errors.ts'
import { successorOf, uuidv7 } from '../kernel/ids.ts'
import type { RetainedHolding, RewrittenSnapshot } from './erasure-rewrite.ts'
import { type FoundErased, type HoldingSnapshot, lookForErased, type LookForErasedOptions, type ReadChunks } from './look-for-erased.ts'
import { namesToday } from './names-today.ts'
import type { OpenSnapshotParts } from './open-snapshot.ts'

export interface RewriteParts extends Pick<OpenSnapshotParts, 'repositories' | 'stores' | 'schema'> {
  readonly clock: Clock
  readonly logger: Logger
  readonly read: ReadChunks
}

/** For tombstones and audit. */
export interface RewriteReason {
  readonly reason: string
  readonly by: string | undefined
}

/** Names in one list of what is condemned. */
const LIST_NAMES = 100_000

export interface RewriteOutcome {
  readonly snapshots: readonly RewrittenSnapshot[]
  readonly retained: readonly RetainedHolding[]
  readonly condemned: number
}

interface Replaced {
  readonly old: HoldingSnapshot
  /** Names of its chunks, by bucket. */
  readonly chunks: ReadonlyMap<string, ReadonlySet<string>>
  readonly by: Manifest
}

/**
 * Puts in the place of each snapshot that holds erased records the same without them: first all new ones are written and proved, then what only the old ones refer to is condemned, so that no
 * backup under way can refer to it, then the old ones are hidden. Ended anywhere, at worst both are there, and the next run goes on. A held one stays.
 */
export async function rewriteErased(parts: RewriteParts, first: FoundErased, why: RewriteReason, options: LookForErasedOptions): Promise<RewriteOutcome> {
  const { signal } = options
  const snapshots: RewrittenSnapshot[] = []
  const retained = new Map<string, RetainedHolding>()
  const known: RewrittenRanges = new Map()
  const renamed = new Map<string, string>()
  const proved = new Set<string>()
  let condemned = 0
  let found = first
  // Backups that are committed meanwhile, from what was stored before, come in the next round; what is condemned is used by none that commits later.
  for (;;) {
    const replaced: Replaced[] = []
    for (const old of found.holding) {
      throwIfAborted(signal)
      if (old.holds.length > 0) retained.set(old.id, { id: old.id, bucket: old.bucket, holds: old.holds })
      else {
        const one = await replace(parts, old, { ...options, known, renamed, proved })
        if (one) replaced.push(one)
      }
    }
    if (replaced.length === 0) break
    condemned += await condemn(parts, replaced, found, { signal })
    for (const { old, by } of replaced) {
      throwIfAborted(signal)
      const { id, bucket, planId, series, viewAt, held } = old
      try {
        await hide(old, by.snapshotId, why, { signal })
      } catch (error) {
        if (!isHoldfastError(error, 'E_SNAPSHOT_HELD')) throw error
        retained.set(id, { id, bucket, holds: [String(error.details.holdId)] })
        continue
      }
      parts.logger.info({ snapshotId: id, replacedBy: by.snapshotId, erased: held?.erased.counts ?? [] }, 'snapshot rewritten without erased records')
      snapshots.push({ id, replacement: by.snapshotId, bucket, planId, series, viewAt, records: held?.erased.counts ?? [] })
    }
    await condemnHidden(replaced, retained, { signal })
    found = await lookForErased(parts, parts.read, { ...options, signal })
  }
  return { snapshots, retained: [...retained.values()], condemned }
}

interface Rewriting extends Pick<LookForErasedOptions, 'memory' | 'ledgerOf' | 'signal'> {
  readonly known: RewrittenRanges
  readonly renamed: Map<string, string>
  /** Chunks that were read back, by bucket: two may have one of the same name. */
  readonly proved: Set<string>
}

/** Null when it was deleted meanwhile. */
async function replace(parts: RewriteParts, old: HoldingSnapshot, rewriting: Rewriting): Promise<Replaced | null> {
  const { id, scope, replacement } = old
  const options = { signal: rewriting.signal }
  try {
    // No pin: it would keep the old chunks for days, if this process dies. The grace period protects them, as it does for comparisons.
    const manifest = await scope.readManifest(id, options)
    const by = replacement === null ? await publish(parts, old, manifest, rewriting) : await scope.readManifest(replacement, options)
    rewriting.renamed.set(id, by.snapshotId)
    // What another process wrote, or an earlier one, is not taken for whole unseen.
    await assertPresent(by, async (bucket) => (await parts.repositories.existing(bucket, options)).scope(scope.id).chunks, options)
    return { old, by, chunks: byBucket(manifest) }
  } catch (error) {
    if (isHoldfastError(error, 'E_SNAPSHOT_UNKNOWN') && (await scope.isHidden(id, options))) return null
    throw error
  }
}

async function publish(parts: RewriteParts, old: HoldingSnapshot, manifest: Manifest, rewriting: Rewriting): Promise<Manifest> {
  const { held, scope } = old
  const { known, renamed } = rewriting
  const options = { signal: rewriting.signal }
  const writers = new Map<string, RepositoryScope['chunks']>()
  const to = async (bucket: string) => {
    const writer = writers.get(bucket) ?? (await parts.repositories.existing(bucket, options)).scope(scope.id).writerChunks()
    writers.set(bucket, writer)
    return writer
  }
  const at = new Date(parts.clock.now()).toISOString()
  const from = (bucket: string) => parts.read(bucket, scope.id)
  for (let snapshotId = successorOf(manifest.snapshotId); ; snapshotId = successorOf(snapshotId)) {
    // A snapshot of that id would be hidden from the beginning.
    if (await scope.isHidden(snapshotId, options)) continue
    const rewritten = await rewriteSnapshot(manifest, { held: held!, from, to, known, renamed, snapshotId, at, ...options })
    await prove(parts, rewritten, old, rewriting)
    await assertPresent(rewritten, to, options)
    throwIfAborted(options.signal)
    try {
      await scope.writeManifest(rewritten, options)
      return rewritten
    } catch (error) {
      if (!isHoldfastError(error, 'E_STORAGE_EXISTS')) throw error
      const there = await scope.readManifest(snapshotId, options)
      // Another process was first.
      if (there.replaces?.snapshotId === manifest.snapshotId) return there
    }
  }
}

/** Reads back every chunk that was written for it, and looks for what is erased once more. */
async function prove(
  parts: RewriteParts,
  rewritten: Manifest,
  { repository, scope }: HoldingSnapshot,
  { memory, ledgerOf, proved, signal }: Rewriting,
): Promise<void> {
  const chunks = (bucket: string) => parts.read(bucket, scope.id)
  for (const { bucket, ranges, change } of rewritten.entities) {
    for (const range of ranges) {
      const [chunk] = range.layers
      const place = JSON.stringify([bucket, chunk?.name])
      if (!chunk || proved.has(place) || isProven({ evidence: change.evidence[range.evidence]! })) continue
      await verifyRange(await chunks(bucket), range, { level: 'plain', signal })
      proved.add(place)
    }
  }
  const erasures = ledgerOf ? ledgerOf(repository, scope) : scope.erasures
  const today = evolveManifest(rewritten, { stores: parts.stores, changes: parts.schema, keepRemoved: true })
  if (await heldRecords({ manifest: rewritten, chunks, erasures, nameToday: namesToday(today) }, memory, { signal }))
    throw corrupt(`snapshot ${rewritten.replaces!.snapshotId}`, 'still holds what was erased when it is rewritten')
}

/** Tells writers and prunes what only the old snapshots refer to. How many chunks that are. */
async function condemn({ repositories }: RewriteParts, replaced: readonly Replaced[], found: FoundErased, options: AbortableOptions): Promise<number> {
  const going = new Set(replaced.map(({ old }) => old.id))
  const staying = new Set([...found.chunks].flatMap(([id, names]) => (going.has(id) ? [] : [...names])))
  for (const { by } of replaced) for (const names of byBucket(by).values()) for (const name of names) staying.add(name)
  const places = new Map<string, { readonly bucket: string; readonly scope: string | null; readonly names: Set<string> }>()
  for (const { old, chunks } of replaced) {
    for (const [bucket, names] of chunks) {
      const place = JSON.stringify([bucket, old.scope.id])
      const known = places.get(place) ?? { bucket, scope: old.scope.id, names: new Set() }
      places.set(place, known)
      for (const name of names) if (!staying.has(name)) known.names.add(name)
    }
  }
  let count = 0
  for (const { bucket, scope, names } of places.values()) {
    const { condemned } = (await repositories.existing(bucket, options)).scope(scope)
    const all = [...names]
    for (let start = 0; start < all.length; start += LIST_NAMES)
      await condemned.publish({ listId: uuidv7(), snapshots: [], chunks: all.slice(start, start + LIST_NAMES) }, options)
    count += all.length
  }
  return count
}

/** So that the first prune after the grace period deletes the manifests as well. */
async function condemnHidden(replaced: readonly Replaced[], retained: ReadonlyMap<string, unknown>, options: AbortableOptions): Promise<void> {
  const places = Map.groupBy(replaced, ({ old }) => old.scope)
  for (const [scope, own] of places) {
    const snapshots = own.map(({ old }) => old.id).filter((id) => !retained.has(id))
    if (snapshots.length > 0) await scope.condemned.publish({ listId: uuidv7(), snapshots, chunks: [] }, options)
  }
}

/** Once more: is the new one there to be seen, and does nobody hold the old one by now? @throws `E_SNAPSHOT_HELD`, `E_SNAPSHOT_UNKNOWN` */
async function hide({ id, scope }: HoldingSnapshot, replacedBy: string, { reason, by }: RewriteReason, options: AbortableOptions): Promise<void> {
  await scope.readManifest(replacedBy, options)
  await assertNotHeld(scope, id, options)
  await scope.hide(id, reason, { ...options, replacedBy, by })
}

async function assertPresent(manifest: Manifest, chunks: (bucket: string) => Promise<ChunkStore>, options: AbortableOptions): Promise<void> {
  const entities = Map.groupBy(manifest.entities, ({ bucket }) => bucket)
  for (const [bucket, own] of entities) await (await chunks(bucket)).assertPresent(layersOf(own), options)
}

function layersOf(entities: readonly ManifestEntity[]) {
  return entities.flatMap(({ ranges }) => ranges.flatMap(({ layers }) => layers))
}

function byBucket({ entities }: Manifest): ReadonlyMap<string, ReadonlySet<string>> {
  const buckets = new Map<string, Set<string>>()
  for (const entity of entities) {
    const names = buckets.get(entity.bucket) ?? new Set()
    buckets.set(entity.bucket, names)
    for (const { name } of layersOf([entity])) names.add(name)
  }
  return buckets
}
