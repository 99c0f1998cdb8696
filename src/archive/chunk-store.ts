import type { ObjectStat } from '../contracts/storage-adapter.ts'
import { type AbortableOptions, throwIfAborted } from '../kernel/abort.ts'
import { HoldfastError, isHoldfastError } from '../kernel/errors.ts'
import { mapOrdered } from '../kernel/map-ordered.ts'
import { corrupt, missing } from './archive-error.ts'
import type { EncodedChunk } from './chunk-assembler.ts'
import { decompressLines, openChunk, openKeyIndex, openReferencedChunk, readOpenedChunk } from './chunk-reader.ts'
import { type ChunkRef, isChunkName, type StoredChunk } from './chunk-ref.ts'
import type { CondemnedNames } from './condemned-log.ts'
import { assertWarm } from './assert-warm.ts'
import type { KeyIndex } from './key-index.ts'
import { LIMITS } from './limits.ts'
import { listChunks } from './list-chunks.ts'
import type { ScopeNames } from './object-names.ts'
import { type ObjectSpace, sameDigest } from './object-space.ts'
import { sha256 } from './sha256.ts'

/**
 * `presence`: chunk and index are there in the right size. `stored`: every stored byte is as it was written.
 * `plain`: also decompressed, lines and rows counted and hashed, index read.
 */
export type VerifyLevel = 'presence' | 'stored' | 'plain'

/** The chunks of one scope. What a range of several layers holds is read by `readRange`. */
export interface ChunkStore {
  /**
   * Stores index, then chunk. When the name is taken, what is there is read back: sound → it is used (`written: false`); damaged → the
   * chunk goes to `<id>.<n>`. So storing again heals. A writer's store does not take a condemned name either, whatever is there.
   */
  put(chunk: EncodedChunk, options?: AbortableOptions): Promise<StoredChunk>
  /**
   * Whole lines, frame by frame, in key order. The stored bytes are proved against the reference before the first line is given out; plain hash and row
   * count after the last. `E_ARCHIVE_MISSING`, `E_ARCHIVE_CORRUPT`, `E_ARCHIVE_FORMAT`.
   */
  read(ref: ChunkRef, options?: AbortableOptions): AsyncIterable<Uint8Array>
  /** Is any of them sealed with a key that is further behind than the repository allows? */
  isOutworn(refs: readonly ChunkRef[], options?: AbortableOptions): Promise<boolean>
  /**
   * The chunk itself, unless it is encrypted and its key is further behind than the repository allows: then a copy of it, sealed with the key of today, under a name of its own. When all
   * names are taken, the chunk itself. Throws what `verify` throws.
   */
  sealAnew(ref: ChunkRef, options?: AbortableOptions): Promise<Pick<StoredChunk, 'ref' | 'written'>>
  /** Throws `E_ARCHIVE_MISSING`, `E_ARCHIVE_CORRUPT` or `E_ARCHIVE_FORMAT`, naming the object. */
  verify(ref: ChunkRef, options: AbortableOptions & { readonly level: VerifyLevel }): Promise<void>
  /**
   * Presence and size of all chunks and indexes, by listing. Throws for the first that is absent or of another size. A writer's store reads first what
   * prune has condemned meanwhile, and throws `E_CONDEMNED` when that includes one of them.
   */
  assertPresent(refs: readonly ChunkRef[], options?: AbortableOptions): Promise<void>
  /** That none of them lies in an archive tier, by listing: `E_STORAGE_COLD`. Asks nothing of a storage without such tiers. */
  assertWarm(refs: readonly ChunkRef[], options?: AbortableOptions): Promise<void>
  /** Bytes that the storage still takes; null where it does not tell. */
  freeBytes(options?: AbortableOptions): Promise<number | null>
  readIndex(ref: ChunkRef, options?: AbortableOptions): Promise<KeyIndex>
  /** Chunk and index as they were made, to be put into another store. Every byte and line was proved. Throws what `verify` throws. */
  readWhole(ref: ChunkRef, options?: AbortableOptions): Promise<EncodedChunk>
  /** How errors name the object. */
  label(ref: ChunkRef): string
  /** The plain lines of single frames, in the order asked; one ranged read each where the storage can. Each is proved against the index. */
  readFrames(ref: ChunkRef, frames: readonly number[], options?: AbortableOptions & { readonly index?: KeyIndex }): AsyncIterable<Uint8Array>
}

/** Names tried for one chunk, `<id>` and `<id>.1` up to this, before giving up on a storage that damages whatever is put there. */
const MAX_COPIES = 9
/** Frames read at once. */
const PARALLEL = 4

/** `condemned` makes it the store of a writer: what prune has condemned is neither adopted nor referred to. */
export function createChunkStore(space: ObjectSpace, names: ScopeNames, condemned?: CondemnedNames): ChunkStore {
  /** What `attempt` comes to under the first name that is neither condemned nor taken by something bad, or else by something that is sealed with too old a key. */
  async function firstGood(id: string, options: AbortableOptions, attempt: (name: string) => Promise<Stored | null>): Promise<Stored | null> {
    const taboo = await condemned?.known(options)
    let outworn: Stored | null = null
    for (let copy = 0; copy <= MAX_COPIES; copy++) {
      throwIfAborted(options.signal)
      const name = copy === 0 ? id : `${id}.${copy}`
      if (taboo?.has(name)) continue
      const stored = await attempt(name)
      if (!stored) continue
      if (!space.seals) return stored
      const key = await space.seals.of([names.chunk(name), names.chunkIndex(name)], options)
      const sealed = { ...stored, ref: { ...stored.ref, key } }
      if (!(await space.seals.outworn(key, options))) return sealed
      outworn = sealed
    }
    return outworn
  }

  const store: ChunkStore = {
    async put(chunk, options = {}) {
      const id = (await space.chunkNamer({ ...options, create: true }))(chunk.id)
      const stored = await firstGood(id, options, async (name) => {
        return (await putPair(space, names, chunk, name, options)) ?? (await adoptPair(space, names, chunk, name, options))
      })
      if (!stored) throw corrupt(space.label(names.chunk(id)), `damaged or condemned, as are ${MAX_COPIES} further copies`)
      return { ...stored, firstKey: chunk.firstKey, lastKey: chunk.lastKey }
    },
    async isOutworn(refs, options = {}) {
      for (const { key } of space.seals ? refs : []) if (await space.seals!.outworn(key, options)) return true
      return false
    },
    async sealAnew(ref, options = {}) {
      if (!(await store.isOutworn([ref], options))) return { ref, written: false }
      await assertNamed(space, [ref], options)
      const chunk = await getChunk(space, names, ref, options.signal)
      if (!isStored(ref)(chunk)) throw corrupt(store.label(ref), 'its bytes are not those that were stored')
      const pair = { ref, chunk, index: await getIndex(space, names, ref, options.signal) }
      const copied = await firstGood(ref.name.slice(0, 64), options, (name) => copyPair(space, names, pair, name, options))
      return copied ?? { ref, written: false }
    },
    async *read(ref, { signal } = {}) {
      await assertNamed(space, [ref], { signal })
      const object = space.label(names.chunk(ref.name))
      yield* readOpenedChunk(openReferencedChunk(await getChunk(space, names, ref, signal), ref, object), signal)
    },
    async verify(ref, { level, signal }) {
      await assertNamed(space, [ref], { signal })
      if (condemned) assertNotCondemned([ref], await condemned.known({ signal }), space, names)
      if (level === 'presence') {
        await assertSize(space, names.chunk(ref.name), ref.storedBytes, signal)
        await assertSize(space, names.chunkIndex(ref.name), ref.index.storedBytes, signal)
        return
      }
      const chunk = openReferencedChunk(await getChunk(space, names, ref, signal), ref, space.label(names.chunk(ref.name)))
      if (level === 'stored') {
        await getIndex(space, names, ref, signal)
        return
      }
      await store.readIndex(ref, { signal })
      for await (const _ of readOpenedChunk(chunk, signal));
    },
    async assertPresent(refs, { signal } = {}) {
      // Before the listing: what a prune deletes from here on it condemned before, or the listing shows that it is gone.
      if (condemned) assertNotCondemned(refs, await condemned.refresh({ signal }), space, names)
      await assertNamed(space, refs, { signal })
      await assertListed(space, names, refs, signal)
    },
    async assertWarm(refs, options = {}) {
      if (!space.storage.capabilities.lifecycleTiers) return
      const wanted = refs.flatMap(({ name }) => [names.chunk(name), names.chunkIndex(name)])
      await assertWarm(space, new Set(wanted), names, options)
    },
    freeBytes: async (options = {}) => (await space.storage.quota?.(options))?.freeBytes ?? null,
    async readIndex(ref, { signal } = {}) {
      await assertNamed(space, [ref], { signal })
      return openKeyIndex(await getIndex(space, names, ref, signal), ref, space.label(names.chunkIndex(ref.name)))
    },
    async readWhole(ref, { signal } = {}) {
      await assertNamed(space, [ref], { signal })
      const bytes = await getChunk(space, names, ref, signal)
      for await (const _ of readOpenedChunk(openReferencedChunk(bytes, ref, store.label(ref)), signal));
      const indexBytes = await getIndex(space, names, ref, signal)
      const index = await openKeyIndex(indexBytes, ref, space.label(names.chunkIndex(ref.name)))
      const { kind, rows, plainBytes, deletes, anchors, storedBytes, storedSha256 } = ref
      return {
        id: ref.sha256,
        kind,
        sha256: ref.sha256,
        rows,
        plainBytes,
        ...(deletes === undefined ? {} : { deletes }),
        ...(anchors === undefined ? {} : { anchors }),
        firstKey: index.keyAt(0),
        lastKey: index.keyAt(rows - 1),
        references: index.references,
        object: [bytes],
        storedBytes,
        storedSha256,
        index: [indexBytes],
        indexBytes: ref.index.storedBytes,
        indexSha256: ref.index.storedSha256,
      }
    },
    label: (ref) => space.label(names.chunk(ref.name)),
    async *readFrames(ref, frames, { index: known, signal } = {}) {
      const index = known ?? (await store.readIndex(ref, { signal }))
      await assertNamed(space, [ref], { signal })
      const name = names.chunk(ref.name)
      const entries = frames.map((number) => {
        const entry = index.frames[number]
        if (!entry) throw new RangeError(`chunk ${ref.name} has no frame ${number}`)
        return entry
      })
      yield* mapOrdered(entries, PARALLEL, async (frame) => {
        const body = await space.getRange(name, frame.offset, frame.offset + frame.storedBytes, { signal, accept: isStored(frame) })
        if (body.byteLength !== frame.storedBytes || sha256(body) !== frame.storedSha256)
          throw corrupt(space.label(name), `the frame at ${frame.offset} is not the one that was stored`)
        return decompressLines(frame, body, index.compression, space.label(name))
      })
    },
  }
  return store
}

type Stored = Pick<StoredChunk, 'ref' | 'written'>

/** A pair as it is, under another name. Null when something else has that name. */
async function copyPair(
  space: ObjectSpace,
  names: ScopeNames,
  { ref, chunk, index }: { readonly ref: ChunkRef; readonly chunk: Uint8Array; readonly index: Uint8Array },
  name: string,
  options: AbortableOptions,
): Promise<Stored | null> {
  return unlessTaken(async () => {
    const put = (object: string, bytes: Uint8Array, { storedBytes, storedSha256 }: Pick<ChunkRef, 'storedBytes' | 'storedSha256'>) =>
      space.putNew(object, [bytes], storedSha256, { ...options, same: sameDigest(storedSha256), limit: storedBytes })
    await put(names.chunkIndex(name), index, ref.index)
    return { written: (await put(names.chunk(name), chunk, ref)) === 'written', ref: { ...ref, name } }
  })
}

async function unlessTaken(store: () => Promise<Stored>): Promise<Stored | null> {
  try {
    return await store()
  } catch (error) {
    if (isHoldfastError(error, 'E_STORAGE_EXISTS') || isHoldfastError(error, 'E_ARCHIVE_CORRUPT')) return null
    throw error
  }
}

/** Index first, so that a chunk is never without one. Null when another index or chunk has the name. */
async function putPair(space: ObjectSpace, names: ScopeNames, chunk: EncodedChunk, name: string, options: AbortableOptions): Promise<Stored | null> {
  return unlessTaken(async () => {
    await space.putNew(names.chunkIndex(name), chunk.index, chunk.indexSha256, { ...options, same: sameDigest(chunk.indexSha256), limit: chunk.indexBytes })
    const outcome = await space.putNew(names.chunk(name), chunk.object, chunk.storedSha256, {
      ...options,
      same: sameDigest(chunk.storedSha256),
      limit: chunk.storedBytes,
    })
    return { written: outcome === 'written', ref: refOf(name, chunk, chunk, { storedBytes: chunk.indexBytes, storedSha256: chunk.indexSha256 }) }
  })
}

/** The pair under a taken name, if it holds the same lines (compressed differently, perhaps) and is sound in every part. */
async function adoptPair(space: ObjectSpace, names: ScopeNames, chunk: EncodedChunk, name: string, options: AbortableOptions): Promise<Stored | null> {
  const object = space.label(names.chunk(name))
  try {
    const bytes = await space.get(names.chunk(name), { ...options, limit: chunk.plainBytes * 2 + LIMITS.freeExpansionBytes })
    const stored = { storedBytes: bytes.byteLength, storedSha256: sha256(bytes) }
    const opened = openChunk(bytes, chunk.kind, object)
    if (opened.header.plainSha256 !== chunk.sha256) return null
    for await (const _ of readOpenedChunk(opened, options.signal));
    const index = await space.get(names.chunkIndex(name), { ...options, limit: chunk.indexBytes * 16 + LIMITS.freeExpansionBytes })
    const keys = await openKeyIndex(
      index,
      { ...stored, rows: chunk.rows, plainBytes: chunk.plainBytes, references: chunk.references },
      space.label(names.chunkIndex(name)),
    )
    // Equal lines of an entity whose key is made of other fields: by that index no record of this one would be found.
    if (!keys.find(chunk.firstKey)) return null
    return { written: false, ref: refOf(name, chunk, stored, { storedBytes: index.byteLength, storedSha256: sha256(index) }) }
  } catch (error) {
    const unusable = ['E_ARCHIVE_MISSING', 'E_ARCHIVE_CORRUPT', 'E_ARCHIVE_FORMAT'] as const
    if (unusable.some((code) => isHoldfastError(error, code))) return null
    throw error
  }
}

function refOf(name: string, chunk: EncodedChunk, stored: Pick<ChunkRef, 'storedBytes' | 'storedSha256'>, index: ChunkRef['index']): ChunkRef {
  const { kind, rows, plainBytes, deletes, anchors, references } = chunk
  const counts = kind === 'delta' ? { deletes: deletes ?? 0, anchors: anchors ?? 0 } : {}
  const known = references.length > 0 ? { references } : {}
  return { name, kind, sha256: chunk.sha256, rows, plainBytes, ...counts, storedBytes: stored.storedBytes, storedSha256: stored.storedSha256, index, ...known }
}

/** A name that is none of its lines could lead to another chunk, or be made to meet one. */
async function assertNamed(space: ObjectSpace, refs: readonly ChunkRef[], options: AbortableOptions): Promise<void> {
  if (refs.length === 0) return
  const nameOf = await space.chunkNamer(options)
  for (const ref of refs) {
    if (isChunkName(ref.name, nameOf(ref.sha256))) continue
    throw new HoldfastError('E_ARCHIVE_CORRUPT', `${JSON.stringify(ref.name.slice(0, 100))} is not the name of a chunk`)
  }
}

function assertNotCondemned(refs: readonly ChunkRef[], taboo: ReadonlySet<string>, space: ObjectSpace, names: ScopeNames): void {
  const hit = taboo.size === 0 ? undefined : refs.find(({ name }) => taboo.has(name))
  if (hit) throw new HoldfastError('E_CONDEMNED', `${space.label(names.chunk(hit.name))} was condemned by a prune`, { details: { chunk: hit.name } })
}

/** One byte more than expected is asked for, so that a longer object shows. */
function getChunk(space: ObjectSpace, names: ScopeNames, ref: ChunkRef, signal?: AbortSignal): Promise<Uint8Array> {
  return space.get(names.chunk(ref.name), { signal, limit: ref.storedBytes, accept: isStored(ref) })
}

function isStored({ storedBytes, storedSha256 }: Pick<ChunkRef, 'storedBytes' | 'storedSha256'>): (bytes: Uint8Array) => boolean {
  return (bytes) => bytes.byteLength === storedBytes && sha256(bytes) === storedSha256
}

async function getIndex(space: ObjectSpace, names: ScopeNames, ref: ChunkRef, signal?: AbortSignal): Promise<Uint8Array> {
  const name = names.chunkIndex(ref.name)
  const bytes = await space.get(name, { signal, limit: ref.index.storedBytes, accept: isStored(ref.index) })
  if (bytes.byteLength !== ref.index.storedBytes || sha256(bytes) !== ref.index.storedSha256)
    throw corrupt(space.label(name), 'its bytes are not those that were stored')
  return bytes
}

async function assertSize(space: ObjectSpace, object: string, bytes: number, signal?: AbortSignal): Promise<void> {
  const stat = await space.stat(object, { signal })
  if (!stat) throw missing(space.label(object))
  if (stat.bytes !== bytes) throw corrupt(space.label(object), `${stat.bytes} bytes where ${bytes} were stored`)
}

async function assertListed(space: ObjectSpace, names: ScopeNames, refs: readonly ChunkRef[], signal?: AbortSignal): Promise<void> {
  const expected = new Map<string, number>()
  for (const ref of refs) expected.set(names.chunk(ref.name), ref.storedBytes).set(names.chunkIndex(ref.name), ref.index.storedBytes)
  const check = ({ key, bytes: found }: ObjectStat): void => {
    const bytes = expected.get(key)
    if (bytes === undefined) return
    if (bytes !== found) throw corrupt(space.label(key), `${found} bytes where ${bytes} were stored`)
    expected.delete(key)
  }
  await listChunks(space, names, new Set(refs.map(({ name }) => name.slice(0, 2))), check, { signal })
  for (const object of expected.keys()) throw missing(space.label(object))
}
