import { Type } from 'typebox'
import { Count, ErrorSchema, Nullable, schemaOf, Time, Uuid } from './schemas.ts'

export interface HealthView {
  readonly healthy: boolean
  readonly plans: readonly {
    readonly plan: string
    /** The newest snapshot, the moment that it shows and how long ago that is; null when there is none. */
    readonly snapshotId: string | null
    readonly viewAt: string | null
    readonly ageMs: number | null
    /** As configured; null when the plan cannot be stale. */
    readonly maxAgeMs: number | null
    readonly healthy: boolean
  }[]
}

export const HealthSchema = schemaOf<HealthView>()(
  Type.Object({
    healthy: Type.Boolean(),
    plans: Type.Array(
      Type.Object({
        plan: Type.String(),
        snapshotId: Nullable(Uuid),
        viewAt: Nullable(Time),
        ageMs: Nullable(Count),
        maxAgeMs: Nullable(Count),
        healthy: Type.Boolean(),
      }),
    ),
  }),
)

/** Stale, or the storage could not be read. */
export const UnhealthySchema = Type.Union([HealthSchema, ErrorSchema])
