import { Type } from 'typebox'
import type { SnapshotSummary, VerifyReport } from '../../src/service/index.ts'
import { By, Count, Names, PlanId, schemaOf, scopeMember, Time, Uuid } from './schemas.ts'
import type { SnapshotView } from './snapshot-view.ts'

const Level = Type.Enum(['snapshot', 'entity', 'fuzzy'])

const facts = {
  id: Uuid,
  planId: Type.String(),
  kind: Type.Enum(['full', 'incremental', 'differential']),
  viewAt: Time,
  committedAt: Time,
  consistency: Level,
  trigger: Type.Enum(['manual', 'automatic']),
  metadata: Type.Record(Type.String(), Type.String()),
  rows: Count,
  plainBytes: Count,
  storedBytes: Count,
}

export const SnapshotListSchema = Type.Object({ snapshots: Type.Array(schemaOf<SnapshotSummary>()(Type.Object({ ...facts, entities: Count }))) })

export const SnapshotListQuery = Type.Object(
  {
    ...scopeMember,
    plan: Type.Optional(PlanId),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, description: 'Default 100' })),
  },
  { additionalProperties: false },
)

export const SnapshotSchema = schemaOf<SnapshotView>()(
  Type.Object({
    ...facts,
    description: Type.String({ description: "The plan's" }),
    startedAt: Time,
    warnings: Names,
    stores: Type.Array(Type.Object({ name: Type.String(), orm: Type.String(), dialect: Type.String(), consistency: Level, at: Time })),
    entities: Type.Array(
      Type.Object({
        store: Type.String(),
        entity: Type.String(),
        kind: Type.Enum(['entity', 'junction', 'closure']),
        table: Type.String(),
        bucket: Type.String(),
        rows: Count,
        plainBytes: Count,
        storedBytes: Count,
        chunks: Count,
        ignored: Names,
      }),
    ),
  }),
)

export const DeleteSnapshotBody = Type.Object(
  { reason: Type.String({ minLength: 1, maxLength: 1000, pattern: '\\S', description: 'Kept in the tombstone' }), by: By },
  { additionalProperties: false },
)

export const VerifyQuery = Type.Object(
  {
    ...scopeMember,
    level: Type.Optional(
      Type.Enum(['presence', 'stored', 'plain'], {
        description:
          '`presence`: objects are there in the right size; `stored`: every stored byte is right; `plain` (default): also decompressed, counted and hashed',
      }),
    ),
  },
  { additionalProperties: false },
)

export const VerifySchema = schemaOf<VerifyReport>()(
  Type.Object({
    snapshotId: Uuid,
    level: Type.Enum(['presence', 'stored', 'plain']),
    chunks: Count,
    bytes: Count,
    damages: Type.Array(Type.Object({ store: Type.String(), entity: Type.String(), object: Type.String(), code: Type.String(), message: Type.String() })),
  }),
)
