import { Type } from 'typebox'
import type { ProgressSnapshot } from '../../src/progress/index.ts'
import { Count, Names, Nullable, schemaOf, Time, Uuid } from './schemas.ts'

export const PhaseSchema = Type.Enum([
  'opening',
  'copying',
  'verifying',
  'committing',
  'validating',
  'staging',
  'comparing',
  'merging',
  'done',
  'paused',
  'cancelled',
  'partial',
  'failed',
])

export const ProgressSchema = schemaOf<ProgressSnapshot>()(
  Type.Object({
    operation: Type.Enum(['backup', 'restore']),
    id: Uuid,
    phase: PhaseSchema,
    percent: Type.Number({ minimum: 0, maximum: 100 }),
    records: Count,
    estimatedRecords: Count,
    plainBytes: Count,
    storedBytes: Count,
    recordsPerSecond: Type.Number(),
    plainBytesPerSecond: Type.Number(),
    storedBytesPerSecond: Type.Number(),
    elapsedMs: Type.Number(),
    remainingMs: Nullable(Type.Number()),
    waiting: Nullable(Type.String({ description: 'What reading waits for: source probe, replication lag' })),
    warnings: Names,
    at: Time,
    entities: Type.Array(
      Type.Object({
        store: Type.String(),
        entity: Type.String(),
        state: Type.Enum(['waiting', 'checking', 'working', 'done']),
        rows: Count,
        estimatedRows: Count,
        reusedRows: Count,
        bytes: Count,
      }),
    ),
  }),
)
