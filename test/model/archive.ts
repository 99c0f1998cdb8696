import { memoryStorage } from '../../adapters/memory/index.ts'
import { type Manifest, openRepository, readRange, type Repository, type RepositoryScope } from '../../src/archive/index.ts'
import { prune, type PruneOptions, type PruneReport } from '../../src/catalog/index.ts'
import { type EntityStore, silentLogger, type StorageAdapter } from '../../src/contracts/index.ts'
import { type RestoreRequest, type RestoreResult, startRestore } from '../../src/restore/index.ts'
import { verifySnapshot } from '../../src/service/verify-snapshot.ts'
import { clockedStorage, type MovableClock } from '../support/clocked-storage.ts'
import { collect } from '../support/collect.ts'
import { type Image, rowText } from './model-state.ts'
import { copyObjects } from './stepped-storage.ts'
import { STORE } from './model-database.ts'

/** The repositories of one history, in memory where nothing else is said, by a clock that the history moves. */
export class Archive {
  readonly clock: MovableClock
  readonly storage: StorageAdapter
  readonly buckets: readonly string[]

  constructor(clock: MovableClock, buckets: readonly string[], base: StorageAdapter = memoryStorage()) {
    this.clock = clock
    this.buckets = buckets
    this.storage = clockedStorage(base, clock)
  }

  /** One that holds the same, and goes its own way from here on. */
  async copy(): Promise<Archive> {
    const copy = new Archive(this.clock, this.buckets)
    await copyObjects(this.storage, copy.storage)
    return copy
  }

  open(bucket: string, over: StorageAdapter = this.storage): Promise<Repository> {
    return openRepository({ storage: over, prefix: `${bucket}/`, create: true })
  }

  async scope(bucket = 'main'): Promise<RepositoryScope> {
    return (await this.open(bucket)).scope()
  }

  /** Ids of the visible snapshots, in order of time. */
  async snapshots(): Promise<string[]> {
    return (await collect((await this.scope()).listSnapshots())).map(({ id }) => id)
  }

  async manifest(id: string): Promise<Manifest> {
    return (await this.scope()).readManifest(id, { evenHidden: true })
  }

  async hide(id: string): Promise<void> {
    await (await this.scope()).hide(id, 'the history wants it so')
  }

  async prune(options: PruneOptions = {}, buckets = this.buckets, over?: StorageAdapter): Promise<PruneReport> {
    const places = []
    for (const bucket of buckets) places.push({ bucket, repository: await this.open(bucket, over) })
    return prune({ places, clock: this.clock, logger: silentLogger }, options)
  }

  /** Names of damaged objects. */
  async verify(id: string): Promise<string[]> {
    const { damages } = await verifySnapshot(await this.manifest(id), (bucket) => this.scope(bucket), 'plain', {})
    return damages.map(({ object }) => object)
  }

  async restore(id: string, store: EntityStore, more: Partial<RestoreRequest> = {}, over: StorageAdapter = this.storage): Promise<RestoreResult> {
    const { clock } = this
    const scope = async (bucket: string) => (await this.open(bucket, over)).scope()
    const session = startRestore(
      { snapshot: id, ...more },
      {
        manifest: await (await scope('main')).readManifest(id, { evenHidden: true }),
        repository: await scope('main'),
        bucket: scope,
        stores: new Map([[STORE, store]]),
        clock,
        logger: silentLogger,
      },
    )
    return session.result()
  }

  /** The records of a snapshot as the rows of tables, for dialects whose record values are the text of the stored ones. */
  async read(id: string): Promise<Image> {
    const image: Record<string, string[]> = {}
    for (const { descriptor, bucket, ranges } of (await this.manifest(id)).entities) {
      const { chunks } = await this.scope(bucket)
      const parts: Uint8Array[] = []
      for (const range of ranges) for await (const part of readRange(chunks, range)) parts.push(part)
      const lines = Buffer.concat(parts).toString('utf8').split('\n').slice(0, -1)
      const records = lines.map((line) => JSON.parse(line) as Record<string, string | number | null>)
      image[descriptor.name] = records
        .map((record) => rowText(descriptor.fields.map(({ path }) => (record[path] === null ? null : String(record[path])))))
        .sort()
    }
    return image
  }

  /** Every chunk object that there is, without its ending. */
  async chunks(): Promise<Set<string>> {
    const objects = await collect(this.storage.list(''))
    return new Set(objects.flatMap(({ key }) => /\/chunks\/[0-9a-f]{2}\/(.+)\.hf[cx]$/.exec(key)?.[1] ?? []))
  }

  /** Flips a bit of a chunk or of its index. Gives the name of the chunk. */
  async damage(pick: (keys: readonly string[]) => { readonly key: string; readonly at: number }): Promise<string | null> {
    const keys = (await collect(this.storage.list(''))).map(({ key }) => key).filter((key) => /\.hf[cx]$/.test(key))
    if (keys.length === 0) return null
    const { key, at } = pick(keys)
    const bytes = Buffer.from(await this.storage.get(key))
    bytes[at % bytes.length]! ^= 1
    await this.storage.put(key, bytes, { ifAbsent: false })
    return /([^/]+)\.hf[cx]$/.exec(key)![1]!
  }
}

export function chunksOf(manifest: Manifest): Set<string> {
  return new Set(manifest.entities.flatMap(({ ranges }) => ranges.flatMap(({ layers }) => layers.map(({ name }) => name))))
}
