import { createHash, randomBytes } from 'node:crypto'
import type { RangeDigester } from '../../../src/contracts/range-digester.ts'
import type { RecordBatch } from '../../../src/contracts/record-batch.ts'
import type { MysqlEntity } from './catalog.ts'

/** Texts of one range that the server is let put together at most; it may be content with less. Ranges beyond it have no digest, and are compared by their lines. */
export const DIGEST_TEXT_BYTES = 64 * 1024 * 1024

/** `1` and `2` added up a hash of each row. */
const FORMAT = '3'
const SEED_BYTES = 8
const ZERO = 0x30

export const NO_TEXT_SHA256 = createHash('sha256').digest('hex')

/** The seed of a digest given earlier; null when it is none that can be compared. */
export function seedOf(digest: string): string | null {
  const [format, seed, ...rest] = digest.split(':')
  return format === FORMAT && seed !== undefined && /^[0-9a-f]{16}$/.test(seed) && rest.length === 3 ? seed : null
}

export const newSeed = (): string => randomBytes(SEED_BYTES).toString('hex')

/**
 * The digest of a range: the SHA-256 of the texts of its rows (`rowTextSql`) in key order, one after the other, with the number of rows and that of values that are not NULL among
 * those that may be. The seed stands before each value. Nobody could foresee it when the rows were written, so no value holds it, and the numbers say how often
 * it stands in the text: rows that differ have another digest, also when whoever wrote them has read the seed meanwhile.
 */
export function digestText(seed: string, { rows, values, sha256 }: { readonly rows: number; readonly values: number; readonly sha256: string }): string {
  return `${FORMAT}:${seed}:${rows}:${values}:${sha256}`
}

/** Tells from batches what `digestRange` has the server tell. */
export class BatchDigester implements RangeDigester {
  readonly #seed: string
  readonly #longest: number
  readonly #nullables: number
  readonly #hash = createHash('sha256')
  #rows = 0
  #values = 0
  #bytes = 0
  #complete = true

  /** `longestText` is the server's. */
  constructor({ columns }: MysqlEntity, seed: string, longestText: number) {
    this.#seed = seed
    this.#longest = Math.min(longestText, DIGEST_TEXT_BYTES)
    this.#nullables = columns.filter(({ nullable }) => nullable).length
  }

  add({ rows, hashed }: RecordBatch): void {
    this.#rows += rows
    if (hashed === undefined) {
      this.#complete = false
      return
    }
    const { bytes, ends } = hashed
    this.#hash.update(bytes)
    this.#bytes += bytes.length
    // Each text begins with a map that has a 0 for a value.
    for (let row = 0, start = 0; row < rows; start = ends[row++]!) for (let at = 0; at < this.#nullables; at++) if (bytes[start + at] === ZERO) this.#values++
  }

  digest(): string | undefined {
    if (!this.#complete || this.#bytes >= this.#longest) return undefined
    return digestText(this.#seed, { rows: this.#rows, values: this.#values, sha256: this.#hash.digest('hex') })
  }
}
