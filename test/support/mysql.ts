import { randomBytes } from 'node:crypto'
import mysql from 'mysql2'
import type { TestDatabase } from './postgres.ts'

/** Where the MariaDB or MySQL server for tests is; null when there is none, which the set-up has listed as not run. */
export function mysqlUrl(): string | null {
  return process.env.HOLDFAST_TEST_MYSQL_URL || null
}

/** Which of the two it is: tests of what only one of them has run on that one. */
export const isMysqlProper = (): boolean => process.env.HOLDFAST_TEST_MYSQL_FLAVOUR === 'mysql'

/** Counts from 1, as a table called `seq` with the column `seq`. */
export const sequenceTable = (rows: number): string => (isMysqlProper() ? countingTable(1, rows, 'seq') : `seq_1_to_${rows} AS seq`)

const countingTable = (from: number | string, to: number | string, name: string): string =>
  `(WITH RECURSIVE s (seq) AS (SELECT ${from} UNION ALL SELECT seq + 1 FROM s WHERE seq < ${to}) SELECT seq FROM s) AS ${name}`

/** A new, empty database of its own in utf8mb4. Drop it in `afterAll`. `query` takes several statements at once, and gives numbers beyond 2^53 as text. */
export async function createMysqlDatabase(): Promise<TestDatabase> {
  const server = mysqlUrl()
  if (server === null) throw new Error('there is no MariaDB for the tests')
  const name = `holdfast_test_${randomBytes(6).toString('hex')}`
  await onServer(server, `CREATE DATABASE ${name} CHARACTER SET utf8mb4`)
  const url = new URL(server)
  url.pathname = `/${name}`
  const pool = mysql.createPool({ uri: url.href, connectionLimit: 2, multipleStatements: true, supportBigNumbers: true, dateStrings: true })
  return {
    name,
    url: url.href,
    query: <T>(sql: string, values?: unknown[]) =>
      new Promise<T[]>((resolve, reject) => {
        pool.query(translate(sql), values, (error, rows) => {
          if (error) return reject(error)
          // Several results come as a list of them: lists of rows, and what a statement without rows says.
          const several = Array.isArray(rows) && rows.some((row) => Array.isArray(row) || (row as object).constructor.name === 'ResultSetHeader')
          const last = several ? (rows as unknown[]).at(-1) : rows
          resolve((Array.isArray(last) ? last : []) as T[])
        })
      }),
    async drop() {
      await new Promise((resolve) => pool.end(resolve))
      await onServer(server, `DROP DATABASE IF EXISTS ${name}`)
    },
  }
}

/** Tests are written for MariaDB, which counts by tables called `seq_1_to_9`; MySQL counts by itself. */
function translate(sql: string): string {
  if (!isMysqlProper()) return sql
  return sql.replaceAll(/\bseq_(\d+)_to_(\d+)\b/g, (table, from: string, to: string) => countingTable(from, to, table))
}

async function onServer(url: string, sql: string): Promise<void> {
  const connection = mysql.createConnection({ uri: url })
  try {
    await new Promise<void>((resolve, reject) => {
      connection.on('error', reject)
      connection.query(sql, (error) => (error ? reject(error) : resolve()))
    })
  } finally {
    connection.destroy()
  }
}
