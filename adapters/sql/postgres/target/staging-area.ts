import { HoldfastError } from '../../../../src/kernel/errors.ts'
import { ownerOf, type StagedLedger, takeFullest } from '../../staged-ledger.ts'
import { quoteIdent, quoteTable } from '../quote.ts'
import { LOCK_CLASS, lockNumber, ownerName, type RestoreLock } from './restore-lock.ts'
import { ledgerOf } from './staging-comment.ts'
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
  /** The name of a table for a few records that lasts as long as the session. Absent where there is none: without the right to, or where a pooler gives each transaction another session. */
  readonly temporary?: () => string
  /** The beginning of a statement that creates a table which does not outlive its transaction, for about so many rows, and its name. */
  passing(rows: number): { readonly name: string; readonly create: string }
  /**
   * Makes sure of the schema, and that nothing sweeps it before the transaction ends. Call it in the transaction that creates a table.
   *
   * @throws `E_PERMISSION` with the missing GRANT as hint.
   */
  prepare(tx: TargetTransaction): Promise<void>
  /** What the restore is known by to one that does the same after it was interrupted; null where none may go on with what it stages. */
  readonly resumes: string | null
  /** A table that an interrupted restore has left, of records of that shape: the fullest one. It is of this restore now, and given once. */
  left(shape: string): LeftTable | null
  /** Drops the tables of this restore and gives its lock back. */
  clear(): Promise<void>
}

export interface LeftTable {
  readonly table: string
  readonly ledger: StagedLedger
}

/** Claims the staging area of one restore, and drops what restores that live no more have left: those whose lock is free. Tables that this one may go on with become its own. */
export async function openStagingArea(
  tx: TargetTransaction,
  session: TargetSession,
  { lock, restoreId, resumes }: { readonly lock: RestoreLock; readonly restoreId: string; readonly resumes: string | null },
): Promise<StagingArea> {
  const owner = ownerName(restoreId)
  const names = namesOf(owner)
  const [place] = await tx.rows('asking for rights', PLACE, [STAGING_SCHEMA])
  // Where there is no schema nothing was left.
  const left = place?.staged === 'true' ? [...(await sweep(tx, owner, resumes, names))] : []
  return createStagingArea(session, owner, { lock, mayTemp: place?.temp === 'true', names, resumes, left })
}

/** Names of tables, one after the other. */
function namesOf(owner: string): () => string {
  let made = 0
  return () => `r${owner}_${++made}`
}

interface StagingAreaParts extends Pick<StagingArea, 'resumes'> {
  readonly lock: RestoreLock
  readonly mayTemp: boolean
  readonly names: () => string
  readonly left: LeftTable[]
}

function createStagingArea(session: TargetSession, owner: string, { lock, mayTemp, names: next, resumes, left }: StagingAreaParts): StagingArea {
  const temporary: string[] = []
  /** Nobody else makes tables of this owner, and what others left was swept. */
  let prepared = left.length > 0
  const nameTemporary = (): string => {
    const name = quoteTable('pg_temp', next())
    temporary.push(name)
    return name
  }
  return {
    resumes,
    ...(mayTemp && !session.server.pooled ? { temporary: nameTemporary } : {}),

    left: (shape) => takeFullest(left, shape),

    name: () => quoteTable(STAGING_SCHEMA, next()),

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
      const first = temporary.length > 0 ? { doing: 'dropping staging tables', sql: `DROP TABLE IF EXISTS ${temporary.join(', ')}` } : undefined
      const clearing = async (tx: TargetTransaction) => {
        // Nobody else would see the tables of this session, whoever takes the lock from here on.
        if (!prepared) return lock.release(tx)
        await dropTables(tx, ({ owner: name }) => name === owner)
        await dropEmptySchema(tx)
      }
      // What a crash of the server brings back is swept by the next restore.
      await session.transaction(clearing, { ending: 'passing', ...(first ? { first } : {}) })
      if (prepared) await lock.release()
    },
  }
}

const PLACE = `SELECT has_database_privilege(current_database(), 'TEMP')::text AS temp, EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)::text AS staged`

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
  readonly ledger: StagedLedger | null
}

/** One at a time creates or drops the schema, so that it does not go from under a table. */
async function guardSchema(tx: TargetTransaction): Promise<void> {
  await tx.rows('guarding the staging schema', `SELECT pg_advisory_xact_lock(${LOCK_CLASS}, 0)`)
}

/** Tables of a former process under this same id go too: its lock was free. Those that the restore may go on with get names of its own, while the lock of their maker is held. */
async function sweep(tx: TargetTransaction, owner: string, resumes: string | null, names: () => string): Promise<readonly LeftTable[]> {
  const alive = new Map<string, boolean>([[owner, false]])
  for (const { owner: other } of await stagingTables(tx)) {
    if (alive.has(other)) continue
    const [row] = await tx.rows('looking for abandoned restores', `SELECT pg_try_advisory_xact_lock(${LOCK_CLASS}, ${lockNumber(other)})::text AS free`)
    alive.set(other, row?.free !== 'true')
  }
  const stays = ({ owner: other, ledger }: StagingTable) => resumes !== null && ledger?.owner === ownerOf(resumes) && other !== owner
  await dropTables(tx, (table) => alive.get(table.owner) === false && !stays(table))
  const left: LeftTable[] = []
  for (const { table, ledger } of (await stagingTables(tx)).filter((each) => alive.get(each.owner) === false && stays(each))) {
    const name = names()
    await tx.rows('taking a staging table over', `ALTER TABLE ${table} RENAME TO ${quoteIdent(name)}`)
    left.push({ table: quoteTable(STAGING_SCHEMA, name), ledger: ledger! })
  }
  await dropEmptySchema(tx)
  return left
}

async function stagingTables(tx: TargetTransaction): Promise<readonly StagingTable[]> {
  const rows = await tx.rows(
    'listing the staging tables',
    `SELECT c.relname AS name, obj_description(c.oid, 'pg_class') AS comment FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = $1 AND c.relkind = 'r' AND c.relname ~ '^r[0-9a-f]{32}_[0-9]+$' AND pg_has_role(c.relowner, 'USAGE') ORDER BY 1`,
    [STAGING_SCHEMA],
  )
  return rows.map(({ name, comment }) => ({ table: quoteTable(STAGING_SCHEMA, name!), owner: name!.slice(1, 33), ledger: ledgerOf(comment ?? null) }))
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
