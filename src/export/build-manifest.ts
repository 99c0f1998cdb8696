import {
  type Manifest,
  type ManifestEntity,
  type ManifestStore,
  manifestTotals,
  type RangeEntry,
  requiredFeatures,
  schemaFingerprint,
  type SessionRecord,
} from '../archive/index.ts'
import type { HookRecord } from '../contracts/hooks.ts'
import type { SequenceState } from '../contracts/consistent-view.ts'
import type { EntityStore } from '../contracts/entity-store.ts'
import { HoldfastError } from '../kernel/errors.ts'
import { VERSION } from '../kernel/version.ts'
import type { ResolvedPlan } from '../plan/resolved-plan.ts'
import type { EntityCopy } from './entity-copy.ts'
import type { OpenViews } from './open-views.ts'
import { plainBytesOf } from './stored-range.ts'

export interface BuildManifestOptions {
  readonly plan: ResolvedPlan
  readonly session: SessionRecord
  readonly repositoryId: string
  readonly stores: readonly EntityStore[]
  readonly views: OpenViews
  readonly sequences: ReadonlyMap<string, readonly SequenceState[]>
  readonly copies: readonly EntityCopy[]
  readonly committedAt: string
  readonly hooks: readonly HookRecord[]
}

/** The manifest of a finished copy. Refuses to speak for any range that this attempt's view has not settled: that would be a bug, and must not become a snapshot. */
export function buildManifest(options: BuildManifestOptions): Manifest {
  const { plan, session, views, copies } = options
  const entities = copies.map(manifestEntity)
  const guessed = copies.filter((copy) => copy.guessed > 0)
  return {
    format: 1,
    requiredFeatures: requiredFeatures(entities),
    repositoryId: options.repositoryId,
    snapshotId: session.sessionId,
    plan: { id: plan.id, digest: plan.digest, description: plan.description },
    series: session.series,
    kind: session.kind,
    parent: session.parent,
    ...(session.kindReason === undefined ? {} : { kindReason: session.kindReason }),
    ...lineageOf(session, views),
    scope: session.scope,
    ...(session.tenant === undefined ? {} : { tenant: session.tenant }),
    times: { startedAt: session.startedAt, viewAt: views.window.to, committedAt: options.committedAt },
    stores: [...views.byStore.keys()].map((name) => manifestStore(name, options)),
    consistency: { level: guessed.length > 0 ? 'fuzzy' : views.level, window: views.window, warnings: [...views.warnings, ...guessed.map(guessWarning)] },
    schemaFingerprint: schemaFingerprint(copies.map((copy) => copy.descriptor)),
    entities,
    totals: manifestTotals(entities),
    trigger: session.trigger,
    metadata: session.metadata,
    ...(options.hooks.length > 0 ? { hooks: options.hooks } : {}),
    tool: { name: 'holdfast', version: VERSION },
  }
}

function lineageOf({ kind, sessionId, lineage }: SessionRecord, views: OpenViews): Pick<Manifest, 'lineage'> {
  if (kind === 'full') return { lineage: { full: sessionId, fullAt: views.window.to, distance: 0 } }
  return lineage ? { lineage } : {}
}

function manifestStore(name: string, { views, stores, sequences }: BuildManifestOptions): ManifestStore {
  const view = views.byStore.get(name)!
  return {
    name,
    orm: stores.find((store) => store.name === name)!.orm,
    source: view.source,
    consistency: { ...view.consistency, at: view.at },
    migrations: view.migrations,
    sequences: sequences.get(name) ?? [],
  }
}

function manifestEntity(copy: EntityCopy): ManifestEntity {
  const { resolved, descriptor, evidence } = copy
  const ranges: RangeEntry[] = []
  for (const { known } of copy.image.pieces()) {
    if (!known?.current) throw unsettled(copy)
    ranges.push({ ...known.entry, evidence: 0 })
  }
  if (!evidence) throw unsettled(copy)
  return {
    descriptor,
    bucket: resolved.bucket,
    rows: sum(ranges, (range) => range.rows),
    plainBytes: sum(ranges, plainBytesOf),
    storedBytes: sum(ranges, (range) => sum(range.layers, (layer) => layer.storedBytes)),
    change: { method: evidence.method, evidence: [evidence], schema: copy.schema, ...copy.counts },
    ranges,
    sensitive: [...resolved.sensitive],
    ignored: [...resolved.ignore],
    ...(resolved.owner ? { owner: resolved.owner } : {}),
    ...(resolved.shared ? { shared: true as const } : {}),
  }
}

/** A range that is believed to be unchanged may be of another state than the view. */
function guessWarning({ resolved, guessed, counts }: EntityCopy): string {
  return `${resolved.entity}: ${guessed} of ${counts.reused + counts.read} ranges were taken over because keys and ${resolved.cursor} are as they were; a write that did not move it would not have been seen.`
}

function unsettled({ resolved }: EntityCopy): HoldfastError {
  return new HoldfastError('E_STORE_FAILED', `${resolved.entity}: a range of keys was neither read nor confirmed`, {
    hint: 'This is a defect of Holdfast or of the entity store; nothing was published.',
  })
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  let total = 0
  for (const item of items) total += of(item)
  return total
}
