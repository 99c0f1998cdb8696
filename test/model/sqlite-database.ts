import { join } from 'node:path'
import { createSqliteFile, libsql, type SqliteFile } from '../support/sqlite.ts'
import type { ModelDatabase, OpenTransaction } from './model-database.ts'
import { STORE } from './model-database.ts'
import type { Image } from './model-state.ts'
import type { Prng } from './prng.ts'
import { initialSchema, type Schema, type Table, type Value } from './schema.ts'
import { columnSql, createTableSql, mappingOf, readImage } from './table-sql.ts'

/** A file in WAL mode mostly, in rollback-journal mode sometimes, and a database in memory. */
export function createSqliteModel(rng: Prng): ModelDatabase {
  const kind = rng.weighted([
    [6, 'wal'],
    [2, 'journal'],
    [1, 'memory'],
  ] as const)
  const schema = initialSchema('sqlite')
  const file = openFile(schema, kind)
  // An open transaction keeps all other writers out. In memory it is on the connection that is copied, and nothing can be backed up.
  const transactions = kind === 'memory' ? 0 : 1

  const begin = async (): Promise<OpenTransaction> => {
    file.exec('BEGIN IMMEDIATE')
    return {
      run: async (sql) => run(file, sql),
      commit: async () => file.exec('COMMIT'),
      rollback: async () => file.exec('ROLLBACK'),
    }
  }

  return {
    schema,
    openTransactions: transactions,
    writesBeside: false,
    canRestore: true,
    store: (current) => storeOf(file, current),
    run: async (sql) => run(file, sql),
    begin,
    read: async (current) => read(file, current),
    columnSql,
    oddStep: () => null,
    maintenance: (random) => random.pick(['VACUUM', 'PRAGMA wal_checkpoint(TRUNCATE)', 'ANALYZE', 'REINDEX']),
    truncate: (tables) => tables.map((table) => `DELETE FROM ${table}`),
    async emptyCopy(current) {
      const copy = openFile(current, kind)
      return { store: storeOf(copy, current), read: async () => read(copy, current), close: async () => copy.close() }
    },
    drop: async () => file.close(),
  }
}

function openFile(schema: Schema, kind: 'wal' | 'journal' | 'memory'): SqliteFile {
  const file = createSqliteFile({ memory: kind === 'memory', wal: kind === 'wal' })
  file.exec(schema.tables.map((table) => createTableSql(schema, table, table.name, table.keys > 1 ? ' WITHOUT ROWID' : '')).join(';\n'))
  return file
}

function run(file: SqliteFile, sql: string): boolean {
  file.exec(sql)
  return true
}

const storeOf = (file: SqliteFile, schema: Schema) => file.store([], { name: STORE, mapping: mappingOf(schema) })

/** A file is read over another connection: what is in an open transaction is not committed. */
async function read(file: SqliteFile, schema: Schema): Promise<Image> {
  const reader = file.path === ':memory:' ? file.app : new libsql(join(file.folder, 'app.db'))
  try {
    return await readImage(schema, textOf, async (sql) => reader.prepare(sql).raw(true).all([]) as Value[][])
  } finally {
    if (reader !== file.app) reader.close()
  }
}

const textOf = ({ name }: Table['columns'][number]) => `CASE WHEN ${name} IS NULL THEN NULL ELSE quote(${name}) END`
