import type { RangeEntry } from '../archive/index.ts'
import type { ComparedEntity, ComparisonTotals } from './comparison.ts'
import type { RecordDifference } from './record-difference.ts'

/** Counts what comparing one entity does. */
export class EntityTally {
  readonly #of: Pick<ComparedEntity, 'store' | 'entity' | 'rows'>
  readonly #changes = { added: 0, removed: 0, changed: 0 }
  readonly #read = new Set<string>()
  readonly #skipped = new Set<string>()
  #rowsRead = 0
  #rowsSkipped = 0

  constructor(of: Pick<ComparedEntity, 'store' | 'entity' | 'rows'>) {
    this.#of = of
  }

  /** May be told of a range again: what is read twice counts once. */
  readRange({ layers, rows }: RangeEntry): void {
    if (layers.every(({ name }) => this.#read.has(name))) return
    for (const { name } of layers) this.#read.add(name)
    this.#rowsRead += rows
  }

  skipRange({ layers, rows }: RangeEntry): void {
    for (const { name } of layers) this.#skipped.add(name)
    this.#rowsSkipped += rows
  }

  readRows(rows: number): void {
    this.#rowsRead += rows
  }

  skipRows(rows: number): void {
    this.#rowsSkipped += rows
  }

  found({ change }: RecordDifference): void {
    this.#changes[change]++
  }

  get entity(): ComparedEntity {
    return {
      ...this.#of,
      ...this.#changes,
      rowsRead: this.#rowsRead,
      rowsSkipped: this.#rowsSkipped,
      chunks: { read: [...this.#read], skipped: [...this.#skipped].filter((name) => !this.#read.has(name)) },
    }
  }
}

export function totalsOf(entities: readonly ComparedEntity[]): ComparisonTotals {
  const sum = (of: (entity: ComparedEntity) => number) => entities.reduce((total, entity) => total + of(entity), 0)
  return {
    added: sum((entity) => entity.added),
    removed: sum((entity) => entity.removed),
    changed: sum((entity) => entity.changed),
    rowsRead: sum((entity) => entity.rowsRead),
    rowsSkipped: sum((entity) => entity.rowsSkipped),
    chunksRead: sum((entity) => entity.chunks.read.length),
    chunksSkipped: sum((entity) => entity.chunks.skipped.length),
  }
}
