import type { EntityStore } from '../../src/contracts/index.ts'
import type { ModelState, Image } from './model-state.ts'
import type { Prng } from './prng.ts'
import type { Column, Schema } from './schema.ts'

/** A transaction of a connection of its own, open for as long as the history likes. */
export interface OpenTransaction {
  /** False when the database gave the statement up (a lock that did not come): then it did nothing, and the transaction goes on. */
  run(sql: string): Promise<boolean>
  commit(): Promise<void>
  rollback(): Promise<void>
  /** Prepares it (two-phase commit) and lets go of the connection; the result ends it from another one. Absent where the database has no such thing. */
  prepare?(): Promise<PreparedTransaction>
}

export interface PreparedTransaction {
  /** False when the server had rolled it back. */
  commit(): Promise<boolean>
  rollback(): Promise<unknown>
}

/** A statement or a few that change the schema, or what rows lie in, and what the model makes of them. */
export interface SchemaStep {
  readonly name: string
  readonly sql: readonly string[]
  apply(state: ModelState): void
}

/** A database of its own that a history happens in. */
export interface ModelDatabase {
  readonly schema: Schema
  /** Transactions that can be open beside other writers. */
  readonly openTransactions: number
  /** May anything write while a transaction is open elsewhere? */
  readonly writesBeside: boolean
  /** Snapshots of it can be restored. Else they are read record by record. */
  readonly canRestore: boolean
  /** The database as the engine sees it, with the tables and columns that it has by now. */
  store(schema: Schema): EntityStore
  /** One statement in a transaction of its own. False as in `OpenTransaction`. */
  run(sql: string): Promise<boolean>
  begin(): Promise<OpenTransaction>
  /** What is committed, by plain SQL. */
  read(schema: Schema): Promise<Image>
  columnSql(schema: Schema, column: Column): string
  /** A change that only this dialect has. */
  oddStep(rng: Prng, state: ModelState): SchemaStep | null
  /** A statement that changes no row: VACUUM and the like. */
  maintenance(rng: Prng, schema: Schema): string
  truncate(tables: readonly string[]): readonly string[]
  /** Breaks the connections of the views that are open. Absent where nothing of the kind can happen. */
  breakViews?(): Promise<void>
  /** The server dies and comes back: open transactions were never there, prepared ones still are. */
  crash?(): Promise<void>
  /** Empty tables of this schema in another database. */
  emptyCopy(schema: Schema): Promise<EmptyCopy>
  drop(): Promise<void>
}

export interface EmptyCopy {
  readonly store: EntityStore
  read(): Promise<Image>
  close(): Promise<void>
}

/** The name of the store in plans and manifests. */
export const STORE = 'main'
