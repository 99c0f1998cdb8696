import { Type } from 'typebox'
import { createCheck } from './checked-schema.ts'
import {
  BareRangeSchema,
  EvidenceSchema,
  KeyRangeSchema,
  LineageSchema,
  MetadataSchema,
  ScopeSchema,
  Sha256Schema,
  SnapshotKindSchema,
  TriggerSchema,
  UuidSchema,
} from './manifest-schema.ts'
import { MAX_ATTEMPT, MAX_JOURNAL } from './object-names.ts'
import type { AttemptRecord, JournalEntry, SessionRecord } from './session-log.ts'

const Owner = { store: Type.String(), entity: Type.String() }
const AttemptNumber = Type.Integer({ minimum: 1, maximum: MAX_ATTEMPT })

export const checkSession = createCheck<SessionRecord>()(
  Type.Object({
    sessionId: UuidSchema,
    planId: Type.String(),
    planDigest: Sha256Schema,
    scope: ScopeSchema,
    tenant: Type.Optional(Type.String()),
    series: Type.String(),
    kind: SnapshotKindSchema,
    parent: Type.Union([UuidSchema, Type.Null()]),
    kindReason: Type.Optional(Type.String()),
    lineage: Type.Optional(LineageSchema),
    startedAt: Type.String(),
    trigger: TriggerSchema,
    metadata: MetadataSchema,
  }),
)

export const checkAttempt = createCheck<AttemptRecord>()(
  Type.Object({ n: AttemptNumber, host: Type.String(), pid: Type.Integer({ minimum: 0 }), startedAt: Type.String(), nonce: UuidSchema }),
)

export const checkJournalEntry = createCheck<JournalEntry>()(
  Type.Object({
    n: Type.Integer({ minimum: 1, maximum: MAX_JOURNAL }),
    attempt: AttemptNumber,
    type: Type.Enum(['chunks', 'paused', 'cancelled', 'failed', 'final', 'heartbeat']),
    cuts: Type.Optional(Type.Array(Type.Object({ ...Owner, range: KeyRangeSchema, schema: Sha256Schema }))),
    ranges: Type.Optional(Type.Array(Type.Object({ ...Owner, bucket: Type.String(), range: BareRangeSchema, evidence: EvidenceSchema, schema: Sha256Schema }))),
    note: Type.Optional(Type.String()),
    at: Type.String(),
  }),
)
