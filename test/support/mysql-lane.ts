import mysql from 'mysql2'
import { type MysqlConnections, poolConnections } from '../../adapters/sql/mysql/connections.ts'
import { openMysqlView, type OpenMysqlViewOptions } from '../../adapters/sql/mysql/view.ts'
import type { ConsistentView, KeyRange, KnownRange, StoreMapping } from '../../src/contracts/index.ts'
import { EVERYTHING, remember as rememberLines } from './postgres-lane.ts'

/** The connections of a pool of one's own. End the pool in `afterAll`. */
export function mysqlPool(url: string, max = 5, options: mysql.PoolOptions = {}): { pool: mysql.Pool; connections: MysqlConnections } {
  const pool = mysql.createPool({ uri: url, connectionLimit: max, ...options })
  return { pool, connections: poolConnections(pool) }
}

export const endPool = (pool: mysql.Pool): Promise<void> => new Promise((resolve) => pool.end(() => resolve()))

/** Opens a view of all entities of the mapping unless told otherwise. */
export function openView(connections: MysqlConnections, mapping: StoreMapping, more: Partial<OpenMysqlViewOptions> = {}): Promise<ConsistentView> {
  return openMysqlView({ store: 'test', mapping, connections, selection: mapping.entities.map(({ name }) => ({ entity: name })), ...more })
}

/** Opens a view, works in it, closes it. */
export async function inView<T>(
  connections: MysqlConnections,
  mapping: StoreMapping,
  work: (view: ConsistentView) => Promise<T>,
  more: Partial<OpenMysqlViewOptions> = {},
): Promise<T> {
  const view = await openView(connections, mapping, more)
  try {
    return await work(view)
  } finally {
    await view.close()
  }
}

/** Reads a range as a backup does: what it holds, its digest, and the evidence to check it by later. */
export async function remember(view: ConsistentView, entity: string, range: KeyRange = EVERYTHING): Promise<KnownRange> {
  const [digest] = await view.digests!(entity, [range])
  return { ...(await rememberLines(view, entity, range)), ...(digest ? { digest } : {}) }
}
