import { type Static, type TSchema, Type } from 'typebox'
import { createCheck } from './checked-schema.ts'
import type { Manifest, RangeEntry } from './manifest.ts'

const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })
const Nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()])
const Strings = Type.Array(Type.String())
const KeyText = Type.String({ pattern: '^\\[[^\\n]+\\]$' })
const Level = Type.Enum(['snapshot', 'entity', 'fuzzy'])

export const Sha256Schema = Type.String({ pattern: '^[0-9a-f]{64}$' })
export const UuidSchema = Type.String({ pattern: '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$' })
export const ScopeSchema = Nullable(Type.String({ pattern: '^[A-Za-z0-9_][A-Za-z0-9_-]{0,127}$' }))
export const SnapshotKindSchema = Type.Enum(['full', 'incremental', 'differential'])
export const TriggerSchema = Type.Enum(['manual', 'automatic'])
export const MetadataSchema = Type.Record(Type.String(), Type.String())
export const EvidenceSchema = Type.Object({ method: Type.String(), values: Type.Record(Type.String(), Type.String()) })

export const LineageSchema = Type.Object({ full: UuidSchema, fullAt: Type.String(), distance: Count })

/** JSON values as they stand in lines. */
const ValueSchema = Nullable(Type.String({ minLength: 1, pattern: '^[^\\n]+$' }))

const ChunkRefSchema = Type.Object({
  name: Type.String({ pattern: '^[0-9a-f]{64}(\\.[1-9][0-9]{0,3})?$' }),
  kind: Type.Enum(['base', 'delta']),
  sha256: Sha256Schema,
  rows: Count,
  plainBytes: Count,
  storedBytes: Count,
  storedSha256: Sha256Schema,
  index: Type.Object({ storedBytes: Count, storedSha256: Sha256Schema }),
  deletes: Type.Optional(Count),
  anchors: Type.Optional(Count),
  references: Type.Optional(Type.Array(Type.Object({ field: Type.String(), least: ValueSchema, greatest: ValueSchema }))),
  key: Type.Optional(Type.String({ pattern: '^[0-9a-f]{16}$' })),
})

const RangeFields = {
  from: Nullable(KeyText),
  to: Nullable(KeyText),
  rows: Count,
  sha256: Nullable(Sha256Schema),
  digest: Type.Optional(Type.String()),
  firstKey: Nullable(KeyText),
  lastKey: Nullable(KeyText),
  layers: Type.Array(ChunkRefSchema),
}
export const KeyRangeSchema = Type.Object({ from: Nullable(KeyText), to: Nullable(KeyText) })
/** A range as the journal has it, its evidence beside it. */
export const BareRangeSchema = Type.Object(RangeFields)
const RangeSchema = Type.Object({ ...RangeFields, evidence: Count })

const FieldTypeSchema = Type.Cyclic(
  {
    FieldType: Type.Union([
      Type.Object({ kind: Type.Enum(['int', 'bigint', 'decimal', 'float', 'boolean', 'timestamp', 'bytes', 'jsonb', 'text']) }),
      Type.Object({ kind: Type.Literal('array'), element: Type.Ref('FieldType'), delimiter: Type.String() }),
      Type.Object({ kind: Type.Literal('dynamic'), affinity: Type.Enum(['integer', 'real', 'numeric', 'text', 'blob']) }),
    ]),
  },
  'FieldType',
)

const FieldSchema = Type.Object({
  path: Type.String(),
  column: Type.String(),
  sensitive: Type.Optional(Type.Boolean()),
  type: FieldTypeSchema,
  dbType: Type.String(),
  nullable: Type.Boolean(),
  optional: Type.Boolean(),
  generation: Type.Optional(Type.Enum(['computed', 'identity-always', 'identity'])),
})

const DescriptorSchema = Type.Object({
  store: Type.String(),
  name: Type.String(),
  kind: Type.Enum(['entity', 'junction', 'closure']),
  schema: Type.Optional(Type.String()),
  table: Type.String(),
  fields: Type.Array(FieldSchema, { minItems: 1 }),
  key: Type.Array(Type.String(), { minItems: 1 }),
  references: Type.Array(
    Type.Object({
      fields: Strings,
      entity: Type.Optional(Type.String()),
      schema: Type.Optional(Type.String()),
      table: Type.String(),
      columns: Strings,
      when: Type.Optional(Type.Object({ field: Type.String(), values: Strings })),
    }),
  ),
  uniques: Type.Array(Strings),
  version: Type.Optional(Type.String()),
  updatedAt: Type.Optional(Type.String()),
  createdAt: Type.Optional(Type.String()),
  deletedAt: Type.Optional(Type.String()),
  discriminator: Type.Optional(Type.Object({ field: Type.String(), values: Strings })),
  inherits: Type.Optional(Type.String()),
})

const EntityFields = {
  descriptor: DescriptorSchema,
  bucket: Type.String(),
  rows: Count,
  plainBytes: Count,
  storedBytes: Count,
  change: Type.Object({ method: Type.String(), evidence: Type.Array(EvidenceSchema), schema: Type.Optional(Sha256Schema), reused: Count, read: Count }),
  sensitive: Strings,
  ignored: Strings,
  owner: Type.Optional(
    Type.Object({ path: Type.Array(Type.Object({ fields: Strings, entity: Type.String(), references: Strings }), { maxItems: 64 }), field: Type.String() }),
  ),
  shared: Type.Optional(Type.Literal(true)),
}
const PageRefSchema = Type.Object({ page: Count, ranges: Count, storedBytes: Count, storedSha256: Sha256Schema })
/** Ranges stand in the manifest, or in pages beside it. */
const StoredEntitySchema = Type.Object({ ...EntityFields, ranges: Type.Optional(Type.Array(RangeSchema)), pages: Type.Optional(Type.Array(PageRefSchema)) })

const SequenceSchema = Type.Object({ entity: Type.String(), field: Type.String(), lastValue: Nullable(Type.String()) })
const StoreSchema = Type.Object({
  name: Type.String(),
  orm: Type.String(),
  source: Type.Object({ dialect: Type.String(), serverVersion: Type.String(), database: Type.String(), systemId: Type.Optional(Type.String()) }),
  consistency: Type.Object({ level: Level, method: Type.String(), point: Type.Optional(Type.String()), at: Type.String() }),
  migrations: Strings,
  sequences: Type.Array(SequenceSchema),
})

const HookSchema = Type.Object({
  hook: Type.Enum(['beforeBackup', 'afterBackup', 'beforeView', 'afterView', 'beforeRestore', 'afterRestore']),
  of: Type.Enum(['application', 'plan']),
  at: Type.String(),
  durationMs: Count,
  outcome: Type.Enum(['done', 'failed']),
  note: Type.Optional(Type.String()),
  error: Type.Optional(Type.String()),
})

const StoredManifestSchema = Type.Object({
  format: Type.Literal(1),
  requiredFeatures: Strings,
  repositoryId: UuidSchema,
  snapshotId: UuidSchema,
  plan: Type.Object({ id: Type.String(), digest: Type.String(), description: Type.String() }),
  series: Type.String(),
  kind: SnapshotKindSchema,
  parent: Nullable(UuidSchema),
  kindReason: Type.Optional(Type.String()),
  lineage: Type.Optional(LineageSchema),
  origin: Type.Optional(Type.Object({ repositoryId: UuidSchema })),
  replaces: Type.Optional(Type.Object({ snapshotId: UuidSchema, at: Type.String() })),
  scope: ScopeSchema,
  tenant: Type.Optional(Type.String()),
  times: Type.Object({ startedAt: Type.String(), viewAt: Type.String(), committedAt: Type.String() }),
  stores: Type.Array(StoreSchema),
  consistency: Type.Object({ level: Level, window: Type.Object({ from: Type.String(), to: Type.String() }), warnings: Strings }),
  schemaFingerprint: Sha256Schema,
  entities: Type.Array(StoredEntitySchema),
  totals: Type.Object({ entities: Count, rows: Count, plainBytes: Count, storedBytes: Count, chunks: Count }),
  trigger: TriggerSchema,
  metadata: MetadataSchema,
  hooks: Type.Optional(Type.Array(HookSchema, { maxItems: 1000 })),
  tool: Type.Object({ name: Type.Literal('holdfast'), version: Type.String() }),
})

const EntityPageSchema = Type.Object({ snapshotId: UuidSchema, page: Count, ranges: Type.Array(RangeSchema) })

export type PageRef = Static<typeof PageRefSchema>
export type StoredEntity = Omit<Manifest['entities'][number], 'ranges'> & { readonly ranges?: readonly RangeEntry[]; readonly pages?: readonly PageRef[] }
/** The manifest as it is stored. */
export type StoredManifest = Omit<Manifest, 'entities'> & { readonly entities: readonly StoredEntity[] }
export interface EntityPage {
  readonly snapshotId: string
  readonly page: number
  readonly ranges: readonly RangeEntry[]
}

export const checkStoredManifest = createCheck<StoredManifest>()(StoredManifestSchema)
export const checkEntityPage = createCheck<EntityPage>()(EntityPageSchema)
