import type { RestoreDiagnostic } from './restore-diagnostics.ts'

/** Records of one store that a restore goes on without, by their number among those of their entity that are loaded. */
export class FailedRecords {
  readonly #entities = new Map<string, Map<number, RestoreDiagnostic>>()
  readonly #refused = new Map<string, number>()

  get count(): number {
    return [...this.#entities.values()].reduce((sum, lines) => sum + lines.size, 0)
  }

  has(entity: string, line: number): boolean {
    return this.#entities.get(entity)?.has(line) === true
  }

  /** `refused`: the database did not even stage it. */
  add(entity: string, line: number, diagnostic: RestoreDiagnostic, refused: boolean): void {
    const lines = this.#entities.get(entity) ?? new Map<number, RestoreDiagnostic>()
    this.#entities.set(entity, lines.set(line, diagnostic))
    if (refused) this.#refused.set(entity, this.refused(entity) + 1)
  }

  linesOf(entity: string): ReadonlyMap<number, RestoreDiagnostic> {
    return this.#entities.get(entity) ?? new Map()
  }

  /** How many of an entity were not staged. */
  refused(entity: string): number {
    return this.#refused.get(entity) ?? 0
  }
}
