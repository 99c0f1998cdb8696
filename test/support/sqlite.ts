import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Libsql from 'libsql'
import type { SqliteDatabase, SqliteDriver } from '../../adapters/sql/sqlite/driver.ts'
import { createSqliteStore, type SqliteStoreOptions } from '../../adapters/sql/sqlite/store.ts'
import type { EntityMapping, EntityStore, KeyRange, LineSource, RecordBatch, ConsistentView } from '../../src/contracts/index.ts'
import { RawText, type StoredValue } from '../../src/record/index.ts'

export const libsql = Libsql as unknown as SqliteDriver

/** A SQLite file in a folder of its own, with a connection that stands for the application's. */
export interface SqliteFile {
  readonly path: string
  readonly folder: string
  readonly app: SqliteDatabase
  exec(sql: string): void
  /** Rows as stored: integers are bigint. Do not select TEXT that may not be UTF-8. */
  rows(sql: string, parameters?: readonly unknown[]): unknown[][]
  value(sql: string, parameters?: readonly unknown[]): unknown
  insert(table: string, row: readonly StoredValue[]): void
  store(mappings: readonly EntityMapping[], more?: Partial<SqliteStoreOptions>): EntityStore
  /** Files beside the database, without those of SQLite itself. */
  strangers(): string[]
  close(): void
}

export function createSqliteFile(options: { readonly memory?: boolean; readonly wal?: boolean } = {}): SqliteFile {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-test-'))
  const path = options.memory ? ':memory:' : join(folder, 'app.db')
  return openSqliteFile(folder, path, options.wal ?? true)
}

export function openSqliteFile(folder: string, path: string, wal = true): SqliteFile {
  const app = new libsql(path)
  app.exec(`PRAGMA busy_timeout = 2000; PRAGMA foreign_keys = ON; PRAGMA synchronous = OFF`)
  if (path !== ':memory:') app.exec(`PRAGMA journal_mode = ${wal ? 'wal' : 'delete'}`)
  const rows = (sql: string, parameters: readonly unknown[] = []) => app.prepare(sql).raw(true).safeIntegers(true).all(parameters) as unknown[][]
  return {
    path,
    folder,
    app,
    rows,
    exec: (sql) => void app.exec(sql),
    value: (sql, parameters) => rows(sql, parameters)[0]?.[0],
    insert(table, row) {
      const marks = row.map((value) => (value instanceof RawText ? 'CAST(? AS TEXT)' : '?'))
      app.prepare(`INSERT INTO ${table} VALUES (${marks.join(', ')})`).run(row.map((value) => (value instanceof RawText ? value.bytes : value)))
    },
    store: (entities, more) =>
      createSqliteStore({
        name: 'main',
        orm: 'test 1',
        driver: libsql,
        path,
        mapping: { entities, excluded: [] },
        ...(path === ':memory:' ? { ormDatabase: app } : {}),
        ...more,
      }),
    strangers: () => readdirSync(folder).filter((name) => !/^app\.db(-wal|-shm|-journal)?$/.test(name)),
    close() {
      app.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** A mapping whose property paths are the column names. The first `key` columns are the key. */
export function tableMapping(name: string, columns: readonly string[], more: Partial<EntityMapping> & { readonly keyFields?: number } = {}): EntityMapping {
  const { keyFields = 1, ...rest } = more
  return {
    name,
    kind: 'entity',
    aliases: [],
    table: name,
    fields: columns.map((column) => ({ path: column, column })),
    key: columns.slice(0, keyFields),
    references: [],
    ...rest,
  }
}

export const EVERYTHING: KeyRange = { from: null, to: null }

export async function readAll(view: ConsistentView, entity: string, range: KeyRange = EVERYTHING, references: readonly string[] = []): Promise<RecordBatch[]> {
  const batches: RecordBatch[] = []
  for await (const batch of view.read(entity, range, { references })) batches.push(batch)
  return batches
}

export async function readLines(view: ConsistentView, entity: string, range: KeyRange = EVERYTHING): Promise<string[]> {
  const batches = await readAll(view, entity, range)
  const text = Buffer.concat(batches.map(({ bytes }) => bytes)).toString()
  return text === '' ? [] : text.slice(0, -1).split('\n')
}

/** Lines as a restore reads them, in pieces that end anywhere but inside a line. */
export function linesOf(lines: readonly string[] | readonly RecordBatch[]): LineSource {
  const pieces = lines.map((line) => (typeof line === 'string' ? Buffer.from(`${line}\n`) : line.bytes))
  return {
    rows: lines.reduce((sum: number, line) => sum + (typeof line === 'string' ? 1 : line.rows), 0),
    async *open() {
      yield* pieces
    },
  }
}
