import { Type } from 'typebox'
import type { IBackupDiscoveryService } from '../../src/service/index.ts'
import { Names, Nullable, schemaOf, scopeMember, Time, Uuid } from './schemas.ts'

type AuditEntries = Awaited<ReturnType<IBackupDiscoveryService['audit']>>

export const AuditQuery = Type.Object(
  { ...scopeMember, limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, description: 'Default 100' })) },
  { additionalProperties: false },
)

export const AuditSchema = schemaOf<{ readonly entries: AuditEntries }>()(
  Type.Object({
    entries: Type.Array(
      Type.Object({
        auditId: Uuid,
        act: Type.Enum(['snapshot-deleted', 'hold-released', 'pruned']),
        snapshots: Names,
        holdId: Nullable(Uuid),
        reason: Nullable(Type.String()),
        by: Nullable(Type.String()),
        at: Time,
      }),
    ),
  }),
)
