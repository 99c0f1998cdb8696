import { RawText, type StoredValue } from '../../../../src/record/stored-value.ts'
import type { SqliteConnection } from '../connection.ts'
import { isConstraint } from '../database-error.ts'
import { parameter, placeholder } from '../stored-bind.ts'

/** Rows of one INSERT. More make it no faster. */
const ROWS_PER_STATEMENT = 10
/** The least that any build of SQLite allows in one statement. */
const MAX_PARAMETERS = 32_766

export interface RowInserter {
  add(row: readonly StoredValue[], line: number): void
  flush(): void
}

export interface RowInserterOptions {
  /** Qualified and quoted. */
  readonly table: string
  /** Quoted. */
  readonly columns: readonly string[]
  /** A row that a constraint, a STRICT type or the like refused; the others of its statement are in. */
  readonly refused: (row: readonly StoredValue[], line: number, error: unknown) => void
}

/** Inserts rows several at a time. `OR ABORT` overrides what the table's own ON CONFLICT clauses would do: skip rows, or delete others. */
export function createRowInserter(connection: SqliteConnection, { table, columns, refused }: RowInserterOptions): RowInserter {
  const head = `INSERT OR ABORT INTO ${table} (${columns.join(', ')}) VALUES `
  const plain = `(${columns.map(() => '?').join(', ')})`
  const capacity = Math.max(1, Math.min(ROWS_PER_STATEMENT, Math.floor(MAX_PARAMETERS / columns.length)))
  const many = head + new Array<string>(capacity).fill(plain).join(', ')
  let rows: { readonly values: readonly StoredValue[]; readonly line: number }[] = []

  const isPlain = (values: readonly StoredValue[]) =>
    values.every((value) => !(value instanceof RawText) && !(connection.bindsWholeNumbersAsInteger && typeof value === 'number'))

  function one(values: readonly StoredValue[], line: number): void {
    try {
      connection.run(`${head}(${values.map((value) => placeholder(connection, value)).join(', ')})`, values.map(parameter))
    } catch (error) {
      if (!isConstraint(error)) throw error
      refused(values, line, error)
    }
  }

  function flush(): void {
    const waiting = rows
    rows = []
    if (waiting.length === capacity) {
      try {
        connection.run(
          many,
          waiting.flatMap(({ values }) => values),
        )
        return
      } catch (error) {
        if (!isConstraint(error)) throw error // a refused statement has left nothing behind: each row is tried by itself
      }
    }
    for (const { values, line } of waiting) one(values, line)
  }

  return {
    flush,
    add(values, line) {
      if (!isPlain(values)) {
        flush()
        one(values, line)
        return
      }
      rows.push({ values, line })
      if (rows.length >= capacity) flush()
    },
  }
}
