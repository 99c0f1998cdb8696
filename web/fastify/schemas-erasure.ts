import { Type } from 'typebox'
import type { ErasureReport, IErasureService } from '../../src/service/index.ts'
import { By, Count, Names, Nullable, PlanId, schemaOf, scopeMember, Time, Uuid } from './schemas.ts'

type ErasureEntry = Awaited<ReturnType<IErasureService['list']>>[number]

const Name = Type.String({ minLength: 1, maxLength: 512 })
const Flag = (description: string) => Type.Optional(Type.Boolean({ description }))

export const ErasureListQuery = Type.Object(scopeMember, { additionalProperties: false })

export const EraseBody = Type.Object(
  {
    entity: Name,
    key: Type.Any({ description: 'A value; of a key of several fields a list in key order, or an object; bytes as {"blob": base64}' }),
    store: Type.Optional(Name),
    reason: Type.Optional(Type.String({ minLength: 1, maxLength: 1000, description: 'A ticket, never the person: it is kept' })),
    by: By,
    rewrite: Flag('Also put snapshots without it in the place of those that hold it. Default false'),
    dryRun: Flag('With `rewrite`: only say which snapshots hold how much. Default false'),
    keepHeld: Flag('With `rewrite`: leave snapshots that are held as they are. Default false: refused'),
    confirm: Type.Optional(Type.String({ description: 'The entity once more; needed unless `dryRun`' })),
  },
  { additionalProperties: false },
)

const Rewrite = Type.Object({
  dryRun: Type.Boolean(),
  looked: Count,
  snapshots: Type.Array(
    Type.Object({
      id: Uuid,
      replacement: Nullable(Uuid),
      bucket: Type.String(),
      planId: PlanId,
      series: Type.String(),
      viewAt: Time,
      records: Type.Array(Type.Object({ store: Type.String(), entity: Type.String(), records: Count })),
    }),
  ),
  retained: Type.Array(Type.Object({ id: Uuid, bucket: Type.String(), holds: Names })),
  condemned: Nullable(Count),
  buckets: Type.Array(
    Type.Object({
      bucket: Type.String(),
      keepsVersions: Nullable(Type.Boolean()),
      objectLock: Nullable(Type.Boolean()),
      retention: Nullable(Type.String()),
    }),
  ),
  unfinished: Names,
  restores: Names,
})

export const ErasureSchema = schemaOf<ErasureReport>()(
  Type.Object({
    id: Nullable(Uuid),
    at: Time,
    store: Type.String(),
    entity: Type.String(),
    buckets: Names,
    found: Type.Object({ snapshots: Names, unread: Names, looked: Count }),
    hidden: Type.String(),
    remains: Names,
    rewrite: Nullable(Rewrite),
  }),
)

/** Whose record an entry is, its keyed hash does not tell; it stays away from the wire all the same. */
export type ErasureListEntry = Omit<ErasureEntry, 'subject'>

export const ErasureListSchema = schemaOf<{ readonly erasures: readonly ErasureListEntry[] }>()(
  Type.Object({
    erasures: Type.Array(
      Type.Object({
        id: Uuid,
        at: Time,
        store: Type.String(),
        entity: Type.String(),
        table: Type.String(),
        by: Nullable(Type.String()),
        reason: Nullable(Type.String()),
      }),
    ),
  }),
)
