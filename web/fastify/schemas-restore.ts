import { Type } from 'typebox'
import type { RestoreDiagnostics } from '../../src/restore/index.ts'
import type { RestoreView } from './restore-view.ts'
import { CodeSchema, Count, ErrorSchema, Names, Nullable, schemaOf, Time, Uuid } from './schemas.ts'
import { PhaseSchema, ProgressSchema } from './schemas-progress.ts'

const Policy = Type.Enum(['overwrite', 'skip', 'fail', 'newer-version-wins'])
const StateSchema = Type.Enum(['running', 'done', 'failed', 'cancelled'])

const SampleSchema = Type.Object({
  action: Type.Enum(['create', 'update', 'keep', 'conflict']),
  key: Type.String(),
  changes: Type.Array(Type.Object({ field: Type.String(), live: Type.Unknown(), record: Type.Unknown() })),
})

const counts = { records: Count, create: Count, update: Count, identical: Count, keep: Count, conflict: Count, ranges: Count, skippedRanges: Count }

const ResultSchema = Type.Object({
  restoreId: Uuid,
  snapshotId: Uuid,
  planId: Type.String(),
  status: Type.Enum(['planned', 'completed'], { description: '`planned`: a dry run; nothing was written' }),
  policy: Policy,
  entities: Type.Array(
    Type.Object({
      store: Type.String(),
      entity: Type.String(),
      ...counts,
      extra: Count,
      samples: Type.Optional(Type.Array(SampleSchema, { description: 'Record values: only for callers with the right to control' })),
    }),
  ),
  totals: Type.Object(counts),
  problems: Count,
  silenced: Names,
  warnings: Type.Array(Type.String(), { description: 'What went wrong after the commit, and so undoes nothing' }),
  startedAt: Time,
  durationMs: Type.Number(),
})

export const RestoreSchema = schemaOf<RestoreView>()(
  Type.Object({
    id: Uuid,
    snapshotId: Uuid,
    planId: Type.String(),
    dryRun: Nullable(Type.Boolean({ description: 'Null where only the diagnostics of a failed restore tell of it' })),
    state: StateSchema,
    progress: Nullable(ProgressSchema),
    result: Nullable(ResultSchema),
    error: Nullable(ErrorSchema),
  }),
)

export const RestoreListSchema = Type.Object({
  restores: Type.Array(
    Type.Object({
      id: Uuid,
      snapshotId: Uuid,
      planId: Type.String(),
      dryRun: Type.Boolean(),
      state: StateSchema,
      phase: PhaseSchema,
      percent: Type.Number(),
      records: Count,
      remainingMs: Nullable(Type.Number()),
    }),
  ),
})

export const StartRestoreBody = Type.Object(
  {
    snapshot: Uuid,
    entities: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 256 }), { minItems: 1, maxItems: 10_000, description: 'Default: all of the snapshot' }),
    ),
    policy: Type.Optional(
      Type.Enum(['overwrite', 'skip', 'fail', 'newer-version-wins'], { description: 'What happens to live rows that differ. Default `fail`.' }),
    ),
    dryRun: Type.Optional(Type.Boolean({ description: 'Compare and report, and write nothing. Default false.' })),
    into: Type.Optional(
      Type.Record(Type.String(), Type.String({ minLength: 1, maxLength: 256 }), {
        maxProperties: 100,
        description: 'Store of the snapshot → store to restore into',
      }),
    ),
    samples: Type.Optional(Type.Integer({ minimum: 0, maximum: 100, description: 'Samples kept per entity and action. Default 5.' })),
    confirm: Type.Optional(Type.String({ maxLength: 36, description: 'The id of the snapshot once more. Required unless it is a dry run.' })),
  },
  { additionalProperties: false },
)

export const DiagnosticsSchema = schemaOf<RestoreDiagnostics>()(
  Type.Object({
    restoreId: Uuid,
    snapshotId: Uuid,
    planId: Type.String(),
    at: Time,
    code: Nullable(CodeSchema),
    total: Count,
    causes: Type.Object({
      'missing-parent': Type.Optional(Count),
      'unique-clash': Type.Optional(Count),
      validation: Type.Optional(Count),
      schema: Type.Optional(Count),
      permission: Type.Optional(Count),
      transient: Type.Optional(Count),
      conflict: Type.Optional(Count),
    }),
    entries: Type.Array(
      Type.Object({
        store: Type.String(),
        attempt: Count,
        entity: Type.String(),
        key: Nullable(Type.String()),
        line: Type.Optional(Count),
        cause: Type.Enum(['missing-parent', 'unique-clash', 'validation', 'schema', 'permission', 'transient', 'conflict']),
        message: Type.String(),
      }),
    ),
  }),
)
