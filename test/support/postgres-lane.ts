import { createHash } from 'node:crypto'
import pg from 'pg'
import { poolConnections, type PostgresConnections } from '../../adapters/sql/postgres/connections.ts'
import { openPostgresView, type OpenPostgresViewOptions } from '../../adapters/sql/postgres/view.ts'
import type { ConsistentView, EntityMapping, KeyRange, KnownRange, RangeState, StoreMapping } from '../../src/contracts/index.ts'

/** The connections of a pool of one's own. End the pool in `afterAll`. */
export function testPool(url: string, max = 5): { pool: pg.Pool; connections: PostgresConnections } {
  const pool = new pg.Pool({ connectionString: url, max, allowExitOnIdle: true })
  pool.on('error', () => {})
  return { pool, connections: poolConnections(pool) }
}

/** A mapping whose paths are its columns: `table('orders', 'id total note')`, key first unless said otherwise. */
export function table(name: string, columns: string, more: Partial<EntityMapping> = {}): EntityMapping {
  const names = columns.split(' ')
  return {
    name,
    kind: 'entity',
    aliases: [],
    table: name,
    fields: names.map((column) => ({ path: column, column })),
    key: [names[0]!],
    references: [],
    ...more,
  }
}

export const mappingOf = (...entities: EntityMapping[]): StoreMapping => ({ entities, excluded: [] })

/** Opens a view of all entities of the mapping unless told otherwise. */
export function openView(connections: PostgresConnections, mapping: StoreMapping, more: Partial<OpenPostgresViewOptions> = {}): Promise<ConsistentView> {
  return openPostgresView({ store: 'test', mapping, connections, selection: mapping.entities.map(({ name }) => ({ entity: name })), parallel: 1, ...more })
}

/** Opens a view, works in it, closes it. */
export async function inView<T>(
  connections: PostgresConnections,
  mapping: StoreMapping,
  work: (view: ConsistentView) => Promise<T>,
  more: Partial<OpenPostgresViewOptions> = {},
): Promise<T> {
  const view = await openView(connections, mapping, more)
  try {
    return await work(view)
  } finally {
    await view.close()
  }
}

export const EVERYTHING: KeyRange = { from: null, to: null }

/** The record lines of a range. */
export async function readLines(view: ConsistentView, entity: string, range: KeyRange = EVERYTHING): Promise<string[]> {
  let text = ''
  for await (const batch of view.read(entity, range)) text += Buffer.from(batch.bytes).toString('utf8')
  return text === '' ? [] : text.slice(0, -1).split('\n')
}

/** Reads a range as a backup does: what it holds, and the evidence to check it by later. */
export async function remember(view: ConsistentView, entity: string, range: KeyRange = EVERYTHING): Promise<KnownRange> {
  const hash = createHash('sha256')
  let rows = 0
  for await (const batch of view.read(entity, range)) {
    hash.update(batch.bytes)
    rows += batch.rows
  }
  return { range, rows, sha256: hash.digest('hex'), evidence: await view.evidence(entity) }
}

/** The states of known ranges, in the order they were asked. */
export async function checkAll(view: ConsistentView, entity: string, known: readonly KnownRange[]): Promise<RangeState[]> {
  const states: RangeState[] = []
  for await (const state of view.check(entity, known)) states[state.index] = state
  return states
}
