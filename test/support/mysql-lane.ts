import mysql from 'mysql2'
import { type MysqlConnections, poolConnections } from '../../adapters/sql/mysql/connections.ts'

/** The connections of a pool of one's own. End the pool in `afterAll`. */
export function mysqlPool(url: string, max = 5, options: mysql.PoolOptions = {}): { pool: mysql.Pool; connections: MysqlConnections } {
  const pool = mysql.createPool({ uri: url, connectionLimit: max, ...options })
  return { pool, connections: poolConnections(pool) }
}

export const endPool = (pool: mysql.Pool): Promise<void> => new Promise((resolve) => pool.end(() => resolve()))
