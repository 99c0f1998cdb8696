import type { RecordProblem } from '../contracts/restore-target.ts'
import { HoldfastError } from '../kernel/errors.ts'
import { countCauses, diagnose, type RestoreDiagnostic, type RestoreDiagnostics } from './restore-diagnostics.ts'

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

  /** Takes over the problems that a refused merge carries. */
  noteRefusal(error: HoldfastError, storeOf: (entity: string) => string): void {
    const { problems, problemCount, store } = error.details
    if (!Array.isArray(problems) || problems.length === 0) return
    const listed = problems as readonly RecordProblem[]
    this.note(typeof store === 'string' ? store : storeOf(listed[0]!.entity), listed, typeof problemCount === 'number' ? problemCount : listed.length)
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
