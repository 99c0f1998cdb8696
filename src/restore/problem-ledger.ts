import type { RecordProblem } from '../contracts/restore-target.ts'
import { HoldfastError } from '../kernel/errors.ts'
import { hintFor } from './cause-hints.ts'
import { countCauses, diagnose, type RestoreDiagnostic, type RestoreDiagnostics } from './restore-diagnostics.ts'

/** How a target tells of rows that it finds undecided when it merges. */
interface TargetConflict {
  readonly entity: string
  readonly rows: number
  readonly keys: readonly string[]
}

/** Records that a refusal names in its message, and in its details; the diagnostics have all that are listed. */
const NAMED = 5
const LISTED = 100

/** The records that a restore cannot bring back, from all its stores and stages. */
export class ProblemLedger {
  readonly #entries: RestoreDiagnostic[] = []
  #count = 0

  /** All problems there were, listed or not. */
  get count(): number {
    return this.#count
  }

  get entries(): readonly RestoreDiagnostic[] {
    return this.#entries
  }

  /** The entries that were made of the problems. */
  note(store: string, problems: readonly RecordProblem[], count: number): readonly RestoreDiagnostic[] {
    const made = diagnose(store, problems)
    for (const entry of made) this.#entries.push(entry)
    this.#count += count
    return made
  }

  /** Takes over the problems, or the conflicts, that a refused merge carries. */
  noteRefusal(error: HoldfastError, storeOf: (entity: string) => string): void {
    const { problems, problemCount, conflicts, store } = error.details
    const nameOf = (entity: string) => (typeof store === 'string' ? store : storeOf(entity))
    // Of masks and schemas `problems` are texts, which the error's message has: they are no record's.
    const listed = Array.isArray(problems) ? problems.filter(isRecordProblem) : []
    if (listed.length > 0) this.note(nameOf(listed[0]!.entity), listed, typeof problemCount === 'number' ? problemCount : listed.length)
    // Rows that moved between the comparison and the merge.
    for (const { entity, rows, keys } of Array.isArray(conflicts) ? (conflicts as readonly TargetConflict[]) : [])
      this.note(
        nameOf(entity),
        keys.map((key) => ({ entity, key, cause: 'conflict', message: 'the live row differs' })),
        rows,
      )
  }

  /** @throws `E_RESTORE_REJECTED` when there is any problem. The diagnostics have them all. */
  refuse(): void {
    if (this.#count === 0) return
    throw new HoldfastError('E_RESTORE_REJECTED', `${this.#said()}; nothing was written`, { hint: hintFor(this.#entries), details: this.#details() })
  }

  /** More fail than may. */
  beyond(limit: number): HoldfastError {
    return new HoldfastError('E_RESTORE_REJECTED', `${this.#said()}; \`continueOnError\` lets ${limit} fail, so nothing was written`, {
      hint: `Raise \`continueOnError\` to leave more of them out. ${hintFor(this.#entries)}`,
      details: this.#details(),
    })
  }

  #said(): string {
    const causes = Object.entries(countCauses(this.#entries)).map(([cause, count]) => `${count} ${cause}`)
    const some = this.#entries.slice(0, NAMED).map(({ entity, key, message }) => `${entity}${key === null ? '' : ` ${key}`}: ${message}`)
    const more = this.#count > some.length ? '; …' : ''
    return `${this.#count} ${this.#count === 1 ? 'record' : 'records'} cannot be restored (${causes.join(', ')}): ${some.join('; ')}${more}`
  }

  #details() {
    return { problemCount: this.#count, problems: this.#entries.slice(0, LISTED) }
  }

  diagnostics(of: Pick<RestoreDiagnostics, 'restoreId' | 'snapshotId' | 'planId' | 'at' | 'code'>): RestoreDiagnostics {
    return { ...of, total: this.#count, causes: countCauses(this.#entries), entries: this.#entries }
  }
}

function isRecordProblem(found: unknown): found is RecordProblem {
  return typeof found === 'object' && found !== null && 'entity' in found && 'cause' in found
}
