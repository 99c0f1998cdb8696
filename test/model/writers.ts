import type { ModelDatabase, OpenTransaction, PreparedTransaction, SchemaStep } from './model-database.ts'
import { type Change, ModelState, type Row } from './model-state.ts'
import type { Prng } from './prng.ts'
import { insertRows, randomChange, randomRows, randomTouch, SLOTS } from './random-change.ts'
import { type Column, FIXED_EVENTS, randomValue, tableOf } from './schema.ts'

/** A transaction that stays open over steps, and over backups. */
interface Late {
  readonly slot: number
  readonly transaction: OpenTransaction
  /** What it sees of its own slot, and what it will have done once it commits; a mark for each savepoint. */
  seen: ModelState
  done: Change[]
  readonly savepoints: { readonly seen: ModelState; readonly done: readonly Change[] }[]
}

/** Statements committed by a single writer, by others beside it, early and late; and what the tables hold by them. */
export class Writers {
  readonly state: ModelState
  readonly #database: ModelDatabase
  readonly #log: (line: string) => void
  #open: Late[] = []
  #prepared: { readonly slot: number; readonly done: readonly Change[]; readonly transaction: PreparedTransaction }[] = []
  #columns = 0

  constructor(database: ModelDatabase, log: (line: string) => void) {
    this.#database = database
    this.#log = log
    this.state = new ModelState(database.schema)
  }

  /** So many rows in each table, for all slots. */
  async fill(rng: Prng, rows: number): Promise<void> {
    for (const table of this.state.schema.tables) {
      if (table.name === 'event') await this.#fillEvents(rng)
      for (let slot = 0; slot < SLOTS; slot++) {
        for (const change of randomRows(rng, this.state, slot, table, rng.int(0, Math.ceil((rows * 2) / SLOTS)))) await this.#commit(change)
      }
    }
  }

  /** Both partitions of which one is attached at a time: the same keys, other values. */
  async #fillEvents(rng: Prng): Promise<void> {
    const table = tableOf(this.state.schema, 'event')
    for (const into of ['event', 'event_spare']) {
      const rows = Array.from({ length: FIXED_EVENTS }, (_, id): Row => {
        const what = randomValue(rng, this.state.schema, table.columns[1]!)
        return { slot: id % SLOTS, values: { id: String(id), what } }
      })
      await this.#commit({ ...insertRows(this.state.schema, table, rows, into === 'event' ? 'event' : 'event_b'), table: into })
    }
  }

  /** Whatever a running application does next. */
  async write(rng: Prng): Promise<void> {
    await rng.weighted<() => Promise<void>>([
      [5, () => this.#statement(rng)],
      [2, () => this.#transaction(rng)],
      [2, async () => void (await this.#begin(rng))],
      [2, () => this.#goOn(rng)],
      [2, () => this.#end(rng)],
    ])()
  }

  /** Several single statements in a row. */
  async burst(rng: Prng): Promise<void> {
    for (let left = rng.int(2, 6); left > 0; left--) await this.#statement(rng)
  }

  /** One row of that table. */
  async touch(rng: Prng, table: string): Promise<void> {
    const slot = this.#blocked ? null : this.#slot(rng)
    if (slot === null) return
    for (const change of randomTouch(rng, this.state, slot, tableOf(this.state.schema, table))) if (!(await this.#commit(change))) return
  }

  /** Ends all that is open: a schema change or a restore would wait for it. */
  async settle(rng: Prng): Promise<void> {
    while (this.#open.length + this.#prepared.length > 0) await this.#end(rng)
  }

  /** The server died under them: nothing of what is open was ever there; what was prepared still is. */
  forgetOpen(): void {
    this.#open = []
  }

  async truncate(rng: Prng): Promise<void> {
    await this.settle(rng)
    const tables = rng.pick([['page'], ['parent_tag'], ['child'], ['parent_tag', 'child', 'parent'], ['parent_tag', 'tag']])
    this.#log(`TRUNCATE ${tables.join(', ')}`)
    for (const sql of this.#database.truncate(tables)) await this.#database.run(sql)
    for (const table of tables) this.state.rows(table).clear()
    if (rng.chance(0.5)) await this.burst(rng)
  }

  async changeSchema(rng: Prng): Promise<void> {
    await this.settle(rng)
    const odd = rng.chance(0.5) ? this.#database.oddStep(rng, this.state) : null
    const step = odd ?? this.#columnStep(rng)
    this.#log(`${step.name}: ${step.sql.join('; ')}`)
    for (const sql of step.sql) await this.#database.run(sql)
    step.apply(this.state)
  }

  /** What a restore that overwrites makes of the live rows: all records are there, and rows it does not have stay. */
  overwrite(from: ModelState): void {
    for (const { name } of this.state.schema.tables) for (const [key, row] of from.rows(name)) this.state.rows(name).set(key, row)
  }

  #columnStep(rng: Prng): SchemaStep {
    const { schema } = this.state
    const table = rng.pick(schema.tables.filter(({ keyOf, name }) => keyOf !== undefined && name !== 'event'))
    const added = table.columns.filter(({ name }) => name.startsWith('x'))
    const fresh = (name: string): Column => {
      const column: Column = { name, kind: rng.pick(['text', 'int'] as const), nullable: true }
      return rng.chance(0.6) ? { ...column, initial: randomValue(rng, schema, column) } : column
    }
    const add = (column: Column) => `ALTER TABLE ${table.name} ADD COLUMN ${this.#database.columnSql(schema, column)}`
    const drop = (name: string) => `ALTER TABLE ${table.name} DROP COLUMN ${name}`
    const to = (columns: readonly Column[], rewrite: (values: Row['values']) => Row['values']) => (state: ModelState) => {
      state.schema = { ...state.schema, tables: state.schema.tables.map((one) => (one === table ? { ...table, columns } : one)) }
      state.rewrite(table.name, rewrite)
    }
    const without = (values: Row['values'], name: string) => Object.fromEntries(Object.entries(values).filter(([column]) => column !== name))
    const old = rng.some(added, 1)[0]
    if (old && rng.chance(0.3))
      return {
        name: 'drop a column',
        sql: [drop(old.name)],
        apply: to(
          table.columns.filter((column) => column !== old),
          (values) => without(values, old.name),
        ),
      }
    // Under the same name, of the same type, and other values in the rows that are there.
    const column = old ? { ...fresh(old.name), kind: old.kind } : fresh(`x${++this.#columns}`)
    if (old && column.initial !== undefined) Object.assign(column, { initial: randomValue(rng, schema, column) })
    return {
      name: old ? 'make a column anew' : 'add a column',
      sql: old ? [drop(old.name), add(column)] : [add(column)],
      apply: to([...table.columns.filter((one) => one !== old), column], (values) => ({ ...values, [column.name]: column.initial ?? null })),
    }
  }

  /** A slot that no open transaction has. */
  #slot(rng: Prng): number | null {
    const taken = [...this.#open, ...this.#prepared].map(({ slot }) => slot)
    const free = Array.from({ length: SLOTS }, (_, slot) => slot).filter((slot) => !taken.includes(slot))
    return free.length === 0 ? null : rng.pick(free)
  }

  get #blocked(): boolean {
    return !this.#database.writesBeside && this.#open.length > 0
  }

  async #statement(rng: Prng): Promise<void> {
    if (this.#blocked) return this.#goOn(rng)
    const slot = this.#slot(rng)
    if (slot === null) return
    // What comes after a statement that was given up was thought of together with it.
    for (const change of randomChange(rng, this.state, slot)) if (!(await this.#commit(change))) return
  }

  async #commit(change: Change): Promise<boolean> {
    this.#log(change.sql)
    const done = await this.#database.run(change.sql)
    if (done) this.state.apply(change)
    return done
  }

  async #transaction(rng: Prng): Promise<void> {
    if (this.#blocked) return
    const late = await this.#begin(rng)
    if (!late) return
    for (let left = rng.int(1, 5); left > 0; left--) await this.#step(rng, late)
    await this.#finish(rng, late)
  }

  async #begin(rng: Prng): Promise<Late | null> {
    const slot = this.#slot(rng)
    if (slot === null || this.#open.length >= this.#database.openTransactions) return null
    this.#log(`${slot}: BEGIN`)
    const late: Late = { slot, transaction: await this.#database.begin(), seen: this.state.clone(), done: [], savepoints: [] }
    this.#open.push(late)
    await this.#step(rng, late)
    return late
  }

  async #goOn(rng: Prng): Promise<void> {
    const [late] = rng.some(this.#open, 1)
    if (late) await this.#step(rng, late)
  }

  async #step(rng: Prng, late: Late): Promise<void> {
    const { transaction, savepoints, slot } = late
    if (rng.chance(0.25)) {
      this.#log(`${slot}: SAVEPOINT s${savepoints.length}`)
      await transaction.run(`SAVEPOINT s${savepoints.length}`)
      savepoints.push({ seen: late.seen.clone(), done: [...late.done] })
    } else if (savepoints.length > 0 && rng.chance(0.3)) {
      const at = rng.int(0, savepoints.length - 1)
      const back = rng.chance(0.6)
      this.#log(`${slot}: ${back ? 'ROLLBACK TO' : 'RELEASE'} s${at}`)
      await transaction.run(`${back ? 'ROLLBACK TO' : 'RELEASE'} SAVEPOINT s${at}`)
      const mark = savepoints[at]!
      if (back) {
        late.seen = mark.seen.clone()
        late.done = [...mark.done]
      }
      savepoints.length = back ? at + 1 : at
    }
    for (const change of randomChange(rng, late.seen, slot)) {
      this.#log(`${slot}: ${change.sql}`)
      if (!(await transaction.run(change.sql))) return
      late.seen.apply(change)
      late.done.push(change)
    }
  }

  async #end(rng: Prng): Promise<void> {
    const [prepared] = rng.chance(0.5) || this.#open.length === 0 ? this.#prepared : []
    if (prepared) {
      this.#prepared = this.#prepared.filter((one) => one !== prepared)
      const commits = rng.chance(0.8)
      this.#log(`${prepared.slot}: ${commits ? 'COMMIT' : 'ROLLBACK'} PREPARED`)
      const done = commits ? await prepared.transaction.commit() : void (await prepared.transaction.rollback())
      if (done) for (const change of prepared.done) this.state.apply(change)
      return
    }
    const [late] = rng.some(this.#open, 1)
    if (late) await this.#finish(rng, late)
  }

  async #finish(rng: Prng, late: Late): Promise<void> {
    const { transaction, slot, done } = late
    this.#open = this.#open.filter((one) => one !== late)
    if (transaction.prepare && rng.chance(0.3)) {
      this.#log(`${slot}: PREPARE TRANSACTION`)
      this.#prepared.push({ slot, done, transaction: await transaction.prepare() })
      return
    }
    const commits = rng.chance(0.8)
    this.#log(`${slot}: ${commits ? 'COMMIT' : 'ROLLBACK'}`)
    await (commits ? transaction.commit() : transaction.rollback())
    if (commits) for (const change of done) this.state.apply(change)
  }
}
