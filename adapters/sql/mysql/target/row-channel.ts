import { Readable } from 'node:stream'
import { errorNumber, databaseError } from '../database-error.ts'
import type { MysqlColumn } from '../catalog.ts'
import type { MysqlClient } from '../connections.ts'
import { quoteIdent } from '../quote.ts'
import { LINE } from './row-sql.ts'
import type { RowForm, Segment, WrittenColumn } from './row-writer.ts'
import type { TargetStatements } from './target-session.ts'

/** How rows reach the server of this target. */
export interface RowChannel {
  /** LOAD DATA where client and server allow it. Asked with the table that rows are about to go to. */
  form(statements: TargetStatements, destination: RowDestination): Promise<RowForm>
  /** Bytes of one statement of the `values` form that the server takes. */
  readonly maxStatement: number
}

/** Where rows go. */
export interface RowDestination {
  /** Quoted, with its database. */
  readonly table: string
  readonly columns: readonly WrittenColumn[]
  /** The table has a column `LINE`. */
  readonly numbered: boolean
}

/** What LOAD DATA changed, skipped or bent to fit: with LOCAL, errors are warnings, whatever `sql_mode` says. */
export interface LoadReport {
  readonly rows: number
  readonly warnings: number
}

/** Loading local files is switched off: by the server, or by the application in the options of its connection. */
const SWITCHED_OFF = new Set([1148, 2068, 3948, 4166])

export async function openRowChannel(statements: TargetStatements): Promise<RowChannel> {
  const [row] = await statements.rows('asking how rows may be loaded', 'SELECT @@GLOBAL.local_infile AS local, @@max_allowed_packet AS packet')
  let form: RowForm | undefined = row?.local === '1' ? undefined : 'values'
  return {
    form: async ({ client }, destination) => (form ??= await tryLoading(client, destination)),
    maxStatement: Number(row?.packet ?? 0) - 4096,
  }
}

/** The application may have switched it off for its connections: loading nothing tells. */
async function tryLoading(client: MysqlClient, destination: RowDestination): Promise<RowForm> {
  try {
    await loadSegment(client, destination, { bytes: Buffer.alloc(0), ends: [], firstLine: 1 })
    return 'load'
  } catch (error) {
    if (SWITCHED_OFF.has(errorNumber(error) ?? 0)) return 'values'
    throw error
  }
}

/** Bytes handed to the driver at once, which copies them. */
const SLICE = 256 * 1024

/** Sends a segment of the `load` form. It has been put together before: a LOAD DATA that waits for its source would hold the connection. */
export function loadSegment(client: MysqlClient, destination: RowDestination, { bytes }: Segment): Promise<LoadReport> {
  const slices = function* () {
    for (let at = 0; at < bytes.length; at += SLICE) yield bytes.subarray(at, at + SLICE)
  }
  return new Promise((resolve, reject) => {
    const done = (error: unknown, header: unknown): void => {
      if (error) return reject(databaseError('loading the records', error))
      const { affectedRows, warningStatus } = header as { readonly affectedRows: number; readonly warningStatus: number }
      resolve({ rows: affectedRows, warnings: warningStatus })
    }
    try {
      client.query({ sql: loadSql(destination), infileStreamFactory: () => Readable.from(slices(), { objectMode: false }) }, done)
    } catch (error) {
      reject(databaseError('loading the records', error))
    }
  })
}

/** Terminators as hexadecimal, which reads the same under any `sql_mode`. */
function loadSql({ table, columns, numbered }: RowDestination): string {
  const through = columns.map(({ column }, at) => ({
    at,
    name: quoteIdent(column.column),
    sql: conversion(column, `@holdfast_${at}`),
  }))
  const names = [...through.map(({ at, name, sql }) => (sql === null ? name : `@holdfast_${at}`)), ...(numbered ? [LINE] : [])]
  const set = through.flatMap(({ name, sql }) => (sql === null ? [] : [`${name} = ${sql}`]))
  return `LOAD DATA LOCAL INFILE 'holdfast' INTO TABLE ${table} CHARACTER SET utf8mb4 FIELDS TERMINATED BY x'09' ESCAPED BY x'5c' LINES TERMINATED BY x'0a'
    (${names.join(', ')})${set.length === 0 ? '' : ` SET ${set.join(', ')}`}`
}

/** What goes through a variable, and how; null for what the column takes as it stands. */
function conversion({ type, typeName, autoIncrement }: MysqlColumn, variable: string): string | null {
  if (type.kind === 'bytes') return `FROM_BASE64(${variable})`
  if (typeName === 'bit') return `CAST(${variable} AS UNSIGNED)`
  // Beside a SET clause, MariaDB takes the 0 of an AUTO_INCREMENT column for none, unless the clause sets it.
  return autoIncrement ? variable : null
}

/** The INSERT of some rows of a segment of the `values` form, from the one at `from` on to before the one at `to`. */
export function insertSql({ table, columns, numbered }: RowDestination, { bytes, ends }: Segment, from: number, to: number): string {
  const names = [...columns.map(({ column }) => quoteIdent(column.column)), ...(numbered ? [LINE] : [])]
  return `INSERT INTO ${table} (${names.join(', ')}) VALUES ${bytes.toString('latin1', from === 0 ? 0 : ends[from - 1]!, ends[to - 1]! - 1)}`
}
