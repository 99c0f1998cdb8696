import { Type } from 'typebox'
import type { BackupResult } from '../../src/export/index.ts'
import type { UnfinishedSession } from '../../src/service/index.ts'
import type { BackupState, BackupView, StartedBackup } from './backup-view.ts'
import { Count, ErrorSchema, HooksSchema, Names, Nullable, PlanId, schemaOf, Time, Uuid } from './schemas.ts'
import { PhaseSchema, ProgressSchema } from './schemas-progress.ts'

const Token = Type.String({ description: 'Continuation token: resumes the backup, in any process. Treat it as a secret.' })

const ResultSchema = schemaOf<BackupResult>()(
  Type.Object({
    snapshotId: Uuid,
    planId: Type.String(),
    kind: Type.Enum(['full', 'incremental', 'differential']),
    kindReason: Nullable(Type.String({ description: 'Why the kind is another one than was asked for' })),
    parent: Nullable(Uuid),
    startedAt: Time,
    viewAt: Time,
    committedAt: Time,
    consistency: Type.Enum(['snapshot', 'entity', 'fuzzy']),
    warnings: Names,
    entities: Type.Array(
      Type.Object({ store: Type.String(), entity: Type.String(), rows: Count, chunks: Count, reusedChunks: Count, plainBytes: Count, storedBytes: Count }),
    ),
    totals: Type.Object({ entities: Count, rows: Count, chunks: Count, plainBytes: Count, storedBytes: Count }),
    hooks: HooksSchema,
    durationMs: Type.Number(),
  }),
)

const StateSchema = schemaOf<BackupState>()(Type.Enum(['running', 'pausing', 'cancelling', 'done', 'paused', 'cancelled', 'failed', 'interrupted']))

const view = {
  id: Uuid,
  planId: Type.String(),
  state: StateSchema,
  progress: Nullable(ProgressSchema),
  result: Nullable(ResultSchema),
  error: Nullable(ErrorSchema),
}
export const BackupSchema = schemaOf<BackupView>()(Type.Object(view))
export const StartedBackupSchema = schemaOf<StartedBackup>()(Type.Object({ ...view, token: Token }))

export const BackupListSchema = Type.Object({
  backups: Type.Array(
    Type.Object({
      id: Uuid,
      planId: Type.String(),
      state: StateSchema,
      phase: PhaseSchema,
      percent: Type.Number(),
      records: Count,
      remainingMs: Nullable(Type.Number()),
    }),
  ),
})

const SourceBody = Type.Object(
  {
    maxRowsPerSecond: Type.Optional(Type.Integer({ minimum: 1 })),
    maxBytesPerSecond: Type.Optional(Type.Integer({ minimum: 1024 })),
    maxReplicationLagMs: Type.Optional(Type.Integer({ minimum: 100 })),
  },
  { additionalProperties: false, description: "How hard this run may lean on the databases; goes before the plan's policy." },
)

export const StartBackupBody = Type.Object(
  {
    plan: PlanId,
    kind: Type.Optional(
      Type.Enum(['full', 'incremental', 'differential', 'auto'], {
        description: 'What to read: all, or only what changed. Every kind gives a whole snapshot. Default auto.',
      }),
    ),
    series: Type.Optional(Type.String({ minLength: 1, maxLength: 128, description: "Names the snapshots that build on each other. Default the plan's id." })),
    source: Type.Optional(SourceBody),
    metadata: Type.Optional(
      Type.Record(Type.String(), Type.String({ maxLength: 4096 }), {
        maxProperties: 64,
        description: 'Kept in the snapshot as it is: who asked, why, a release number. No secrets.',
      }),
    ),
  },
  { additionalProperties: false },
)

export const IdempotencyHeaders = Type.Object({
  'idempotency-key': Type.Optional(
    Type.String({
      pattern: '^[\\x21-\\x7e]{1,255}$',
      description: 'A second request with the same key and body gives the session of the first, as long as this process lives.',
    }),
  ),
})

export const ResumeBackupBody = Type.Object(
  {
    token: Type.String({ minLength: 1, maxLength: 8192 }),
    takeover: Type.Optional(
      Type.Boolean({ description: 'Take the session over although another process seems to run it: only when you know that it is dead. Default false.' }),
    ),
    source: Type.Optional(SourceBody),
  },
  { additionalProperties: false },
)

export const PausedSchema = Type.Object({ id: Uuid, state: StateSchema, token: Token })

/** A session that can be resumed; its token only for callers who may. */
export type UnfinishedView = Omit<UnfinishedSession, 'token'> & Partial<Pick<UnfinishedSession, 'token'>>

const UnfinishedSchema = schemaOf<UnfinishedView>()(
  Type.Object({ id: Uuid, planId: Type.String(), startedAt: Time, state: Type.Enum(['running', 'paused', 'interrupted']), token: Type.Optional(Token) }),
)
export const UnfinishedListSchema = Type.Object({ sessions: Type.Array(UnfinishedSchema) })
