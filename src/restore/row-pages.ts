import type { RestoreLog, RestorePart } from '../archive/index.ts'
import type { AbortableOptions } from '../kernel/abort.ts'

/** JSON of the rows of one page: what is in memory of however many rows. */
const PAGE_BYTES = 2 * 1024 * 1024

/** Where pages of rows go. Numbers are given once, also to pages that are given up. */
export interface RowPagePlace {
  readonly log: Pick<RestoreLog, 'writePart'>
  readonly id: string
  readonly part: RestorePart
  next: number
}

/** Writes rows of one kind to numbered objects of the repository, a page at a time. */
export class RowPageWriter {
  readonly #place: RowPagePlace
  readonly #options: AbortableOptions
  readonly #pages: number[] = []
  #rows: unknown[] = []
  #bytes = 0

  constructor(place: RowPagePlace, options: AbortableOptions) {
    this.#place = place
    this.#options = options
  }

  /** `bytes`: about how much the row takes. */
  async add(row: unknown, bytes: number): Promise<void> {
    this.#rows.push(row)
    this.#bytes += bytes + 16
    if (this.#bytes >= PAGE_BYTES) await this.#flush()
  }

  /** Numbers of all pages, in order. */
  async end(): Promise<readonly number[]> {
    if (this.#rows.length > 0) await this.#flush()
    return this.#pages
  }

  async #flush(): Promise<void> {
    const { log, id, part } = this.#place
    const page = this.#place.next++
    const rows = this.#rows
    this.#rows = []
    this.#bytes = 0
    await log.writePart(id, part, page, { id, page, rows }, this.#options)
    this.#pages.push(page)
  }
}

/** The rows of pages, in order; one page in memory at a time. */
export async function* readRowPages<R>(
  { log, id, part }: Omit<RowPagePlace, 'next' | 'log'> & { readonly log: Pick<RestoreLog, 'readPart'> },
  pages: readonly number[],
  options: AbortableOptions,
): AsyncGenerator<R, void, undefined> {
  for (const page of pages) {
    const { rows } = (await log.readPart(id, part, page, options)) as { readonly rows: readonly R[] }
    yield* rows
  }
}
