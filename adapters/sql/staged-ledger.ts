import { createHash, type Hash } from 'node:crypto'
import { VERSION } from '../../src/kernel/version.ts'

/** What of its records a staging table holds. It is kept in the transaction that loads them, so it is true whenever it can be read. */
export interface StagedLedger {
  /** Names the restore that may go on with them. */
  readonly owner: string
  readonly shape: string
  /** The first so many records. */
  readonly rows: number
  /** Of their lines, as they were handed over, behind what only that restore knows: others may be able to read it. */
  readonly sha256: string
  /** All records are there, no two with one key, and indexed: the table takes no more. False where tables are indexed from the beginning. */
  readonly indexed: boolean
}

/** Goes up when lines become other values of the columns than before; another version of Holdfast takes nothing up anyway. */
const FORMAT = 1

/** What lines are loaded as: equal for the same entity, loaded the same way. `told` is all of fields and target that has a say in it. */
export function shapeOf(entity: string, ...told: readonly unknown[]): string {
  return createHash('sha256')
    .update(JSON.stringify([FORMAT, VERSION, entity, ...told]))
    .digest('hex')
}

export function ownerOf(resumes: string): string {
  return createHash('sha256').update(`owner of ${resumes}`).digest('hex')
}

/** Of no line yet. */
export function lineHash(resumes: string): Hash {
  return createHash('sha256').update(`${resumes}\n`)
}

/** Null for what is no ledger. */
export function parseLedger(text: string): StagedLedger | null {
  try {
    const { owner, shape, rows, sha256, indexed } = JSON.parse(text) as Partial<StagedLedger>
    const whole = typeof owner === 'string' && typeof shape === 'string' && Number.isSafeInteger(rows) && typeof sha256 === 'string'
    return whole ? { owner, shape, rows: rows!, sha256, indexed: indexed === true } : null
  } catch {
    return null
  }
}

/** Of what was left, the table of that shape with the most records, which is there no more then; null when there is none. */
export function takeFullest<Left extends { readonly ledger: StagedLedger }>(left: Left[], shape: string): Left | null {
  const [fullest] = left.filter(({ ledger }) => ledger.shape === shape).sort((a, b) => b.ledger.rows - a.ledger.rows)
  if (fullest) left.splice(left.indexOf(fullest), 1)
  return fullest ?? null
}

/** Keeps the ledger of one table while it is loaded. */
export interface LedgerKeeper {
  /** Lines that go into the table next, in their order. */
  add(lines: Uint8Array): void
  /** The ledger of the lines so far, which are so many. */
  at(rows: number, indexed?: boolean): StagedLedger
}

/** `hash`: of the lines that are in the table already. */
export function ledgerKeeper(shape: string, resumes: string, hash: Hash = lineHash(resumes)): LedgerKeeper {
  const owner = ownerOf(resumes)
  return {
    add: (lines) => void hash.update(lines),
    at: (rows, indexed = false) => ({ owner, shape, rows, sha256: hash.copy().digest('hex'), indexed }),
  }
}
