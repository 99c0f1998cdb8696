import { Type } from 'typebox'
import type { BackupPolicy, Inventory, ResolvedEntity, ResolvedPlan, ResolvedScope, SourceLimits } from '../../src/plan/index.ts'
import { Rules } from './schemas-retention.ts'
import { Names, Nullable, schemaOf } from './schemas.ts'

/** A plan as it goes over HTTP: of a probe, that there is one. */
export type PlanView = Omit<ResolvedPlan, 'policy' | 'scope' | 'entities' | 'hooks'> & {
  readonly entities: readonly Omit<ResolvedEntity, 'owner'>[]
  readonly scope: ResolvedScope['by'] | null
  readonly policy: Omit<BackupPolicy, 'source' | 'retention'> & {
    readonly source: Omit<SourceLimits, 'pauseWhen'> & { readonly pauseWhen: boolean }
    readonly retention: (Omit<NonNullable<BackupPolicy['retention']>, 'strategy'> & { readonly strategy: boolean }) | null
  }
}

const PlanSchema = schemaOf<PlanView>()(
  Type.Object({
    id: Type.String(),
    description: Type.String(),
    bucket: Type.String(),
    entities: Type.Array(
      Type.Object({
        store: Type.String(),
        entity: Type.String(),
        bucket: Type.String(),
        ignore: Names,
        sensitive: Names,
        tenant: Nullable(Type.String()),
        cursor: Type.Optional(Type.String()),
        shared: Type.Optional(Type.Literal(true, { description: 'Its rows are of all tenants' })),
      }),
    ),
    scope: Nullable(Type.Enum(['column', 'store'])),
    policy: Type.Object({
      compression: Type.Enum(['zstd', 'gzip', 'none']),
      level: Type.Integer(),
      chunkBytes: Type.Integer(),
      concurrency: Type.Integer(),
      requireConsistency: Nullable(Type.Enum(['snapshot', 'entity', 'fuzzy'])),
      fullAfterDays: Type.Integer(),
      fullAfterSnapshots: Type.Integer(),
      reconcileEvery: Nullable(Type.Integer()),
      maxViewAgeMs: Type.Integer(),
      whenViewAges: Type.Enum(['warn', 'reopen']),
      source: Type.Object({
        maxRowsPerSecond: Nullable(Type.Integer()),
        maxBytesPerSecond: Nullable(Type.Integer()),
        maxReplicationLagMs: Nullable(Type.Integer()),
        pauseWhen: Type.Boolean({ description: 'There is a probe' }),
        checkEveryMs: Type.Integer(),
        maxWaitMs: Type.Integer(),
      }),
      retention: Nullable(Type.Object({ ...Rules, strategy: Type.Boolean({ description: 'There is a function' }) })),
    }),
    digest: Type.String({ description: 'A session resumes only under the plan it was started with' }),
  }),
)

export const PlanListSchema = Type.Object({ plans: Type.Array(PlanSchema) })

/** The inventory, with its warnings as plain data. */
export interface InventoryView extends Omit<Inventory, 'warnings'> {
  readonly warnings: readonly { readonly path: string; readonly problem: string; readonly remedy: string }[]
}

export const InventorySchema = schemaOf<InventoryView>()(
  Type.Object({
    entities: Type.Array(
      Type.Object({
        store: Type.String(),
        entity: Type.String(),
        kind: Type.Enum(['entity', 'junction', 'closure', 'view']),
        table: Nullable(Type.String()),
        state: Type.Enum(['included', 'excluded', 'uncovered']),
        plans: Type.Array(Type.Object({ id: Type.String(), because: Type.Enum(['named', 'decorated', 'junction', 'closure']) })),
        reason: Nullable(Type.String()),
      }),
    ),
    healthy: Type.Boolean({ description: 'No entity is uncovered' }),
    warnings: Type.Array(Type.Object({ path: Type.String(), problem: Type.String(), remedy: Type.String() })),
  }),
)
