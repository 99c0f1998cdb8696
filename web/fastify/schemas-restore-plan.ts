import { Type } from 'typebox'
import type { PlannedRow } from '../../src/restore/index.ts'
import type { RestorePlanView } from './restore-plan-view.ts'
import { By, Count, Nullable, schemaOf, Time, Uuid, scopeMember } from './schemas.ts'
import { CountsSchema, EntitiesSchema, NamedRestoreProperties, RestoreRequestProperties } from './schemas-restore.ts'

const ExpiresAfterMs = Type.Optional(Type.Integer({ minimum: 60_000, maximum: 604_800_000, description: 'How long it can be applied. Default 24 hours.' }))

export const PlanRestoreBody = Type.Object({ ...RestoreRequestProperties, expiresAfterMs: ExpiresAfterMs }, { additionalProperties: false })

/** A body may be left out. */
export const PlanNamedRestoreBody = Type.Union([
  Type.Object({ ...NamedRestoreProperties, expiresAfterMs: ExpiresAfterMs }, { additionalProperties: false }),
  Type.Null(),
])

export const ApplyPlanBody = Type.Object(
  {
    hash: Type.String({ maxLength: 64, description: 'The hash of the plan that was looked at. It must be that of the kept one.' }),
    undo: Type.Optional(Type.Boolean({ description: 'Keep what it takes to undo it. Default true.' })),
    by: By,
  },
  { additionalProperties: false },
)

export const RestorePlanSchema = schemaOf<RestorePlanView>()(
  Type.Object({
    planId: Uuid,
    snapshotId: Uuid,
    hash: Type.String({ description: 'The same for the same request, snapshot and live rows' }),
    createdAt: Time,
    expiresAt: Time,
    by: Nullable(Type.String()),
    rows: Count,
    entities: EntitiesSchema,
    totals: CountsSchema,
    problems: Count,
  }),
)

export const PlanRowsQuery = Type.Object(
  {
    ...scopeMember,
    offset: Type.Optional(Type.Integer({ minimum: 0, description: 'Default 0' })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000, description: 'Default 1000' })),
  },
  { additionalProperties: false },
)

const Reason = Type.Union([
  Type.Object({ because: Type.Literal('asked') }),
  Type.Object({ because: Type.Union([Type.Literal('parent'), Type.Literal('child'), Type.Literal('link')]), entity: Type.String(), key: Type.String() }),
])

export const PlanRowsSchema = Type.Object({
  rows: Type.Array(
    schemaOf<PlannedRow>()(
      Type.Object({
        store: Type.String(),
        entity: Type.String(),
        key: Type.String(),
        action: Type.Enum(['create', 'update', 'delete', 'conflict']),
        why: Nullable(Reason),
      }),
    ),
  ),
  next: Nullable(Type.Integer({ description: 'The offset of the next page; null at the end' })),
})
