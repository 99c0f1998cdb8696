import type { ManifestEntity, RangeEntry } from '../archive/index.ts'
import type { KeyText } from '../contracts/key-range.ts'
import { type KeyComparator, keyComparator } from '../compare/key-comparator.ts'
import { createRangeFinder } from '../compare/range-finder.ts'
import { createLineParser, keyTextOf, type LineParser, type ValueSpans } from '../record/index.ts'
import type { RowReason } from '../restore/index.ts'

/** One record of the snapshot. Good until the next one is read. */
export interface PickedRecord {
  readonly key: KeyText
  /** With its 0x0A. */
  readonly line: Buffer
  /** The token of a field. */
  token(path: string): string
}

/** What is picked of one entity, and why. */
export class PickedEntity {
  readonly entity: ManifestEntity
  /** Rows that were found, by key. */
  readonly found = new Map<KeyText, RowReason>()
  /** Rows that are to be looked for. */
  readonly wanted = new Map<KeyText, RowReason>()
  /** Where they were found. */
  readonly ranges = new Set<RangeEntry>()
  /** Their lines; empty when there was no room for those of all. */
  readonly lines = new Map<KeyText, Buffer>()
  /** Null where it is not known in which range a key must be. */
  readonly rangeOf: ((key: KeyText) => RangeEntry | null) | null
  readonly #parser: LineParser
  readonly #compare: KeyComparator | null
  readonly #places: ReadonlyMap<string, number>

  constructor(entity: ManifestEntity, dialect: string) {
    this.entity = entity
    const { fields, name } = entity.descriptor
    this.#parser = createLineParser({ entity: name, fields: fields.map(({ path }) => path) })
    this.#places = new Map(fields.map(({ path }, at) => [path, at]))
    const find = createRangeFinder(entity, dialect)
    this.#compare = keyComparator(entity.descriptor, dialect)
    this.rangeOf = this.#compare ? (key) => find(key)[0] ?? null : null
  }

  get name(): string {
    return this.entity.descriptor.name
  }

  has(key: KeyText): boolean {
    return this.found.has(key) || this.wanted.has(key)
  }

  /** The lines in the order of their keys, where that is known; else as they were found. */
  orderedLines(): readonly Buffer[] {
    const compare = this.#compare
    return compare ? [...this.lines.keys()].sort(compare).map((key) => this.lines.get(key)!) : [...this.lines.values()]
  }

  /** `line` with its 0x0A. */
  record(line: Buffer): PickedRecord {
    const spans: ValueSpans = this.#parser.spans(line, 0, line.byteLength, 1)
    const token = (path: string) => {
      const at = this.#places.get(path)! * 2
      return line.toString('utf8', spans[at], spans[at + 1])
    }
    const { key } = this.entity.descriptor
    // Of most lines that are looked at nobody asks for the key.
    return {
      line,
      token,
      get key() {
        return keyTextOf(key.map(token))
      },
    }
  }
}
