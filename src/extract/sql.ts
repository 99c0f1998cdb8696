import type { Manifest } from '../archive/index.ts'
import type { EntityDescriptor, FieldDescriptor, ReferenceDescriptor } from '../contracts/entity-descriptor.ts'
import type { AbortableOptions } from '../kernel/abort.ts'
import { HoldfastError } from '../kernel/errors.ts'
import { referenceOrder } from '../record/index.ts'
import type { ExtractedEntity } from './extracted-entity.ts'
import { recordTexts } from './record-texts.ts'
import { type SqlDialect, sqlDialect } from './sql-dialect.ts'

/** Rows of one INSERT, and bytes from which on it has no more: servers bound both. */
const ROWS = 100
const STATEMENT_BYTES = 512 * 1024

interface Table {
  readonly extracted: ExtractedEntity
  readonly record: EntityDescriptor
  /** Columns of references to tables whose rows come later: NULL at first, and set when all rows are there. */
  readonly later: ReadonlySet<string>
}

/**
 * One script for the store of the entities: settings, one transaction, rows of parents before those of children, at the end what gives new keys. References that lead in a circle, or to rows
 * of the same table, are NULL at first and set afterwards where the column may be NULL; where it may not, they are left to a check at the end.
 *
 * @throws `E_DIALECT`; `E_CONFIG` when a column that must have a value is not shown
 */
export async function* sqlOf(
  entities: readonly ExtractedEntity[],
  manifest: Manifest,
  options: AbortableOptions,
): AsyncGenerator<{ text: string; records: number }> {
  const store = manifest.stores.find(({ name }) => name === entities[0]?.entity.descriptor.store)
  if (!store) return
  const dialect = sqlDialect(store.source.dialect)
  for (const extracted of entities) assertShown(extracted)
  const ordered = insertOrder(entities)
  const position = new Map(ordered.map(({ record }, at) => [record.name, at]))
  const isLater = ({ name }: EntityDescriptor, { entity, when }: ReferenceDescriptor) =>
    when === undefined && entity !== undefined && position.has(entity) && position.get(entity)! >= position.get(name)!
  let deferred = false
  const tables = ordered.map(({ extracted, record }): Table => {
    const later = new Set<string>()
    for (const reference of record.references.filter((one) => isLater(record, one))) {
      const free = freeField(record, reference)
      if (free) later.add(free.path)
      else deferred = true
    }
    return { extracted, record, later }
  })

  yield { text: head(manifest, store.source.dialect, entities), records: 0 }
  yield { text: dialect.begin(deferred), records: 0 }
  for (const table of tables) yield* inserts(table, dialect, options)
  for (const table of tables) if (table.later.size > 0) yield* updates(table, dialect, options)
  for (const { record } of tables) {
    for (const field of record.fields) {
      const saved = store.sequences.find((one) => one.entity === record.name && one.field === field.path)
      yield { text: dialect.advance(record, field, saved?.lastValue ?? null), records: 0 }
    }
  }
  yield { text: dialect.commit, records: 0 }
}

/** Parents first; where references lead in a circle, it is cut open at one that may be NULL. */
function insertOrder(entities: readonly ExtractedEntity[]): readonly { readonly extracted: ExtractedEntity; readonly record: EntityDescriptor }[] {
  const byAll = referenceOrder(entities.map((extracted) => ({ extracted, record: extracted.entity.descriptor })))
  const firm = byAll.map(({ extracted, record }) => ({
    extracted,
    record: { ...record, references: record.references.filter((one) => !freeField(record, one)) },
  }))
  return referenceOrder(firm).map(({ extracted }) => ({ extracted, record: extracted.entity.descriptor }))
}

/** A column of the reference that may be NULL at first: without it there is nothing to check. */
function freeField(record: EntityDescriptor, { fields }: ReferenceDescriptor): FieldDescriptor | undefined {
  return record.fields.find((field) => fields.includes(field.path) && field.nullable && !record.key.includes(field.path) && field.generation !== 'computed')
}

/** What is computed is computed again; what is not shown is left out. */
function written({ extracted: { hidden }, record }: Pick<Table, 'extracted' | 'record'>): readonly number[] {
  return record.fields.flatMap((field, at) => (field.generation === 'computed' || hidden.has(field.path) ? [] : [at]))
}

async function* inserts(table: Table, dialect: SqlDialect, options: AbortableOptions): AsyncGenerator<{ text: string; records: number }> {
  const { record, extracted, later } = table
  const columns = written(table)
  const literals = columns.map((at) => literalOf(dialect, record.fields[at]!, later))
  const names = columns.map((at) => dialect.quoteName(record.fields[at]!.column)).join(', ')
  const begin = `INSERT INTO ${dialect.tableName(record)} (${names})${dialect.overriding(record)} VALUES\n`
  let any = false
  let rows = 0
  let bytes = 0
  const texts = recordTexts(
    record,
    extracted.lines(options),
    (tokens) => {
      const fresh = rows === 0 || rows === ROWS || bytes > STATEMENT_BYTES
      const before = fresh ? `${any ? ';\n' : ''}${begin}` : ',\n'
      const text = `${before}(${columns.map((at, n) => literals[n]!(tokens[at]!)).join(', ')})`
      rows = fresh ? 1 : rows + 1
      bytes = fresh ? text.length : bytes + text.length
      any = true
      return text
    },
    options,
  )
  yield* texts
  if (any) yield { text: ';\n', records: 0 }
}

function literalOf(dialect: SqlDialect, field: FieldDescriptor, later: ReadonlySet<string>): (token: string) => string {
  if (later.has(field.path)) return () => 'NULL'
  const literal = dialect.literal(field)
  return (token) => (token === 'null' ? 'NULL' : literal(token))
}

async function* updates(
  { record, extracted, later }: Table,
  dialect: SqlDialect,
  options: AbortableOptions,
): AsyncGenerator<{ text: string; records: number }> {
  const none = new Set<string>()
  const setting = record.fields.flatMap((field, at) =>
    later.has(field.path) && !extracted.hidden.has(field.path) ? [{ field, at, literal: literalOf(dialect, field, none) }] : [],
  )
  const key = record.key.map((path) => {
    const at = record.fields.findIndex((field) => field.path === path)
    return { field: record.fields[at]!, at, literal: literalOf(dialect, record.fields[at]!, none) }
  })
  const assign = (parts: readonly (typeof key)[number][], tokens: readonly string[]) =>
    parts.map(({ field, at, literal }) => `${dialect.quoteName(field.column)} = ${literal(tokens[at]!)}`)
  const texts = recordTexts(
    record,
    extracted.lines(options),
    (tokens) => {
      const set = setting.filter(({ at }) => tokens[at] !== 'null')
      return set.length === 0 ? '' : `UPDATE ${dialect.tableName(record)} SET ${assign(set, tokens).join(', ')} WHERE ${assign(key, tokens).join(' AND ')};\n`
    },
    options,
  )
  for await (const { text } of texts) if (text !== '') yield { text, records: 0 }
}

/** A column that must have a value cannot be left out, and nothing stands for a value that is not shown. */
function assertShown({ entity: { descriptor }, hidden }: ExtractedEntity): void {
  const needed = descriptor.fields.filter((field) => hidden.has(field.path) && (descriptor.key.includes(field.path) || (!field.nullable && !field.optional)))
  if (needed.length === 0) return
  throw new HoldfastError('E_CONFIG', `${descriptor.name} cannot be inserted without ${needed.map(({ path }) => path).join(', ')}, which is sensitive`, {
    hint: 'Leave the entity out (`entities`), or say that sensitive values may be shown: `revealSensitive: true`, `--reveal-sensitive`.',
    details: { entity: descriptor.name, fields: needed.map(({ path }) => path) },
  })
}

function head({ snapshotId, times }: Manifest, dialect: string, entities: readonly ExtractedEntity[]): string {
  const comment = (text: string) => `-- ${text.replaceAll(/[\r\n]/g, ' ')}\n`
  const left = entities.flatMap(({ entity, hidden }) => [...hidden].map((path) => `${entity.descriptor.name}.${path}`))
  return [
    comment(`Records of the snapshot ${snapshotId}, as of ${times.viewAt}, for ${dialect}. The tables must be there; triggers fire.`),
    ...(left.length === 0 ? [] : [comment(`Sensitive and left out: ${left.join(', ')}`)]),
  ].join('')
}
