import { join } from 'node:path'
import libsql from 'libsql'
import type { EntityDescriptor } from '../../../src/contracts/index.ts'
import type { ZooDialect } from '../../fixtures/zoo/dialect.ts'
import { type DatabaseImage, postgresImage, sqliteImage } from '../database-image.ts'
import { createTestDatabase } from '../postgres.ts'
import { temporaryFolder } from '../temporary-folder.ts'

/** Names a table as SQL does. */
export interface TableName {
  readonly schema?: string
  readonly table: string
}

/** A database looked at and laid hands on with plain SQL, past any ORM and past Holdfast. */
export interface LiveDatabase {
  readonly dialect: ZooDialect
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

export function createLiveDatabase(dialect: ZooDialect): Promise<LiveDatabase> {
  return dialect === 'postgres' ? livePostgres() : liveSqlite()
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
