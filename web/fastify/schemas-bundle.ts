import { Type } from 'typebox'
import type { ImportReport } from '../../src/service/index.ts'
import { Count, schemaOf, scopeMember, Uuid } from './schemas.ts'

/** One, or several under the same name. */
const several = (item: ReturnType<typeof Type.String>, most: number, description: string) =>
  Type.Union([item, Type.Array(item, { minItems: 1, maxItems: most })], { description })

export const ExportBundleQuery = Type.Object(
  {
    ...scopeMember,
    format: Type.Optional(
      Type.Enum(['holdfast', 'ndjson', 'csv', 'sql'], {
        description:
          '`holdfast` (default): a bundle; `ndjson`: a line a record; `csv`: the records of one entity; `sql`: INSERT statements for the database that they are from',
      }),
    ),
    recipient: Type.Optional(
      several(
        Type.String({ pattern: '^holdfast-x25519:', maxLength: 200 }),
        8,
        'Public key of somebody who can open the bundle; may be given several times. Default: who opens the bucket',
      ),
    ),
    plain: Type.Optional(Type.Boolean({ description: 'Anybody may read it, although the bucket is encrypted' })),
    entity: Type.Optional(several(Type.String({ minLength: 1, maxLength: 300 }), 1000, 'Of text formats: only this one; may be given several times')),
    mask: Type.Optional(Type.Boolean({ description: 'Of text formats: replace sensitive values, as the server says' })),
    revealSensitive: Type.Optional(Type.Boolean({ description: 'Of text formats: give the values of sensitive fields, too' })),
  },
  { additionalProperties: false },
)

export const ImportBundleQuery = Type.Object(
  {
    ...scopeMember,
    format: Type.Optional(
      Type.Enum(['holdfast', 'ndjson'], { description: '`holdfast` (default): a bundle; `ndjson`: what an export with all values wrote, unchanged' }),
    ),
    bucket: Type.Optional(Type.String({ minLength: 1, maxLength: 200, description: 'Default: the bucket of its plan, or the only one' })),
    plain: Type.Optional(Type.Boolean({ description: 'Of a bundle: it is sealed and the bucket is not, and that is what is wanted' })),
  },
  { additionalProperties: false },
)

/** A file, as it is. */
const FILE = Type.String({ format: 'binary' })

export const BUNDLE_BODY = { description: 'The file, as it was exported', content: { 'application/octet-stream': { schema: FILE } } }

export const BUNDLE_RESPONSES = {
  200: {
    description: 'The file. A transfer that breaks off is of an export that failed: what came of it is not whole, and an import refuses it.',
    content: {
      'application/octet-stream': { schema: FILE },
      'application/x-ndjson': { schema: FILE },
      'text/csv': { schema: FILE },
      'application/sql': { schema: FILE },
    },
  },
} as const

export const ImportReportSchema = schemaOf<ImportReport>()(
  Type.Object({
    snapshotId: Uuid,
    planId: Type.String(),
    bucket: Type.String(),
    outcome: Type.Enum(['imported', 'present'], { description: '`present`: it was there already, and nothing was written' }),
    entities: Count,
    records: Count,
  }),
)
