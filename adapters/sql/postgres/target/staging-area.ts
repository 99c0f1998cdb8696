import { createHash } from 'node:crypto'
import { HoldfastError } from '../../../../src/kernel/errors.ts'
import type { PostgresConnections } from '../connections.ts'
import { quoteIdent, quoteTable } from '../quote.ts'
import { LOCK_CLASS, type RestoreLock, takeRestoreLock } from './restore-lock.ts'
import type { TargetSession, TargetTransaction } from './target-session.ts'

/** Everything that a restore keeps beside the live tables is in this schema. It is dropped with the last table in it. */
export const STAGING_SCHEMA = 'holdfast_staging'

/**
 * Up to here a table and its indexes are cheaper as temporary ones: each file of an unlogged table is synced when it is made. Larger ones are better unlogged, for parallel workers do not
 * read temporary tables. Never plain ones: a publication of all tables would send them to its subscribers.
 */
export const FEW_ROWS = 20_000

/** The tables of one restore. */
export interface StagingArea {
  /** A new name for a table of this restore, quoted, with schema. */
  name(): string
  /** The name of a table for a few records that lasts as long as the session; null where there is none: without the right to, or where a pooler gives each transaction another session. */
  temporary(): string | null
  /** The beginning of a statement that creates a table which does not outlive its transaction, for about so many rows, and its name. */
  passing(rows: number): { readonly name: string; readonly create: string }
  /**
   * Makes sure of the schema, and that nothing sweeps it before the transaction ends. Call it in the transaction that creates a table.
   *
   * @throws `E_PERMISSION` with the missing GRANT as hint.
   */
  prepare(tx: TargetTransaction): Promise<void>
  /** Drops the tables of this restore and gives its lock back. */
  clear(): Promise<void>
}

/**
 * Claims the staging area of one restore, and drops what restores that live no more have left: those whose lock is free.
 *
 * @throws `E_SESSION_FENCED` when a restore of that id runs in another session.
 */
export async function openStagingArea(session: TargetSession, connections: PostgresConnections, restoreId: string): Promise<StagingArea> {
  const owner = createHash('sha256').update(restoreId).digest('hex').slice(0, 32)
  const lock = await takeRestoreLock(session, connections, lockNumber(owner))
  if (!lock) throw new HoldfastError('E_SESSION_FENCED', `restore ${restoreId} runs in another session of this database`)
  try {
    const mayTemp = await session.transaction(async (tx) => {
      await sweep(tx, owner)
      const [rights] = await tx.rows('asking for rights', `SELECT has_database_privilege(current_database(), 'TEMP')::text AS temp`)
      return rights?.temp === 'true'
    })
    return createStagingArea(session, owner, lock, mayTemp)
  } catch (error) {
    await lock.release().catch(() => {})
    throw error
  }
}

function createStagingArea(session: TargetSession, owner: string, lock: RestoreLock, mayTemp: boolean): StagingArea {
  let made = 0
  const next = () => `r${owner}_${++made}`
  const temporary: string[] = []
  /** Nobody else makes tables of this owner, and what others left was swept. */
  let prepared = false
  return {
    name: () => quoteTable(STAGING_SCHEMA, next()),

    temporary() {
      if (!mayTemp || session.server.pooled) return null
      const name = quoteTable('pg_temp', next())
      temporary.push(name)
      return name
    },

    passing(rows) {
      const temporary = mayTemp && rows <= FEW_ROWS
      const name = quoteTable(temporary ? 'pg_temp' : STAGING_SCHEMA, next())
      return { name, create: `CREATE ${temporary ? 'TEMP' : 'UNLOGGED'} TABLE ${name}` }
    },

    async prepare(tx) {
      prepared = true
      await guardSchema(tx)
      const rights = await tx.json<SchemaRights>('looking for the staging schema', SCHEMA_RIGHTS, [STAGING_SCHEMA])
      const missing = rights.exists
        ? !rights.mayUse && `CREATE, USAGE ON SCHEMA ${STAGING_SCHEMA}`
        : !rights.mayCreate && `CREATE ON DATABASE ${rights.database}`
      if (missing) {
        throw new HoldfastError(
          'E_PERMISSION',
          `role ${rights.role} may not create tables in a schema ${STAGING_SCHEMA}, where records are loaded before the merge`,
          {
            hint: `GRANT ${missing} TO ${rights.role}`,
          },
        )
      }
      if (!rights.exists) await tx.rows('creating the staging schema', `CREATE SCHEMA ${quoteIdent(STAGING_SCHEMA)}`)
    },

    async clear() {
      await session.transaction(async (tx) => {
        if (temporary.length > 0) await tx.rows('dropping staging tables', `DROP TABLE IF EXISTS ${temporary.join(', ')}`)
        if (!prepared) return
        await dropTables(tx, ({ owner: name }) => name === owner)
        await dropEmptySchema(tx)
      })
      await lock.release()
    },
  }
}

interface SchemaRights {
  readonly exists: boolean
  readonly mayUse: boolean
  readonly mayCreate: boolean
  readonly role: string
  readonly database: string
}

const SCHEMA_RIGHTS = `
  SELECT json_build_object('exists', n.oid IS NOT NULL, 'mayUse', has_schema_privilege(n.oid, 'CREATE') AND has_schema_privilege(n.oid, 'USAGE'),
    'mayCreate', has_database_privilege(current_database(), 'CREATE'), 'role', quote_ident(current_user), 'database', quote_ident(current_database())) AS json
  FROM (SELECT $1::name AS nspname) asked LEFT JOIN pg_namespace n USING (nspname)`

interface StagingTable {
  readonly table: string
  readonly owner: string
}

const lockNumber = (owner: string): number => Number.parseInt(owner.slice(0, 8), 16) | 0

/** One at a time creates or drops the schema, so that it does not go from under a table. */
async function guardSchema(tx: TargetTransaction): Promise<void> {
  await tx.rows('guarding the staging schema', `SELECT pg_advisory_xact_lock(${LOCK_CLASS}, 0)`)
}

/** Tables of a former process under this same id go too: its lock was free. */
async function sweep(tx: TargetTransaction, owner: string): Promise<void> {
  const alive = new Map<string, boolean>([[owner, false]])
  for (const { owner: other } of await stagingTables(tx)) {
    if (alive.has(other)) continue
    const [row] = await tx.rows('looking for abandoned restores', `SELECT pg_try_advisory_xact_lock(${LOCK_CLASS}, ${lockNumber(other)})::text AS free`)
    alive.set(other, row?.free !== 'true')
  }
  await dropTables(tx, ({ owner: other }) => alive.get(other) === false)
  await dropEmptySchema(tx)
}

async function stagingTables(tx: TargetTransaction): Promise<readonly StagingTable[]> {
  const rows = await tx.rows(
    'listing the staging tables',
    `SELECT c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = $1 AND c.relkind = 'r' AND c.relname ~ '^r[0-9a-f]{32}_[0-9]+$' AND pg_has_role(c.relowner, 'USAGE') ORDER BY 1`,
    [STAGING_SCHEMA],
  )
  return rows.map(({ name }) => ({ table: quoteTable(STAGING_SCHEMA, name!), owner: name!.slice(1, 33) }))
}

async function dropTables(tx: TargetTransaction, which: (table: StagingTable) => boolean): Promise<void> {
  await guardSchema(tx)
  const tables = (await stagingTables(tx)).filter(which).map(({ table }) => table)
  if (tables.length > 0) await tx.rows('dropping staging tables', `DROP TABLE ${tables.join(', ')}`)
}

/** Only where this role could create it again: a schema that an administrator made for it stays. */
async function dropEmptySchema(tx: TargetTransaction): Promise<void> {
  const [empty] = await tx.rows(
    'looking at the staging schema',
    `SELECT '1' AS one FROM pg_namespace n WHERE n.nspname = $1 AND pg_has_role(n.nspowner, 'USAGE') AND has_database_privilege(current_database(), 'CREATE')
     AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.refclassid = 'pg_namespace'::regclass AND d.refobjid = n.oid)`,
    [STAGING_SCHEMA],
  )
  if (empty) await tx.rows('dropping the staging schema', `DROP SCHEMA ${quoteIdent(STAGING_SCHEMA)}`)
}
