import { jsonElements, type RestoreLog, type RestorePart } from '../archive/index.ts'
import type { AbortableOptions } from '../kernel/abort.ts'
import { CanonicalJson, canonicalJson } from '../kernel/canonical-json.ts'
import { HoldfastError } from '../kernel/errors.ts'

/** JSON of the rows of one page: what is in memory of however many rows. */
const PAGE_BYTES = 1024 * 1024

/** Text that is turned into bytes at once: it must not grow old, for what is old stays on the heap until that is full. */
const PIECE_LENGTH = 64 * 1024

/** Where pages of rows go. Numbers are given once, also to pages that are given up. */
export interface RowPagePlace {
  readonly log: Pick<RestoreLog, 'writePart'>
  readonly id: string
  readonly part: RestorePart
  next: number
}

/** Before the rows of a page, and behind them: canonical JSON. */
const headOf = (id: string, page: number) => `{"id":${JSON.stringify(id)},"page":${page},"rows":[`
const TAIL = Buffer.from(']}')

/** Writes rows of one kind to numbered objects of the repository, a page at a time. */
export class RowPageWriter {
  readonly #place: RowPagePlace
  readonly #options: AbortableOptions
  readonly #pages: number[] = []
  #texts: string[] = []
  #length = 0
  #pieces: Buffer[] = []
  #bytes = 0

  constructor(place: RowPagePlace, options: AbortableOptions) {
    this.#place = place
    this.#options = options
  }

  async add(row: unknown): Promise<void> {
    const text = canonicalJson(row)
    this.#texts.push(text)
    this.#length += text.length + 1
    if (this.#length < PIECE_LENGTH) return
    this.#encode()
    if (this.#bytes >= PAGE_BYTES) await this.#flush()
  }

  /** Numbers of all pages, in order. */
  async end(): Promise<readonly number[]> {
    this.#encode()
    if (this.#pieces.length > 0) await this.#flush()
    return this.#pages
  }

  #encode(): void {
    if (this.#texts.length === 0) return
    const piece = Buffer.from(`${this.#pieces.length > 0 ? ',' : ''}${this.#texts.join(',')}`)
    this.#texts = []
    this.#length = 0
    this.#pieces.push(piece)
    this.#bytes += piece.byteLength
  }

  async #flush(): Promise<void> {
    const { log, id, part } = this.#place
    const page = this.#place.next++
    const bytes = Buffer.concat([Buffer.from(headOf(id, page)), ...this.#pieces, TAIL])
    this.#pieces = []
    this.#bytes = 0
    await log.writePart(id, part, page, new CanonicalJson(bytes), this.#options)
    this.#pages.push(page)
  }
}

/** The rows of pages, in order; the text of one page in memory at a time, and its rows one by one. */
export async function* readRowPages<R>(
  { log, id, part }: Omit<RowPagePlace, 'next' | 'log'> & { readonly log: Pick<RestoreLog, 'readPartText'> },
  pages: readonly number[],
  options: AbortableOptions,
): AsyncGenerator<R, void, undefined> {
  for (const page of pages) yield* rowsOf<R>(await log.readPartText(id, part, page, options), id, page)
}

function* rowsOf<R>(bytes: Uint8Array, id: string, page: number): Generator<R, void, undefined> {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const head = Buffer.from(headOf(id, page))
  const end = text.byteLength - TAIL.byteLength
  if (end < head.byteLength || !text.subarray(0, head.byteLength).equals(head) || !text.subarray(end).equals(TAIL))
    throw new HoldfastError('E_ARCHIVE_CORRUPT', `page ${page} of restore ${id} is not one of rows`)
  for (const [from, to] of jsonElements(text, head.byteLength, end)) yield rowOf<R>(text.toString('utf8', from, to), id, page)
}

function rowOf<R>(text: string, id: string, page: number): R {
  try {
    return JSON.parse(text) as R
  } catch (error) {
    throw new HoldfastError('E_ARCHIVE_CORRUPT', `page ${page} of restore ${id} holds something else than rows`, { cause: error })
  }
}
