import { join } from 'node:path'
import libsql from 'libsql'
import mysql from 'mysql2'
import type { EntityDescriptor } from '../../../src/contracts/index.ts'
import type { ChinookDialect } from '../../fixtures/chinook/chinook-names.ts'
import { type DatabaseImage, mysqlImage, postgresImage, sqliteImage } from '../database-image.ts'
import { createMysqlDatabase } from '../mysql.ts'
import { createTestDatabase } from '../postgres.ts'
import { temporaryFolder } from '../temporary-folder.ts'

/** Names a table as SQL does. */
export interface TableName {
  readonly schema?: string
  readonly table: string
}

/** A database looked at and laid hands on with plain SQL, past any ORM and past Holdfast. */
export interface LiveDatabase {
  readonly dialect: ChinookDialect
  readonly location: string
  image(): Promise<DatabaseImage>
  /** Tables, columns, constraints, indexes, triggers and whether they are switched on, sequences' definitions. */
  schema(): Promise<unknown>
  /** Runs statements as a careless administrator does: foreign keys and triggers look away. */
  carelessly(...statements: readonly string[]): Promise<void>
  /** What changes when a row is written, whatever is written: by key. Null where the database has no such thing. */
  rowVersions(entity: EntityDescriptor): Promise<ReadonlyMap<string, string> | null>
  count(table: TableName, where?: string): Promise<number>
  /** Picks one row of a table, for WHERE: the first or last in no particular order. */
  one(table: TableName, which: 'first' | 'last', where?: string): string
  drop(): Promise<void>
}

export function createLiveDatabase(dialect: ChinookDialect): Promise<LiveDatabase> {
  return { postgres: livePostgres, sqlite: liveSqlite, mysql: liveMysql }[dialect]()
}

export function quoted({ schema, table }: TableName): string {
  return [...(schema ? [schema] : []), table].map(quoteColumn).join('.')
}

export function quoteColumn(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** An ORM's own book-keeping. */
const WITHOUT = { without: ['typeorm_metadata'] }

async function livePostgres(): Promise<LiveDatabase> {
  const database = await createTestDatabase()
  return {
    dialect: 'postgres',
    location: database.url,
    image: () => postgresImage(database, WITHOUT),
    schema: () =>
      database.query(`
        SELECT 'constraint' AS kind, conrelid::regclass::text AS "table", conname AS name, concat_ws(' ', pg_get_constraintdef(oid), convalidated, condeferrable, condeferred) AS definition
          FROM pg_constraint WHERE conrelid <> 0 AND connamespace::regnamespace::text NOT LIKE 'pg\\_%' AND connamespace::regnamespace::text <> 'information_schema'
        UNION ALL SELECT 'trigger', tgrelid::regclass::text, CASE WHEN tgisinternal THEN concat(tgfoid::regproc, (SELECT conname FROM pg_constraint k WHERE k.oid = tgconstraint)) ELSE tgname END, concat_ws(' ', tgenabled, tgdeferrable) FROM pg_trigger
        UNION ALL SELECT 'column', attrelid::regclass::text, attname, concat_ws(' ', format_type(atttypid, atttypmod), attnotnull, attidentity, attgenerated)
          FROM pg_attribute JOIN pg_class c ON c.oid = attrelid WHERE attnum > 0 AND NOT attisdropped AND relkind IN ('r', 'p') AND relnamespace::regnamespace::text NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
        UNION ALL SELECT 'index', indexrelid::regclass::text, '', concat_ws(' ', pg_get_indexdef(indexrelid), indisvalid, indisready) FROM pg_index JOIN pg_class c ON c.oid = indexrelid
          WHERE relnamespace::regnamespace::text NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
        UNION ALL SELECT 'schema', nspname, '', '' FROM pg_namespace WHERE nspname NOT LIKE 'pg\\_temp%' AND nspname NOT LIKE 'pg\\_toast\\_temp%'
        ORDER BY 1, 2, 3, 4`),
    carelessly: async (...statements) => {
      await database.query(['BEGIN', "SET LOCAL session_replication_role = 'replica'", ...statements, 'COMMIT'].join(';\n'))
    },
    async rowVersions(entity) {
      const key = entity.key.map((path) => `${quoteColumn(entity.fields.find((field) => field.path === path)!.column)}::text`)
      const rows = await database.query<{ key: string; version: string }>(
        `SELECT array[${key.join(', ')}]::text AS key, xmin || ' ' || ctid AS version FROM ${quoted(entity)}`,
      )
      return new Map(rows.map((row) => [row.key, row.version]))
    },
    async count(table, where = 'true') {
      const [row] = await database.query<{ rows: number }>(`SELECT count(*)::int AS rows FROM ${quoted(table)} WHERE ${where}`)
      return row!.rows
    },
    one: (table, which, where = 'true') => `ctid = (SELECT ${which === 'first' ? 'min' : 'max'}(ctid) FROM ${quoted(table)} WHERE ${where})`,
    drop: () => database.drop(),
  }
}

async function liveSqlite(): Promise<LiveDatabase> {
  const folder = temporaryFolder()
  const location = join(folder.path, 'live.db')
  const using = <T>(work: (database: libsql.Database) => T): T => {
    const database = new libsql(location)
    try {
      database.exec('PRAGMA busy_timeout = 5000')
      return work(database)
    } finally {
      database.close()
    }
  }
  return {
    dialect: 'sqlite',
    location,
    image: async () => sqliteImage(location, WITHOUT),
    schema: async () => using((database) => database.prepare('SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY 1, 2').all()),
    carelessly: async (...statements) => using((database) => void database.exec(['PRAGMA foreign_keys = OFF', ...statements].join(';\n'))),
    rowVersions: async () => null,
    count: async (table, where = 'true') =>
      using((database) => (database.prepare(`SELECT count(*) AS rows FROM ${quoted(table)} WHERE ${where}`).get() as { rows: number }).rows),
    one: (table, which, where = 'true') => `rowid = (SELECT ${which === 'first' ? 'min' : 'max'}(rowid) FROM ${quoted(table)} WHERE ${where})`,
    drop: async () => folder.remove(),
  }
}

async function liveMysql(): Promise<LiveDatabase> {
  const database = await createMysqlDatabase()
  const pool = mysql.createPool({ uri: database.url, connectionLimit: 2, multipleStatements: true })
  // Names and texts are put together here as they are in the other databases.
  pool.on('connection', (connection) => connection.query(`SET SESSION sql_mode = CONCAT(@@sql_mode, ',ANSI_QUOTES,PIPES_AS_CONCAT')`))
  const run = <T>(sql: string) => new Promise<T>((resolve, reject) => pool.query(sql, (error, rows) => (error ? reject(error) : resolve(rows as T))))
  return {
    dialect: 'mysql',
    location: database.url,
    image: () => mysqlImage(database, WITHOUT),
    async schema() {
      const tables = await database.query<{ t: string }>(`SELECT TABLE_NAME AS t FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() ORDER BY 1`)
      const made: string[] = []
      for (const { t } of tables) {
        const [row] = await database.query<Record<string, string>>(`SHOW CREATE TABLE \`${t}\``)
        // The counter goes on with every row.
        made.push((row!['Create Table'] ?? row!['Create View'])!.replace(/ AUTO_INCREMENT=\d+/, ''))
      }
      return [
        ...made,
        await database.query(`SELECT TRIGGER_NAME, ACTION_STATEMENT FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE() ORDER BY 1`),
      ]
    },
    carelessly: async (...statements) => {
      await run(['SET SESSION foreign_key_checks = 0', 'START TRANSACTION', ...statements, 'COMMIT', 'SET SESSION foreign_key_checks = 1'].join(';\n'))
    },
    rowVersions: async () => null,
    async count(table, where = 'true') {
      const [row] = await run<{ n: number }[]>(`SELECT COUNT(*) AS n FROM ${quoted(table)} WHERE ${where}`)
      return row!.n
    },
    one(table, which, where = 'true') {
      const { key, fields } = table as EntityDescriptor
      const columns = key.map((path) => quoteColumn(fields.find((field) => field.path === path)!.column))
      const order = columns.map((column) => `${column} ${which === 'first' ? 'ASC' : 'DESC'}`).join(', ')
      return `(${columns.join(', ')}) = (SELECT * FROM (SELECT ${columns.join(', ')} FROM ${quoted(table)} WHERE ${where} ORDER BY ${order} LIMIT 1) AS picked)`
    },
    async drop() {
      await new Promise((resolve) => pool.end(resolve))
      await database.drop()
    },
  }
}
