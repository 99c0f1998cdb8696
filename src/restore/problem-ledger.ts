import type { RecordProblem } from '../contracts/restore-target.ts'
import { HoldfastError } from '../kernel/errors.ts'
import { countCauses, diagnose, type RestoreDiagnostic, type RestoreDiagnostics } from './restore-diagnostics.ts'

/** How a target tells of rows that it finds undecided when it merges. */
interface TargetConflict {
  readonly entity: string
  readonly rows: number
  readonly keys: readonly string[]
}

/** The records that a restore cannot bring back, from all its stores and stages. */
export class ProblemLedger {
  readonly #entries: RestoreDiagnostic[] = []
  #count = 0

  /** All problems there were, listed or not. */
  get count(): number {
    return this.#count
  }

  note(store: string, problems: readonly RecordProblem[], count: number): void {
    this.#entries.push(...diagnose(store, problems))
    this.#count += count
  }

  /** Takes over the problems, or the conflicts, that a refused merge carries. */
  noteRefusal(error: HoldfastError, storeOf: (entity: string) => string): void {
    const { problems, problemCount, conflicts, store } = error.details
    const nameOf = (entity: string) => (typeof store === 'string' ? store : storeOf(entity))
    if (Array.isArray(problems) && problems.length > 0) {
      const listed = problems as readonly RecordProblem[]
      this.note(nameOf(listed[0]!.entity), listed, typeof problemCount === 'number' ? problemCount : listed.length)
    }
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
    const causes = Object.entries(countCauses(this.#entries)).map(([cause, count]) => `${count} ${cause}`)
    throw new HoldfastError(
      'E_RESTORE_REJECTED',
      `${this.#count} records cannot be restored (${causes.join(', ')}); the first: ${this.#entries[0]?.message ?? 'unlisted'}; nothing was written`,
      { details: { problemCount: this.#count } },
    )
  }

  diagnostics(of: Pick<RestoreDiagnostics, 'restoreId' | 'snapshotId' | 'planId' | 'at' | 'code'>): RestoreDiagnostics {
    return { ...of, total: this.#count, causes: countCauses(this.#entries), entries: this.#entries }
  }
}
