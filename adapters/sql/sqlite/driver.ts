/**
 * What is used of `better-sqlite3`, typed by shape: libsql has the same interface. The module that opens a lane's own connection must be THE SAME as the
 * ORM's. Two copies of the SQLite library in one process, each with a connection to the same file, break each other's locks: POSIX drops every lock a
 * process holds on a file as soon as any descriptor of that file is closed, and only within one copy does SQLite know to keep it open.
 * For the same reason nothing here ever opens or copies a database file by `node:fs` (`stat` is fine: it opens nothing).
 */
export type SqliteDriver = new (path: string, options?: object) => SqliteDatabase

/** One connection. */
export interface SqliteDatabase {
  prepare(sql: string): SqliteStatement
  exec(sql: string): unknown
  close(): unknown
  readonly inTransaction: boolean
}

/** Parameters are passed as one array; with `raw` rows are arrays, with `safeIntegers` integers are `bigint`. */
export interface SqliteStatement {
  raw(toggle?: boolean): SqliteStatement
  safeIntegers(toggle?: boolean): SqliteStatement
  all(parameters: readonly unknown[]): unknown[]
  run(parameters: readonly unknown[]): unknown
}
