import { type SqliteSource, sqliteSource } from '../sql/sqlite-source.ts'
import { borrow, giveBack, type KnexPool } from './knex-pool.ts'

const known = new WeakMap<KnexPool, SqliteSource>()

/**
 * Knex has one connection to a SQLite database, and for a file opens it anew every few seconds: it is asked for once, and given back before
 * anything is done, since nobody else could use the database meanwhile. A database in memory keeps its connection for good.
 *
 * @throws what `sqliteSource` throws
 */
export async function knexSqliteSource(pool: KnexPool, orm: string): Promise<SqliteSource> {
  const before = known.get(pool)
  if (before) return before
  const handle = await borrow(pool)
  try {
    const source = sqliteSource(handle, orm)
    known.set(pool, source)
    return source
  } finally {
    giveBack(pool, handle)
  }
}
