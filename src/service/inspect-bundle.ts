import type { Manifest } from '../archive/index.ts'
import { type BundleReader, fileSource, holdersOf, openBundle, type OpenedBundle, openBundleSource } from '../bundle/index.ts'
import { spool } from '../files/index.ts'
import type { AbortableOptions } from '../kernel/abort.ts'
import { HoldfastError } from '../kernel/errors.ts'
import { assertKnownOptions } from '../kernel/known-options.ts'
import type { BundleFacts, BundleFrom, InspectBundleOptions } from './bundle-service.ts'
import { verifySnapshot } from './verify-snapshot.ts'

/**
 * Says what a bundle holds. Needs no repository and no configuration. Without an identity: its size and who can open it.
 *
 * @throws `E_ARCHIVE_CORRUPT`, `E_ARCHIVE_MISSING`, `E_ARCHIVE_FORMAT`; with identities `E_KEY_MISSING`, `E_KEY_WRONG`
 */
export async function inspectBundle(from: BundleFrom, options: InspectBundleOptions = {}): Promise<BundleFacts> {
  assertKnownOptions(options, ['identities', 'verify', 'signal'] satisfies (keyof InspectBundleOptions)[], 'a look at a bundle')
  const { identities = [], verify = false, signal } = options
  return withBundle(from, { signal }, async (reader) => {
    const holders = await holdersOf(reader.storage, { signal })
    const closed = holders !== null && identities.length === 0
    if (closed && verify) throw new HoldfastError('E_KEY_MISSING', `${reader.storage.name} is encrypted, and no identity is given to verify it with`)
    const bundle = closed ? null : await openBundle(reader.storage, { holders, identities, signal })
    if (bundle && verify) await verifyBundle(bundle, reader, { signal })
    return {
      bytes: reader.bytes,
      objects: reader.entries.size,
      openedBy: holders,
      snapshot: bundle ? snapshotFacts(bundle.manifest) : null,
      verified: verify,
    }
  })
}

/** Every line of the snapshot, and every byte of whatever else is in it. @throws the first damage */
async function verifyBundle({ manifest, scope }: OpenedBundle, { storage, entries }: BundleReader, options: AbortableOptions): Promise<void> {
  const { damages } = await verifySnapshot(manifest, async () => scope, 'plain', options)
  const [first] = damages
  if (first)
    throw new HoldfastError('E_ARCHIVE_CORRUPT', first.message.replace(/^E_[A-Z_]+: /, ''), { details: { object: first.object, damages: damages.length } })
  for (const name of entries.keys()) await storage.get(name, options)
}

function snapshotFacts({ snapshotId, plan, series, kind, tenant, times, origin, repositoryId, stores, entities, totals }: Manifest): BundleFacts['snapshot'] {
  return {
    id: snapshotId,
    planId: plan.id,
    series,
    kind,
    scope: tenant ?? null,
    viewAt: times.viewAt,
    committedAt: times.committedAt,
    repositoryId: origin?.repositoryId ?? repositoryId,
    stores: stores.map(({ name, orm, source }) => ({ name, orm, dialect: source.dialect, database: source.database })),
    entities: entities.map(({ descriptor, rows, plainBytes }) => ({ store: descriptor.store, entity: descriptor.name, records: rows, plainBytes })),
    records: totals.rows,
  }
}

/** Opens what was handed over; a stream is taken into a file first, which is gone in the end. */
export async function withBundle<T>(from: BundleFrom, options: AbortableOptions, work: (reader: BundleReader) => Promise<T>): Promise<T> {
  if (!(typeof from === 'string' ? from !== '' : typeof from?.[Symbol.asyncIterator] === 'function'))
    throw new HoldfastError('E_CONFIG', 'there is no bundle to read', { hint: 'Give the path of a file, or a stream of bytes.' })
  const taken = typeof from === 'string' ? null : await spool(from, options)
  try {
    const source = await fileSource(taken?.path ?? (from as string), options)
    try {
      return await work(await openBundleSource(source, options))
    } finally {
      await source.close()
    }
  } finally {
    await taken?.remove()
  }
}
