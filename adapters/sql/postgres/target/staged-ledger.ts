import { createHash, type Hash } from 'node:crypto'
import { VERSION } from '../../../../src/kernel/version.ts'
import { quoteLiteral } from '../quote.ts'
import type { FittedItem } from './fit-record.ts'
import type { TargetTransaction } from './target-session.ts'

/** What of its records a staging table holds, in its comment: written in the transaction that loads them, it is true whenever it can be read. */
export interface StagedLedger {
  /** Names the restore that may go on with them. */
  readonly owner: string
  readonly shape: string
  /** The first so many records. */
  readonly rows: number
  /** Of their lines, as they were handed over, behind what only that restore knows: everybody may read comments. */
  readonly sha256: string
  /** All records are there, no two with one key, and the table is ready. */
  readonly indexed: boolean
}

/** Goes up when lines become other values of the columns than before; another version of Holdfast takes nothing up anyway. */
const FORMAT = 1

/** What lines are loaded as: equal for the same fields, of the same types, into the same columns of the same table. */
export function shapeOf({ item, live, fields }: FittedItem): string {
  const told = fields.map(({ path, column, record, live: { dbType } }) => [path, column, record.type, record.dbType, dbType])
  return createHash('sha256')
    .update(JSON.stringify([FORMAT, VERSION, item.entity, live.table, told]))
    .digest('hex')
}

export function ownerOf(resumes: string): string {
  return createHash('sha256').update(`owner of ${resumes}`).digest('hex')
}

/** Of no line yet. */
export function lineHash(resumes: string): Hash {
  return createHash('sha256').update(`${resumes}\n`)
}

export function readLedger(comment: string | null): StagedLedger | null {
  const at = comment?.indexOf('\n{') ?? -1
  if (at < 0) return null
  try {
    return JSON.parse(comment!.slice(at + 1)) as StagedLedger
  } catch {
    return null
  }
}

/** Keeps the ledger of one table while it is loaded. */
export interface LedgerKeeper {
  /** Lines that go into the table next, in their order. */
  add(lines: Uint8Array): void
  note(tx: TargetTransaction, rows: number, indexed: boolean): Promise<void>
}

/** `hash`: of the lines that are in the table already. */
export function ledgerKeeper(table: string, fitted: FittedItem, resumes: string, hash: Hash = lineHash(resumes)): LedgerKeeper {
  const shape = shapeOf(fitted)
  const owner = ownerOf(resumes)
  return {
    add: (lines) => void hash.update(lines),
    async note(tx, rows, indexed) {
      const ledger: StagedLedger = { owner, shape, rows, sha256: hash.copy().digest('hex'), indexed }
      await tx.rows('noting what is staged', `COMMENT ON TABLE ${table} IS ${quoteLiteral(`${purposeOf(fitted)}\n${JSON.stringify(ledger)}`)}`)
    },
  }
}

export function purposeOf({ item, live }: FittedItem): string {
  return `Holdfast: records of ${item.entity} on their way into ${live.table}`
}
