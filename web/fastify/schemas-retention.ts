import { Type } from 'typebox'
import type { IBackupDiscoveryService } from '../../src/service/index.ts'
import { By, Names, Nullable, PlanId, schemaOf, scopeMember, Time, Uuid } from './schemas.ts'

type RetainReport = Awaited<ReturnType<IBackupDiscoveryService['retain']>>
type Hold = Awaited<ReturnType<IBackupDiscoveryService['hold']>>

const Places = Type.Integer({ minimum: -1, maximum: 1_000_000, description: '-1: all' })
const Units = Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000_000 }))
const Span = Type.Object({ years: Units, months: Units, weeks: Units, days: Units, hours: Units }, { additionalProperties: false })

/** Of a retention, all that is data. */
export const Rules = {
  last: Type.Optional(Places),
  hourly: Type.Optional(Places),
  daily: Type.Optional(Places),
  weekly: Type.Optional(Places),
  monthly: Type.Optional(Places),
  yearly: Type.Optional(Places),
  within: Type.Optional(Span),
  tagged: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 4300 }), { minItems: 1, maxItems: 64 })),
  maxAge: Type.Optional(Span),
  maxCount: Type.Optional(Type.Integer({ minimum: 1 })),
  maxBytes: Type.Optional(Type.Integer({ minimum: 1 })),
  zone: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
}

export const RetainBody = Type.Object(
  {
    keep: Type.Object(
      {
        ...Rules,
      },
      { additionalProperties: false, description: 'What stays of each series' },
    ),
    plan: Type.Optional(PlanId),
    dryRun: Type.Optional(Type.Boolean({ description: 'Only say what would be deleted. Default false' })),
    allowMoreThanHalf: Type.Optional(Type.Boolean({ description: 'Also when more than half of a series would go. Default false' })),
    by: By,
  },
  { additionalProperties: false },
)

const Told = Type.Array(
  Type.Object({ id: Uuid, viewAt: Time, reasons: Names, limit: Nullable(Type.Enum(['maxAge', 'maxCount', 'maxBytes'], { description: 'By which it goes' })) }),
)

export const RetainSchema = schemaOf<RetainReport>()(
  Type.Object({
    dryRun: Type.Boolean(),
    refused: Nullable(Type.String({ description: 'Why it would be refused; of a dry run only' })),
    series: Type.Array(
      Type.Object({ bucket: Type.String(), scope: Nullable(Type.String()), plan: Type.String(), series: Type.String(), kept: Told, deleted: Told }),
    ),
  }),
)

export const HoldSchema = schemaOf<Hold>()(Type.Object({ holdId: Uuid, snapshotId: Uuid, reason: Type.String(), at: Time }))

export const ReleaseBody = Type.Union([Type.Object({ by: By }, { additionalProperties: false }), Type.Null()])

export const HoldListSchema = Type.Object({ holds: Type.Array(HoldSchema) })

export const HoldListQuery = Type.Object({ ...scopeMember, snapshot: Type.Optional(Uuid) }, { additionalProperties: false })

export const HoldBody = Type.Object(
  { reason: Type.String({ minLength: 1, maxLength: 1000, pattern: '\\S', description: 'Shown to whoever may list holds' }) },
  { additionalProperties: false },
)
