import type { Manifest } from '../archive/index.ts'
import { exportSnapshot, holdersOf, importSnapshot, openBundle } from '../bundle/index.ts'
import { NOTHING_ERASED } from '../erasure/index.ts'
import { fileSink, orDestroyed, streamSink } from '../files/index.ts'
import type { MaskRules } from '../masking/index.ts'
import { HoldfastError } from '../kernel/errors.ts'
import { assertKnownOptions } from '../kernel/known-options.ts'
import type { BundleReport, ExportBundleOptions, IBundleService, ImportBundleOptions, ImportReport } from './bundle-service.ts'
import { openSnapshot } from './open-snapshot.ts'
import { assertTenant } from './assert-tenant.ts'
import { assertDestination, exportRecords } from './export-records.ts'
import { importRecords } from './import-records.ts'
import { inspectBundle, withBundle } from './inspect-bundle.ts'
import type { DiscoveryServiceOptions } from './discovery-service.ts'
import { pinSnapshot } from './pin-snapshot.ts'
import { findSnapshot } from './snapshot-finder.ts'

export interface BundleServiceOptions extends Pick<DiscoveryServiceOptions, 'repositories' | 'stores' | 'schema' | 'plans' | 'logger'> {
  /** How values are masked where an export asks for it. */
  readonly masking: MaskRules | undefined
}

export function createBundleService({ repositories, stores, schema, plans, masking, logger }: BundleServiceOptions): IBundleService {
  return {
    async export(snapshotId, options): Promise<BundleReport> {
      if (options !== null && typeof options === 'object' && 'mask' in options)
        throw new HoldfastError(
          'E_CONFIG',
          'a bundle is a snapshot as it was, every chunk proved by its hash and in the order of its keys: its values cannot be masked',
          {
            hint: 'Export records with `mask: true` in another format; or restore with `mask` into another database, and export a bundle of a backup of that.',
          },
        )
      assertKnownOptions(options, ['to', 'recipients', 'plain', 'scope', 'onProgress', 'signal'] satisfies (keyof ExportBundleOptions)[], 'an export')
      const { to, scope, onProgress, signal } = options
      assertDestination(to)
      return orDestroyed(to, async () => {
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
      })
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

    exportRecords: (snapshotId, options) =>
      orDestroyed(options?.to, () => exportRecords(snapshotId, options, { repositories, stores, schema, plans, masking, logger })),
    importRecords: (from, options) => importRecords(from, options, { repositories, bucketFor, logger }),
    inspect: inspectBundle,
  }

  function bucketFor({ plan }: Pick<Manifest, 'plan'>): string {
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
