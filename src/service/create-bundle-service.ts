import type { Manifest } from '../archive/index.ts'
import {
  type BundleReader,
  exportSnapshot,
  fileSink,
  fileSource,
  holdersOf,
  importSnapshot,
  openBundle,
  type OpenedBundle,
  openBundleSource,
  spool,
  streamSink,
} from '../bundle/index.ts'
import { NOTHING_ERASED } from '../erasure/index.ts'
import type { AbortableOptions } from '../kernel/abort.ts'
import { HoldfastError } from '../kernel/errors.ts'
import { assertKnownOptions } from '../kernel/known-options.ts'
import type {
  BundleFacts,
  BundleFrom,
  BundleReport,
  ExportBundleOptions,
  IBundleService,
  ImportBundleOptions,
  ImportReport,
  InspectBundleOptions,
} from './bundle-service.ts'
import { openSnapshot } from './open-snapshot.ts'
import type { DiscoveryServiceOptions } from './discovery-service.ts'
import { pinSnapshot } from './pin-snapshot.ts'
import { findSnapshot } from './snapshot-finder.ts'
import { verifySnapshot } from './verify-snapshot.ts'

export type BundleServiceOptions = Pick<DiscoveryServiceOptions, 'repositories' | 'stores' | 'schema' | 'plans' | 'logger'>

export function createBundleService({ repositories, stores, schema, plans, logger }: BundleServiceOptions): IBundleService {
  return {
    async export(snapshotId, options): Promise<BundleReport> {
      assertKnownOptions(options, ['to', 'recipients', 'plain', 'scope', 'onProgress', 'signal'] satisfies (keyof ExportBundleOptions)[], 'an export')
      const { to, scope, onProgress, signal } = options
      if (!(typeof to === 'string' ? to !== '' : typeof to?.write === 'function'))
        throw new HoldfastError('E_CONFIG', '`to` is missing', { hint: 'Give the path of a new file, or a stream that takes bytes.' })
      const found = await findSnapshot(repositories, snapshotId, { scope, signal })
      const recipients = recipientsOf(options, repositories.bucket(found.bucket).encryption?.providers)
      const release = await pinSnapshot(found.repository.scope(found.manifest.scope), snapshotId, logger, { signal })
      try {
        const snapshot = openSnapshot(found, { repositories, stores, schema, plans }, { as: 'archived', signal })
        const erased = (await snapshot.erased?.({ signal })) ?? NOTHING_ERASED
        const sink = typeof to === 'string' ? await fileSink(to, { signal }) : streamSink(to, { signal })
        const { manifest, bytes, sha256 } = await exportSnapshot({ ...snapshot, erased }, sink, { recipients, onProgress, signal })
        logger.info({ snapshotId, to: sink.name, bytes, records: manifest.totals.rows, plain: recipients === null }, 'bundle exported')
        return {
          snapshotId,
          bytes,
          sha256,
          entities: manifest.totals.entities,
          records: manifest.totals.rows,
          openedBy: recipients?.map(({ kind, reference }) => ({ kind, reference })) ?? null,
          erased: erased.counts,
        }
      } finally {
        await release()
      }
    },

    async import(from, options = {}): Promise<ImportReport> {
      assertKnownOptions(options, ['identities', 'bucket', 'plain', 'scope', 'onProgress', 'signal'] satisfies (keyof ImportBundleOptions)[], 'an import')
      const { scope: tenant = null, onProgress, signal } = options
      return withBundle(from, { signal }, async (reader) => {
        const holders = await holdersOf(reader.storage, { signal })
        const chosen = options.bucket === undefined ? null : repositories.bucket(options.bucket)
        // Where it goes is known only when it was opened; so the keys of any bucket may open it.
        const own = chosen ? (chosen.encryption?.providers ?? []) : repositories.names.flatMap((name) => repositories.bucket(name).encryption?.providers ?? [])
        const identities = options.identities ?? (holders === null ? [] : own)
        const bundle = await openBundle(reader.storage, { holders, identities, signal })
        const { manifest } = bundle
        assertTenant(manifest, tenant, reader.storage.name)
        const bucket = options.bucket ?? bucketFor(manifest)
        if (holders !== null && !repositories.bucket(bucket).encryption && options.plain !== true) {
          throw new HoldfastError('E_CONFIG', `${reader.storage.name} is encrypted, and the bucket "${bucket}" is not`, {
            hint: 'Import it into an encrypted bucket; or say that everybody who can read the bucket may read it: `plain: true`, `--plain`.',
          })
        }
        const repository = await repositories.openOrCreate(bucket, { signal })
        const imported = await importSnapshot(bundle, { repository, scope: repository.scopeOf(tenant), bucket }, { onProgress, signal })
        const { snapshotId, plan, totals } = imported.manifest
        logger.info({ snapshotId, from: reader.storage.name, bucket, outcome: imported.outcome }, 'bundle imported')
        return { snapshotId, planId: plan.id, bucket, outcome: imported.outcome, entities: totals.entities, records: totals.rows }
      })
    },

    async inspect(from, options = {}): Promise<BundleFacts> {
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
    },
  }

  function bucketFor({ plan }: Manifest): string {
    if (plans.has(plan.id)) return plans.resolved(plan.id).bucket
    const [only, ...others] = repositories.names
    if (only !== undefined && others.length === 0) return only
    throw new HoldfastError('E_CONFIG', `there are the buckets ${repositories.names.join(', ')}, and no plan "${plan.id}" that would say which is meant`, {
      hint: 'Say which: `bucket`, `--bucket`.',
    })
  }
}

/** Null: anybody. An encrypted bucket gives no plain bundle unless that is said. */
function recipientsOf({ recipients, plain }: ExportBundleOptions, own: ExportBundleOptions['recipients']): (ExportBundleOptions['recipients'] & {}) | null {
  if (![true, undefined].includes(plain)) throw new HoldfastError('E_CONFIG', `\`plain\` is ${JSON.stringify(plain)}; expected true, or nothing`)
  if (plain && recipients !== undefined) throw new HoldfastError('E_CONFIG', '`plain` and `recipients` contradict each other')
  return plain ? null : (recipients ?? own ?? null)
}

/** As with everything that a tenant owns: whoever does not name it does not get it. */
function assertTenant({ tenant = null }: { readonly tenant?: string | null }, wanted: string | null, name: string): void {
  if (tenant === wanted) return
  const message = wanted === null ? `${name} is of a tenant` : tenant === null ? `${name} is of no tenant` : `${name} is of another tenant than "${wanted}"`
  throw new HoldfastError('E_SCOPE', message, { hint: 'Name the tenant that it was exported for with `scope`, `--scope`; leave it out where there is none.' })
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

async function withBundle<T>(from: BundleFrom, options: AbortableOptions, work: (reader: BundleReader) => Promise<T>): Promise<T> {
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
