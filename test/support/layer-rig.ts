import {
  type ChunkRef,
  type ChunkStore,
  createChunkEncoder,
  createDeltaEncoder,
  type DeltaEncoder,
  layerDelta,
  type Manifest,
  type MergedFacts,
  type RangeEntry,
  type Repository,
  requiredFeatures,
  schemaFingerprint,
} from '../../src/archive/index.ts'
import type { EntityDescriptor } from '../../src/contracts/index.ts'
import type { Compression } from '../../src/plan/backup-policy.ts'
import { ordersManifest } from './archive-rig.ts'
import { makeBatch } from './record-batches.ts'

export type LayeredEntry = Omit<RangeEntry, 'evidence'>

/** A record of the shape that the delta tests use: its key, a reference, and what changes. */
export type Thing = {
  readonly id: number
  readonly owner: number | null
  readonly note: string
}

const SHAPE = { key: ['id'], references: ['owner'] }
export const keyOf = ({ id }: Thing): string => JSON.stringify([id])
export const linesOf = (things: readonly Thing[]): Buffer => Buffer.from(makeBatch(things, SHAPE).bytes)

export interface LayerOptions {
  readonly compression?: Compression
  /** Records a frame of the base. */
  readonly frameRows?: number
}

/** The things as one base chunk; at least one. */
export async function storeBase(
  chunks: ChunkStore,
  things: readonly Thing[],
  { compression = 'zstd', frameRows = 7 }: LayerOptions = {},
): Promise<LayeredEntry> {
  const encoder = createChunkEncoder({ compression, level: 1, references: SHAPE.references })
  for (let at = 0; at < things.length; at += frameRows) await encoder.append(makeBatch(things.slice(at, at + frameRows), SHAPE))
  const { ref, firstKey, lastKey } = await chunks.put(await encoder.finish())
  return { from: null, to: null, rows: ref.rows, sha256: ref.sha256, firstKey, lastKey, layers: [ref] }
}

export function newDelta({ compression = 'zstd' }: LayerOptions = {}): DeltaEncoder {
  return createDeltaEncoder({ compression, level: 1, references: SHAPE.references })
}

export async function upsert(delta: DeltaEncoder, ...things: readonly Thing[]): Promise<void> {
  await delta.upsert(makeBatch(things, SHAPE))
}

/** The changes that make `after` of `before`, as an engine gives them that knows both. Null when nothing changed. */
export async function deltaBetween(before: readonly Thing[], after: readonly Thing[], options?: LayerOptions): Promise<DeltaEncoder | null> {
  const delta = newDelta(options)
  const old = new Map(before.map((thing) => [thing.id, thing]))
  const left = new Set(after.map(({ id }) => id))
  let at = 0
  const deleteUpTo = async (id: number | null) => {
    for (; at < before.length && before[at]!.id !== id; at++) if (!left.has(before[at]!.id)) await delta.delete(keyOf(before[at]!))
  }
  let previous: Thing | null = null
  for (const thing of after) {
    const was = old.get(thing.id)
    if (was) {
      await deleteUpTo(thing.id)
      at++
      if (was.note !== thing.note || was.owner !== thing.owner) await upsert(delta, thing)
    } else {
      // Needed before the first of a run only; a second one does no harm.
      if (!previous || old.has(previous.id) || thing.id % 2 === 0) delta.anchor(previous && keyOf(previous))
      await upsert(delta, thing)
    }
    previous = thing
  }
  await deleteUpTo(null)
  return delta.upserts + delta.deletes > 0 ? delta : null
}

export async function layer(chunks: ChunkStore, range: LayeredEntry, delta: DeltaEncoder, facts?: MergedFacts): Promise<LayeredEntry> {
  return await layerDelta(chunks, range, await chunks.put(await delta.finish()), facts)
}

const THINGS: EntityDescriptor = {
  store: 'default',
  name: 'Thing',
  kind: 'entity',
  table: 'things',
  fields: [
    { path: 'id', column: 'id', type: { kind: 'int' }, dbType: 'integer', nullable: false, optional: false },
    { path: 'owner', column: 'owner', type: { kind: 'int' }, dbType: 'integer', nullable: true, optional: false },
    { path: 'note', column: 'note', type: { kind: 'text' }, dbType: 'text', nullable: false, optional: false },
  ],
  key: ['id'],
  references: [{ fields: ['owner'], table: 'owners', columns: ['id'] }],
  uniques: [],
}

/** A manifest whose only entity has these ranges, which follow each other. */
export function thingsManifest(repository: Repository, entries: readonly LayeredEntry[]): Manifest {
  const orders = ordersManifest(repository, [])
  const ranges = entries.map((entry) => ({ ...entry, evidence: 0 }))
  const layers = ranges.flatMap((range) => range.layers)
  const sum = <T>(items: readonly T[], of: (item: T) => number) => items.reduce((total, item) => total + of(item), 0)
  const sizes = {
    rows: sum(ranges, ({ rows }) => rows),
    plainBytes: sum(layers, ({ plainBytes }) => plainBytes),
    storedBytes: sum(layers, ({ storedBytes }) => storedBytes),
  }
  return {
    ...orders,
    plan: { ...orders.plan, id: 'things' },
    series: 'things',
    requiredFeatures: requiredFeatures([{ ranges }]),
    schemaFingerprint: schemaFingerprint([THINGS]),
    entities: [{ ...orders.entities[0]!, ...sizes, descriptor: THINGS, ranges }],
    totals: { entities: 1, ...sizes, chunks: layers.length },
  }
}

/** The range as if these were its layers, whatever they merge into. */
export function forged(range: LayeredEntry, layers: readonly ChunkRef[], rows: number = range.rows): LayeredEntry {
  return { ...range, layers, rows, sha256: null }
}
