import { type Change, keyText, type ModelState, type Row } from './model-state.ts'
import type { Prng } from './prng.ts'
import { type Column, FIXED_EVENTS, KEYS, literal, randomValue, type Schema, type Table, type Value } from './schema.ts'

/** Transactions that can be open at once, and the share of the keys that each writes. */
export const SLOTS = 4

/** One or a few statements on rows of one slot, as `state` has them. Empty when what was drawn cannot be done. */
export function randomChange(rng: Prng, state: ModelState, slot: number): Change[] {
  const table = rng.weighted(state.schema.tables.map((candidate) => [candidate.name === 'parent' ? 2 : 1, candidate] as const))
  const writer = new Writer(rng, state, slot, table)
  return rng.weighted<() => Change[]>([
    [4, () => writer.insert(rng.int(1, 3))],
    [1, () => writer.insert(rng.int(10, 30))],
    [5, () => writer.update(rng.int(1, 3))],
    [1, () => writer.update(KEYS)],
    [4, () => writer.delete(rng.int(1, 3))],
    [0.7, () => writer.delete(rng.int(5, 40))],
    [2, () => writer.rekey()],
    [1, () => writer.replace()],
    [0.7, () => writer.exchange()],
  ])()
}

/** A change of one row of one table. */
export function randomTouch(rng: Prng, state: ModelState, slot: number, table: Table): Change[] {
  const writer = new Writer(rng, state, slot, table)
  return rng.pick([() => writer.insert(1), () => writer.update(1), () => writer.update(1), () => writer.delete(1), () => writer.exchange()])()
}

/** New rows of one table. */
export function randomRows(rng: Prng, state: ModelState, slot: number, table: Table, count: number): Change[] {
  return new Writer(rng, state, slot, table).insert(count)
}

class Writer {
  readonly #rng: Prng
  readonly #state: ModelState
  readonly #slot: number
  readonly #table: Table

  constructor(rng: Prng, state: ModelState, slot: number, table: Table) {
    this.#rng = rng
    this.#state = state
    this.#slot = slot
    this.#table = table
  }

  insert(count: number): Change[] {
    const rows = this.#freeKeys(count).map((key) => this.#row(key))
    return rows.length === 0 ? [] : [this.#insert(rows)]
  }

  update(count: number): Change[] {
    const columns = this.#table.columns.slice(this.#table.keys)
    const rows = this.#rng.some(this.#rows(), count)
    if (rows.length === 0 || columns.length === 0) return []
    const column = this.#rng.pick(columns)
    const value = this.#value(column)
    const puts = rows.map((row) => ({ ...row, values: { ...row.values, [column.name]: value } }))
    return [this.#change(`UPDATE ${this.#table.name} SET ${column.name} = ${literal(this.#schema, column, value)} WHERE ${this.#where(rows)}`, [], puts)]
  }

  delete(count: number): Change[] {
    const rows = this.#rng.some(this.#free(this.#rows()), count)
    return rows.length === 0 ? [] : [...this.#release(rows), this.#delete(rows)]
  }

  /** The row goes to another key: a primary key that is updated. */
  rekey(): Change[] {
    const [row] = this.#rng.some(this.#unreferenced(this.#free(this.#rows())), 1)
    const [key] = this.#freeKeys(1)
    if (!row || !key) return []
    const moved = { ...row, values: { ...row.values, ...key } }
    const { columns, keys, name } = this.#table
    const set = columns.slice(0, keys).map((column) => `${column.name} = ${literal(this.#schema, column, key[column.name]!)}`)
    return [this.#change(`UPDATE ${name} SET ${set.join(', ')} WHERE ${this.#where([row])}`, [row], [moved])]
  }

  /** Deleted and inserted again under the same key: the number of rows does not move. */
  replace(): Change[] {
    const [row] = this.#rng.some(this.#unreferenced(this.#free(this.#rows())), 1)
    if (!row) return []
    return [this.#delete([row]), this.#insert([this.#row(this.#keyPart(row.values))])]
  }

  /** One row goes and another comes: the number of rows does not move either. */
  exchange(): Change[] {
    const [row] = this.#rng.some(this.#unreferenced(this.#free(this.#rows())), 1)
    const [key] = this.#freeKeys(1)
    if (!row || !key) return []
    return [this.#delete([row]), this.#insert([this.#row(key)])]
  }

  get #schema(): Schema {
    return this.#state.schema
  }

  #rows(): Row[] {
    return this.#state.rowsOf(this.#table.name, this.#slot)
  }

  /** Rows that may be deleted or moved. */
  #free(rows: readonly Row[]): Row[] {
    return this.#table.name === 'event' ? rows.filter(({ values }) => Number(values.id) >= FIXED_EVENTS) : [...rows]
  }

  #insert(rows: readonly Row[]): Change {
    return insertRows(this.#schema, this.#table, rows)
  }

  #delete(rows: readonly Row[]): Change {
    return this.#change(`DELETE FROM ${this.#table.name} WHERE ${this.#where(rows)}`, rows, [])
  }

  #change(sql: string, removed: readonly Row[], puts: readonly Row[]): Change {
    return { table: this.#table.name, sql, removes: removed.map(({ values }) => keyText(this.#table, values)), puts }
  }

  #row(key: Row['values']): Row {
    const values = Object.fromEntries(this.#table.columns.map((column) => [column.name, key[column.name] ?? this.#value(column)]))
    return { slot: this.#slot, values }
  }

  #value(column: Column): Value {
    const { references } = column
    if (!references) return randomValue(this.#rng, this.#schema, column)
    const parents = this.#state.rowsOf(references.table, this.#slot)
    return parents.length === 0 || this.#rng.chance(0.2) ? null : this.#rng.pick(parents).values[references.column]!
  }

  #keyPart(values: Row['values']): Row['values'] {
    return Object.fromEntries(this.#table.columns.slice(0, this.#table.keys).map(({ name }) => [name, values[name]!]))
  }

  #freeKeys(count: number): Row['values'][] {
    const { columns, keys, keyOf, name } = this.#table
    const all = keyOf
      ? Array.from({ length: KEYS / SLOTS }, (_, at) => keyOf(at * SLOTS + this.#slot))
      : this.#state
          .rowsOf('parent', this.#slot)
          .flatMap((parent) => this.#state.rowsOf('tag', this.#slot).map((tag) => [parent.values.id!, tag.values.code!] as const))
    const free = all
      .map((values) => Object.fromEntries(columns.slice(0, keys).map((column, place) => [column.name, values[place]!])))
      .filter((key) => !this.#state.has(name, keyText(this.#table, key)))
    if (name === 'event')
      return this.#rng.some(
        free.filter(({ id }) => Number(id) >= FIXED_EVENTS),
        count,
      )
    // Behind the last one, as most applications do, or anywhere.
    return this.#rng.chance(0.3) ? free.slice(-count) : this.#rng.some(free, count)
  }

  #where(rows: readonly Row[]): string {
    const keys = this.#table.columns.slice(0, this.#table.keys)
    const tuples = rows.map(({ values }) => `(${keys.map((column) => literal(this.#schema, column, values[column.name]!)).join(', ')})`)
    const [only] = keys
    if (keys.length === 1) return `${only!.name} IN (${tuples.join(', ')})`
    return this.#schema.dialect === 'sqlite'
      ? `(${keys.map(({ name }) => name).join(', ')}) IN (VALUES ${tuples.join(', ')})`
      : `(${keys.map(({ name }) => name).join(', ')}) IN (${tuples.join(', ')})`
  }

  /** Rows that nothing refers to. */
  #unreferenced(rows: readonly Row[]): Row[] {
    const referred = this.#referrers().map(({ table, column, target }) => ({
      target,
      values: new Set(this.#state.rowsOf(table.name, this.#slot).map(({ values }) => values[column.name])),
    }))
    return rows.filter(({ values }) => referred.every(({ target, values: taken }) => !taken.has(values[target])))
  }

  /** Lets go of whatever refers to the rows, as an application would before it deletes them. */
  #release(rows: readonly Row[]): Change[] {
    return this.#referrers().flatMap(({ table, column, target }) => {
      const going = new Set(rows.map(({ values }) => values[target]))
      const referring = this.#state.rowsOf(table.name, this.#slot).filter(({ values }) => going.has(values[column.name]))
      if (referring.length === 0) return []
      const writer = new Writer(this.#rng, this.#state, this.#slot, table)
      if (!column.nullable) return [writer.#delete(referring)]
      const puts = referring.map((row) => ({ ...row, values: { ...row.values, [column.name]: null } }))
      return [writer.#change(`UPDATE ${table.name} SET ${column.name} = NULL WHERE ${writer.#where(referring)}`, [], puts)]
    })
  }

  #referrers(): { table: Table; column: Column; target: string }[] {
    return this.#schema.tables.flatMap((table) =>
      table.columns.flatMap((column) => (column.references?.table === this.#table.name ? [{ table, column, target: column.references.column }] : [])),
    )
  }
}

/** Slots as the keys say. */
export function insertRows(schema: Schema, { name, columns }: Table, rows: readonly Row[], into = name): Change {
  const tuples = rows.map(({ values }) => `(${columns.map((column) => literal(schema, column, values[column.name] ?? null)).join(', ')})`)
  return { table: into, sql: `INSERT INTO ${into} (${columns.map((column) => column.name).join(', ')}) VALUES ${tuples.join(', ')}`, removes: [], puts: rows }
}
