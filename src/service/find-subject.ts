import type { ChunkStore, ManifestEntity } from '../archive/index.ts'
import { dialectOf, findLine, type RangeMemory } from '../compare/index.ts'
import type { KeyText } from '../contracts/key-range.ts'
import { keySpellings } from '../erasure/index.ts'
import { evolveManifest } from '../evolution/index.ts'
import { type AbortableOptions, throwIfAborted } from '../kernel/abort.ts'
import { isHoldfastError } from '../kernel/errors.ts'
import type { ReadChunks } from './look-for-erased.ts'
import { namesToday } from './names-today.ts'
import type { OpenSnapshotParts } from './open-snapshot.ts'
import type { ErasurePlace } from './rewrite-report.ts'

/** Where a record was found that is to be erased. */
export interface FoundSubject {
  /** Ids of visible snapshots of the tenant that hold it. */
  readonly snapshots: readonly string[]
  /** Ids of those of which it is not known, because they could not be read. */
  readonly unread: readonly string[]
  /** How many there are. */
  readonly looked: number
}

export interface Subject {
  readonly store: string
  readonly entity: string
  readonly table: string
  readonly key: KeyText
}

/** Looks for one record in all snapshots: of each only ranges that no other had, and of these only where the key may be. A snapshot that cannot be read keeps nobody from being erased. */
export async function findSubject(
  places: readonly ErasurePlace[],
  subject: Subject,
  { stores, schema, read }: Pick<OpenSnapshotParts, 'stores' | 'schema'> & { readonly read: ReadChunks },
  options: AbortableOptions,
): Promise<FoundSubject> {
  const memories = new Map<KeyText, RangeMemory>(keySpellings(subject.key).map((key) => [key, new Map()]))
  const seen = new Set<string>()
  const snapshots: string[] = []
  const unread: string[] = []
  for (const { scope } of places) {
    for await (const { id } of scope.listSnapshots(options)) {
      throwIfAborted(options.signal)
      // Two buckets may be the same place.
      if (seen.size === seen.add(id).size) continue
      try {
        const manifest = await scope.readManifest(id, options)
        const nameToday = namesToday(evolveManifest(manifest, { stores, changes: schema, keepRemoved: true }))
        for (const entity of manifest.entities.filter((one) => isOf(subject, one, nameToday(one)))) {
          const chunks = await read(entity.bucket, scope.id)
          if (!(await holds(entity, dialectOf({ manifest }, entity), chunks, memories, options))) continue
          snapshots.push(id)
          break
        }
      } catch (error) {
        throwIfAborted(options.signal)
        if (!isHoldfastError(error)) throw error
        if (error.code === 'E_SNAPSHOT_UNKNOWN') seen.delete(id)
        else unread.push(id)
      }
    }
  }
  return { snapshots, unread, looked: seen.size }
}

function isOf({ store, entity, table }: Subject, { descriptor }: ManifestEntity, today: string): boolean {
  return descriptor.store === store && (descriptor.name === entity || today === entity || descriptor.table === table)
}

async function holds(
  entity: ManifestEntity,
  dialect: string,
  chunks: ChunkStore,
  memories: ReadonlyMap<KeyText, RangeMemory>,
  { signal }: AbortableOptions,
): Promise<boolean> {
  for (const [key, memory] of memories) if (await findLine({ entity, dialect, chunks, key, memory, signal })) return true
  return false
}
