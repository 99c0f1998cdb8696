import type { Repository, RepositoryScope } from '../archive/index.ts'
import type { ScopeOption } from '../contracts/scope-option.ts'
import { throwIfAborted } from '../kernel/abort.ts'
import { counted } from '../kernel/amounts.ts'
import type { Clock } from '../kernel/clock.ts'
import type { BucketRepository } from './bucket-repositories.ts'
import type { BucketProtection, ErasureRewrite } from './erasure-rewrite.ts'
import type { FoundErased, HoldingSnapshot } from './look-for-erased.ts'
import type { RewriteOutcome } from './rewrite-erased.ts'
import { unfinishedOf } from './unfinished-sessions.ts'

/** Ids that are named in a sentence; the report has all. */
const NAMED = 20

/** Where something of the tenant is stored. */
export interface ErasurePlace extends BucketRepository {
  readonly scope: RepositoryScope
}

export interface RewriteReportOptions {
  readonly found: FoundErased
  /** Null in a dry run. */
  readonly outcome: RewriteOutcome | null
  readonly places: readonly ErasurePlace[]
  readonly clock: Clock
}

export async function rewriteReport({ found, outcome, places, clock }: RewriteReportOptions, options: ScopeOption): Promise<ErasureRewrite> {
  const { holding, chunks } = found
  const touched = new Set(holding.flatMap(({ buckets }) => buckets))
  const unfinished: string[] = []
  const restores: string[] = []
  const buckets: BucketProtection[] = []
  for (const { bucket, repository, scope } of places) {
    for (const { id } of await unfinishedOf(repository, clock, options)) unfinished.push(id)
    for await (const { restoreId } of scope.restores.list({ signal: options.signal })) restores.push(restoreId)
    if (touched.has(bucket)) buckets.push({ bucket, ...(await protectionOf(repository, options)) })
  }
  const { snapshots, retained } = outcome ?? {
    snapshots: holding.filter(({ holds }) => holds.length === 0).map(plannedOf),
    retained: holding.filter(({ holds }) => holds.length > 0).map(({ id, bucket, holds }) => ({ id, bucket, holds })),
  }
  const facts = { dryRun: outcome === null, looked: chunks.size, condemned: outcome?.condemned ?? null }
  return { ...facts, snapshots, retained, buckets, unfinished: [...new Set(unfinished)], restores: [...new Set(restores)] }
}

function plannedOf({ id, replacement, bucket, planId, series, viewAt, held }: HoldingSnapshot): ErasureRewrite['snapshots'][number] {
  return { id, replacement, bucket, planId, series, viewAt, records: held?.erased.counts ?? [] }
}

/** Only told of: a storage that does not answer is no reason to keep a record. */
async function protectionOf({ storage }: Repository, { signal }: ScopeOption): Promise<Omit<BucketProtection, 'bucket'>> {
  const { versioning, objectLock } = storage.capabilities
  const unknown = { keepsVersions: versioning ? null : false, objectLock: objectLock ? null : false, retention: null }
  try {
    const place = (await storage.place?.({ signal })) ?? null
    return place ? { keepsVersions: place.versioning, objectLock: place.objectLock, retention: place.retention } : unknown
  } catch {
    throwIfAborted(signal)
    return unknown
  }
}

/** What a rewrite leaves, in words. */
export function remainsOf({ dryRun, snapshots, retained, condemned, buckets, unfinished, restores }: ErasureRewrite): readonly string[] {
  const named = (ids: readonly string[]) => `${ids.slice(0, NAMED).join(', ')}${ids.length > NAMED ? ` and ${ids.length - NAMED} more` : ''}`
  const remains: string[] = []
  if (snapshots.length > 0) {
    const chunks = condemned === null ? 'their chunks' : counted(condemned, 'chunk')
    remains.push(
      `${dryRun ? 'Of the old snapshots' : `Of ${counted(snapshots.length, 'snapshot')} that ${snapshots.length === 1 ? 'was' : 'were'} rewritten`} ${chunks}, manifests and sessions, until a prune has deleted them: run \`holdfast prune\` when its grace period is over (24 h from now). Until then whoever can read the storage can read them.`,
    )
  }
  if (retained.length > 0) remains.push(`The held snapshots ${named(retained.map(({ id }) => id))}, whole: release their holds and erase again.`)
  for (const { bucket, keepsVersions, objectLock, retention } of buckets) {
    if (keepsVersions === null || objectLock === null)
      remains.push(`The storage of bucket "${bucket}" does not tell whether it keeps old versions of what is deleted, or keeps it from being deleted.`)
    if (keepsVersions) remains.push(`Old versions of what is deleted in bucket "${bucket}", until the rules of the storage let go of them.`)
    if (objectLock)
      remains.push(
        `Objects of bucket "${bucket}" that are locked${retention === null ? '' : ` (${retention})`}, those of ${named(snapshots.map(({ id }) => id))} perhaps: prune says which it may not delete.`,
      )
  }
  remains.push('Snapshots that were deleted before, until they are pruned.')
  if (unfinished.length > 0) remains.push(`What the unfinished backups ${named(unfinished)} have stored: cancel them, or finish them and erase again.`)
  if (restores.length > 0)
    remains.push(
      `Journals of undo, diagnostics, samples and plans of the restores ${named(restores)}, if they hold it: prune keeps them for 30 and 365 days (\`--keep-undo\`, \`--keep-restores\`).`,
    )
  remains.push(
    'Bundles and texts that were exported, old versions and backups of the storage itself, and copies of a mirror that were behind when a prune deleted.',
  )
  return remains
}
