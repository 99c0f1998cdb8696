import type { Schema, Table, Value } from './schema.ts'

export interface Row {
  /** Who may write it: transactions that are open side by side have a slot each, so none waits for another. */
  readonly slot: number
  readonly values: Readonly<Record<string, Value>>
}

/** A statement, and what it does to the rows of a table. */
export interface Change {
  readonly table: string
  readonly sql: string
  readonly removes: readonly string[]
  readonly puts: readonly Row[]
}

/** Table → rows as text, sorted. Two are equal when the tables hold the same rows. */
export type Image = Readonly<Record<string, readonly string[]>>

/** The truth: what is committed, row by row, by what the history did. No database is asked. */
export class ModelState {
  schema: Schema
  readonly #tables: Map<string, Map<string, Row>>

  constructor(schema: Schema, tables: Map<string, Map<string, Row>> = new Map()) {
    this.schema = schema
    this.#tables = tables
  }

  /** Rows never change, so a copy of the maps is a copy of all. */
  clone(): ModelState {
    return new ModelState(this.schema, new Map([...this.#tables].map(([name, rows]) => [name, new Map(rows)])))
  }

  rows(table: string): Map<string, Row> {
    let rows = this.#tables.get(table)
    if (!rows) this.#tables.set(table, (rows = new Map()))
    return rows
  }

  rowsOf(table: string, slot: number): Row[] {
    return [...this.rows(table).values()].filter((row) => row.slot === slot)
  }

  has(table: string, key: string): boolean {
    return this.rows(table).has(key)
  }

  apply({ table, removes, puts }: Change): void {
    const rows = this.rows(table)
    for (const key of removes) rows.delete(key)
    for (const row of puts) rows.set(keyText(this.#table(table), row.values), row)
  }

  /** Every row of a table is made another one: a column came or went. */
  rewrite(table: string, rewritten: (values: Row['values']) => Row['values']): void {
    for (const [key, row] of this.rows(table)) this.rows(table).set(key, { ...row, values: rewritten(row.values) })
  }

  image(): Image {
    return Object.fromEntries(
      this.schema.tables.map(({ name, columns }) => [
        name,
        [...this.rows(name).values()].map(({ values }) => rowText(columns.map((column) => values[column.name] ?? null))).sort(),
      ]),
    )
  }

  #table(name: string): Table {
    // A partition that is not attached has the columns of the one that is.
    return this.schema.tables.find((table) => name.startsWith(table.name) && (name === table.name || name === `${table.name}_spare`))!
  }
}

export function rowText(values: readonly Value[]): string {
  return JSON.stringify(values)
}

export function keyText({ columns, keys }: Table, values: Row['values']): string {
  return rowText(columns.slice(0, keys).map((column) => values[column.name] ?? null))
}
