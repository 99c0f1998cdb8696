import { HoldfastError, isHoldfastError } from '../../../../src/kernel/errors.ts'
import type { MysqlEntity } from '../catalog.ts'
import { type ForeignKeyFacts, readColumns, readForeignKeys, readUniques, type TableName, type UniqueFacts } from '../catalog-facts.ts'
import { quoteLiteral, quoteTable } from '../quote.ts'
import type { MysqlServer } from '../server.ts'
import { sameName } from '../table-facts.ts'
import type { ForeignKey, LiveTable, Trigger } from './live-table.ts'
import type { TargetStatements } from './target-session.ts'

/** Reads from the catalog what writing to the tables of `entities` touches. */
export async function readLiveTables(statements: TargetStatements, server: MysqlServer, entities: readonly MysqlEntity[]): Promise<readonly LiveTable[]> {
  if (entities.length === 0) return []
  const { client } = statements
  const columns = await readColumns(client, entities)
  const uniques = await readUniques(client, entities)
  const keys = (await readForeignKeys(client, entities)).map((key) => foreignKey(key, server))
  const incoming = await readIncoming(statements, server, entities)
  const triggers = await readTriggers(statements, entities)
  return entities.map((entity) => {
    const own = <T extends TableName>(facts: readonly T[]) => facts.filter(({ schema, table }) => schema === entity.schema && table === entity.table)
    const table = tableId(entity, server)
    const names = entity.key.map(({ column }) => column)
    const holdsKey = ({ columns: indexed }: UniqueFacts) => names.every((name) => indexed.some((part) => sameName(part.name, name)))
    const indexes = own(uniques)
    return {
      entity: entity.descriptor,
      own: entity.scope?.live ?? null,
      mapped: entity.columns,
      table,
      engine: entity.engine,
      versioned: entity.versioned,
      columnsFingerprint: entity.columnsFingerprint,
      columns: own(columns).map(({ name, fullType, charset, collation, notNull, default: byDefault, generated, autoIncrement, extra }) => ({
        name,
        holds: `${fullType} ${charset ?? ''} ${collation ?? ''}`,
        notNull,
        optional: byDefault !== null || generated || autoIncrement || !notNull,
        generated,
        touched: /on update/i.test(extra),
      })),
      key: entity.key,
      keyIndex: keyIndexOf(
        entity,
        indexes.filter((index) => holdsKey(index) && index.columns.length === names.length),
      ),
      uniques: indexes.filter((index) => !holdsKey(index)),
      references: keys.filter(({ childTable }) => childTable === table),
      referencedBy: incoming.filter(({ parentTable }) => parentTable === table),
      triggers: own(triggers).map(({ name, event }) => ({ name, event })),
    }
  })
}

/** One without prefixes where there is one: it says the same of fewer rows. */
function keyIndexOf({ descriptor }: MysqlEntity, candidates: readonly UniqueFacts[]): UniqueFacts {
  const index = candidates.find(({ columns }) => columns.every(({ prefix }) => !prefix)) ?? candidates[0]
  if (!index) throw new HoldfastError('E_RESTORE_MOVED', `the unique index of the key of ${descriptor.name} is gone`)
  return index
}

/** Names of tables that differ in case only are one name on some servers. */
function tableId({ schema, table }: TableName, { foldsTableNames }: MysqlServer): string {
  return foldsTableNames ? quoteTable(schema.toLowerCase(), table.toLowerCase()) : quoteTable(schema, table)
}

const foreignKey = ({ name, schema, table, columns, targetSchema, targetTable, targetColumns }: ForeignKeyFacts, server: MysqlServer): ForeignKey => ({
  name,
  childTable: tableId({ schema, table }, server),
  childColumns: columns,
  parentTable: tableId({ schema: targetSchema, table: targetTable }, server),
  parentColumns: targetColumns,
})

/** Foreign keys that point at these tables. */
async function readIncoming(statements: TargetStatements, server: MysqlServer, entities: readonly MysqlEntity[]): Promise<readonly ForeignKey[]> {
  const wanted = entities.map(({ schema, table }) => `(REFERENCED_TABLE_SCHEMA = ${quoteLiteral(schema)} AND REFERENCED_TABLE_NAME = ${quoteLiteral(table)})`)
  const children: TableName[] = []
  for (const place of await childPlaces(statements, server, entities)) {
    const rows = await statements.rows(
      'reading who refers to the tables',
      `SELECT DISTINCT TABLE_SCHEMA AS s, TABLE_NAME AS t FROM information_schema.KEY_COLUMN_USAGE WHERE ${place} AND (${wanted.join(' OR ')})`,
    )
    children.push(...rows.map(({ s, t }) => ({ schema: s ?? '', table: t ?? '' })))
  }
  return (await readForeignKeys(statements.client, children)).map((key) => foreignKey(key, server))
}

/**
 * Where such tables may stand, as conditions. MySQL looks them up. MariaDB opens every table and view of the databases that it is asked about, and has crashed of those of `sys`: so only
 * the databases at hand are asked about, and those whose foreign keys InnoDB says point there, where the user may know.
 */
async function childPlaces(statements: TargetStatements, server: MysqlServer, entities: readonly MysqlEntity[]): Promise<readonly string[]> {
  if (server.flavour === 'mysql') return ['TRUE']
  const own = [...new Set([server.database, ...entities.map(({ schema }) => schema)])]
  const others = await statements
    .rows(
      'reading which databases refer to these',
      `SELECT DISTINCT SUBSTRING_INDEX(FOR_NAME, '/', 1) AS s FROM information_schema.INNODB_SYS_FOREIGN WHERE SUBSTRING_INDEX(REF_NAME, '/', 1) IN (${own.map(quoteLiteral).join(', ')})`,
    )
    .catch((error: unknown) => {
      if (isHoldfastError(error, 'E_PERMISSION')) return []
      throw error
    })
  return [...new Set([...own, ...others.flatMap(({ s }) => s ?? [])])].map((schema) => `TABLE_SCHEMA = ${quoteLiteral(schema)}`)
}

/** One database after the other: only so does the server look at no tables but these. */
async function readTriggers(statements: TargetStatements, entities: readonly MysqlEntity[]): Promise<readonly (Trigger & TableName)[]> {
  const triggers: (Trigger & TableName)[] = []
  for (const schema of new Set(entities.map((entity) => entity.schema))) {
    const tables = entities.filter((entity) => entity.schema === schema).map(({ table }) => quoteLiteral(table))
    const rows = await statements.rows(
      'reading the triggers',
      `SELECT EVENT_OBJECT_SCHEMA AS s, EVENT_OBJECT_TABLE AS t, TRIGGER_NAME AS name, EVENT_MANIPULATION AS event FROM information_schema.TRIGGERS
       WHERE EVENT_OBJECT_SCHEMA = ${quoteLiteral(schema)} AND EVENT_OBJECT_TABLE IN (${tables.join(', ')}) ORDER BY TRIGGER_NAME`,
    )
    triggers.push(...rows.map(({ s, t, name, event }) => ({ schema: s ?? '', table: t ?? '', name: name ?? '', event: event ?? '' })))
  }
  return triggers
}
