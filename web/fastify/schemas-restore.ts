import { Type } from 'typebox'
import type { RestoreDiagnostics } from '../../src/restore/index.ts'
import type { RestoreView } from './restore-view.ts'
import { By, CodeSchema, Count, ErrorSchema, HooksSchema, Names, Nullable, PlanId, schemaOf, scopeMember, Time, Uuid } from './schemas.ts'
import { PhaseSchema, ProgressSchema } from './schemas-progress.ts'

const Policy = Type.Enum(['overwrite', 'skip', 'fail', 'newer-version-wins'])
const StateSchema = Type.Enum(['running', 'done', 'partial', 'failed', 'cancelled'])

const SampleSchema = Type.Object({
  action: Type.Enum(['create', 'update', 'delete', 'keep', 'conflict']),
  key: Type.String(),
  changes: Type.Array(Type.Object({ field: Type.String(), live: Type.Unknown(), record: Type.Unknown() })),
})

const counts = {
  records: Count,
  create: Count,
  update: Count,
  identical: Count,
  keep: Count,
  conflict: Count,
  absent: Count,
  failed: Count,
  delete: Count,
  ranges: Count,
  skippedRanges: Count,
}

export const CountsSchema = Type.Object(counts)
export const EntitiesSchema = Type.Array(
  Type.Object({
    store: Type.String(),
    entity: Type.String(),
    ...counts,
    extra: Count,
    samples: Type.Optional(Type.Array(SampleSchema, { description: 'Record values: only for callers with the right to control' })),
  }),
)

const ResultSchema = Type.Object({
  restoreId: Uuid,
  snapshotId: Uuid,
  planId: Type.String(),
  scope: Nullable(Type.String({ description: 'Tenant that the snapshot is of' })),
  targetScope: Nullable(Type.String({ description: 'Tenant whose rows were restored' })),
  status: Type.Enum(['planned', 'completed', 'PartiallyRestored'], {
    description: '`planned`: a dry run; nothing was written. `PartiallyRestored`: committed without the records that failed',
  }),
  policy: Policy,
  by: Nullable(Type.String({ description: 'Who asked for it' })),
  applies: Nullable(Type.String({ description: 'Id of the plan that was applied' })),
  undoes: Nullable(Type.String({ description: 'Id of the restore that was undone' })),
  name: Nullable(Type.String({ description: 'Id of the named restore that it was, or that the applied plan was of' })),
  replays: Nullable(Type.String({ description: 'Id of the restore whose failed records were tried again' })),
  undoable: Type.Boolean(),
  entities: EntitiesSchema,
  totals: CountsSchema,
  schema: Type.Array(
    Type.Object({
      store: Type.String(),
      entity: Type.String(),
      kind: Type.Enum(['entity-renamed', 'renamed', 'added', 'removed', 'entity-removed', 'upcast']),
      from: Nullable(Type.String()),
      to: Nullable(Type.String()),
    }),
    { description: "In what the snapshot differs from today's entities, and what became of it" },
  ),
  masked: Type.Array(Type.Object({ store: Type.String(), entity: Type.String(), field: Type.String(), masker: Type.String() })),
  erased: Type.Array(Type.Object({ store: Type.String(), entity: Type.String(), records: Count })),
  problems: Count,
  silenced: Names,
  warnings: Type.Array(Type.String(), { description: 'What went wrong after the commit, and so undoes nothing' }),
  hooks: HooksSchema,
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

const ContinueOnError = Type.Optional(
  Type.Integer({ minimum: 0, maximum: 10_000, description: 'Records that may fail and are left out; the state is `partial` then. Default 0.' }),
)

/** What a restore and a plan of one ask for alike. */
export const RestoreRequestProperties = {
  snapshot: Uuid,
  entities: Type.Optional(
    Type.Array(Type.String({ minLength: 1, maxLength: 256 }), { minItems: 1, maxItems: 10_000, description: 'Default: all of the snapshot' }),
  ),
  select: Type.Optional(
    Type.Array(
      Type.Object(
        {
          entity: Type.String({ minLength: 1, maxLength: 256 }),
          keys: Type.Optional(
            Type.Array(Type.Any(), { minItems: 1, maxItems: 100_000, description: 'A value, or a list of values in key order; bytes as {"blob": base64}' }),
          ),
          where: Type.Optional(Type.Record(Type.String(), Type.Any(), { maxProperties: 100 })),
          fields: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 256 }), { minItems: 1, maxItems: 1000 })),
        },
        { additionalProperties: false },
      ),
      { minItems: 1, maxItems: 1000, description: 'Rows to restore, in place of `entities`' },
    ),
  ),
  related: Type.Optional(
    Type.Object(
      {
        parents: Type.Optional(Type.Boolean()),
        children: Type.Optional(Type.Union([Type.Boolean(), Type.Array(Type.String({ minLength: 1, maxLength: 256 }), { maxItems: 1000 })])),
        depth: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })),
        maxRows: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000 })),
      },
      { additionalProperties: false, description: 'What comes along with the selected rows' },
    ),
  ),
  create: Type.Optional(Type.Boolean({ description: 'Create records without a live row. Default true.' })),
  update: Type.Optional(Type.Boolean({ description: 'Update live rows that differ, as the policy says. Default true.' })),
  deleteExtra: Type.Optional(Type.Boolean({ description: 'Delete live rows that the snapshot does not have. Default false.' })),
  policy: Type.Optional(
    Type.Enum(['overwrite', 'skip', 'fail', 'newer-version-wins'], { description: 'What happens to live rows that differ. Default `fail`.' }),
  ),
  into: Type.Optional(
    Type.Record(Type.String(), Type.String({ minLength: 1, maxLength: 256 }), {
      maxProperties: 100,
      description: 'Store of the snapshot → store to restore into',
    }),
  ),
  mask: Type.Optional(Type.Boolean({ description: 'Replace sensitive values on their way, as the application says. Default false.' })),
  samples: Type.Optional(Type.Integer({ minimum: 0, maximum: 100, description: 'Samples kept per entity and action. Default 5.' })),
  continueOnError: ContinueOnError,
  by: By,
}

export const StartRestoreBody = Type.Object(
  {
    ...RestoreRequestProperties,
    undo: Type.Optional(Type.Boolean({ description: 'Keep what it takes to undo it. Default false.' })),
    dryRun: Type.Optional(Type.Boolean({ description: 'Compare and report, and write nothing. Default false.' })),
    confirm: Type.Optional(Type.String({ maxLength: 36, description: 'The id of the snapshot once more. Required unless it is a dry run.' })),
  },
  { additionalProperties: false },
)

/** A body may be left out. */
export const UndoRestoreBody = Type.Union([
  Type.Object(
    {
      onConflict: Type.Optional(
        Type.Enum(['fail', 'keep'], { description: 'What happens to rows that were changed since: `fail` refuses all. Default `fail`.' }),
      ),
      by: By,
    },
    { additionalProperties: false },
  ),
  Type.Null(),
])

export const ReplayRestoreBody = Type.Union([
  Type.Object(
    {
      policy: Type.Optional(Type.Enum(['overwrite', 'skip', 'fail', 'newer-version-wins'], { description: 'Default: as in the restore' })),
      causes: Type.Optional(
        Type.Array(Type.Enum(['missing-parent', 'unique-clash', 'validation', 'schema', 'permission', 'transient']), {
          minItems: 1,
          maxItems: 6,
          description: 'Only those that failed for this',
        }),
      ),
      continueOnError: ContinueOnError,
      undo: Type.Optional(Type.Boolean({ description: 'Keep what it takes to undo it. Default true.' })),
      by: By,
    },
    { additionalProperties: false },
  ),
  Type.Null(),
])

export const RestoreHistoryQuery = Type.Object(
  { ...scopeMember, limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, description: 'Default 100' })) },
  { additionalProperties: false },
)

export const RestoreHistorySchema = Type.Object({ restores: Type.Array(schemaOf<NonNullable<RestoreView['result']>>()(ResultSchema)) })

export const NamedRestoreListSchema = Type.Object({
  restores: Type.Array(Type.Object({ id: Type.String(), description: Type.String(), plan: Type.String() })),
})

export const NamedRestoreParams = Type.Object({ name: PlanId }, { additionalProperties: false })

/** What is said of a named restore each time. */
export const NamedRestoreProperties = {
  at: Type.Optional(
    Type.String({ minLength: 10, maxLength: 40, description: 'ISO 8601: the newest snapshot whose state is not younger. Default: the newest.' }),
  ),
  by: By,
}

export const StartNamedRestoreBody = Type.Object(
  {
    ...NamedRestoreProperties,
    dryRun: Type.Optional(Type.Boolean({ description: 'Compare and report, and write nothing. Default false.' })),
    confirm: Type.Optional(Type.String({ maxLength: 63, description: 'The name of the restore once more. Required unless it is a dry run.' })),
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
