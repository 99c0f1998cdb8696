import {
  type ChunkStore,
  findRecords,
  findReferring,
  type ManifestEntity,
  type RangeEntry,
  readRange,
  readReferring,
  ReferenceSearch,
  withCachedIndexes,
} from '../archive/index.ts'
import { LineCursor } from '../compare/line-cursor.ts'
import { mayMatch } from '../compare/may-match.ts'
import { dialectOf } from '../compare/open-snapshot.ts'
import { createRecordReader } from '../compare/record-reader.ts'
import { compileWhere } from '../compare/where.ts'
import type { KeyText } from '../contracts/key-range.ts'
import { throwIfAborted } from '../kernel/abort.ts'
import { HoldfastError } from '../kernel/errors.ts'
import { mapOrdered } from '../kernel/map-ordered.ts'
import { createLineParser } from '../record/index.ts'
import type { RowReason } from '../restore/index.ts'
import { childTokens, type EntityLink, linksOf, parentKey } from './entity-links.ts'
import { linesWith } from './lines-with.ts'
import { PickedEntity, type PickedRecord } from './picked-entity.ts'
import type { SelectRowsOptions } from './select-rows.ts'

/** Keys of one range up to which the frames that hold them are read, and not the range. */
const FEW_KEYS = 4
/** Values up to which lines are searched for their bytes before they are taken apart. */
const FEW_TOKENS = 8
/** Key indexes read at once. */
const INDEXES_AHEAD = 4
const DEFAULT_ROWS = 100_000
const DEFAULT_DEPTH = 10
/** Bytes of lines that are kept as they are found, so that nothing is read twice. Of larger selections the keys are kept alone. */
const KEPT_BYTES = 16 * 1024 * 1024
/** What a line takes beside its bytes. */
const LINE_BYTES = 256

function rowsOf(rows: Map<PickedEntity, KeyText[]>, picked: PickedEntity): KeyText[] {
  const known = rows.get(picked)
  if (known) return known
  const made: KeyText[] = []
  rows.set(picked, made)
  return made
}

export const ASKED: RowReason = { because: 'asked' }

interface Frontier {
  readonly picked: PickedEntity
  readonly keys: KeyText[]
}

/** Rows and what belongs to them, found step by step. */
export class Closure {
  readonly entities = new Map<ManifestEntity, PickedEntity>()
  readonly #options: SelectRowsOptions
  readonly #links: readonly EntityLink[]
  readonly #stores = new Map<string, Promise<ChunkStore>>()
  /** Rows whose children are still to be looked for. */
  #frontier = new Map<PickedEntity, KeyText[]>()
  /** Rows that are only parents, and may be part of a record whose other parts stand elsewhere. */
  #parts = new Map<PickedEntity, KeyText[]>()
  readonly #unknown: string[] = []
  #rows = 0
  #keptBytes = 0

  constructor(options: SelectRowsOptions) {
    this.#options = options
    this.#links = options.related ? linksOf(options.manifest.entities.map(({ descriptor }) => descriptor)) : []
  }

  ask(entity: ManifestEntity, keys: readonly KeyText[]): void {
    const picked = this.#picked(entity)
    for (const key of keys) this.#want(picked, key, ASKED)
  }

  async askWhere(entity: ManifestEntity, where: Readonly<Record<string, unknown>>): Promise<void> {
    const { signal } = this.#options
    const { descriptor } = entity
    const picked = this.#picked(entity)
    const conditions = compileWhere(descriptor, where)
    const reader = createRecordReader(descriptor, [descriptor.key[0]!], conditions)
    const parser = createLineParser({ entity: descriptor.name, fields: descriptor.fields.map(({ path }) => path) })
    const chunks = await this.#chunks(entity)
    for (const range of entity.ranges) {
      throwIfAborted(signal)
      if (range.rows === 0 || !(await mayMatch(chunks, range, descriptor, conditions, { signal }))) continue
      await this.#scan(picked, range, (record) => {
        const { line } = record
        if (reader(line, parser.spans(line, 0, line.byteLength, 1))) this.#found(picked, range, record, ASKED)
      })
    }
  }

  /** Until nothing belongs to them any more that is not here. */
  async follow(): Promise<void> {
    const depth = this.#options.related?.depth ?? DEFAULT_DEPTH
    await this.#resolve()
    this.#refuseUnknown()
    for (let generation = 1; this.#frontier.size > 0 || this.#parts.size > 0; generation++) {
      const [frontier, parts] = [[...this.#frontier], [...this.#parts]].map((rows) => rows.map(([picked, keys]): Frontier => ({ picked, keys }))) as [
        Frontier[],
        Frontier[],
      ]
      this.#frontier = new Map()
      this.#parts = new Map()
      for (const link of this.#links) {
        const of = (rows: readonly Frontier[]) => rows.find(({ picked }) => picked.entity.descriptor === link.parent)
        const [from, part] = [of(frontier), link.sameRecord ? of(parts) : undefined]
        if (from && this.#follows(link, generation, depth))
          await this.#findChildren(link, from, link.child.kind === 'junction' || link.sameRecord ? 'link' : 'child')
        if (part) await this.#findChildren(link, part, 'parent')
      }
      await this.#resolve()
    }
  }

  #follows({ child, sameRecord }: EntityLink, generation: number, depth: number): boolean {
    if (sameRecord) return true
    if (child.kind === 'junction') return generation <= depth + 1
    const { children = false } = this.#options.related ?? {}
    return (
      generation <= depth &&
      (children === true || (Array.isArray(children) && (children.includes(child.name) || children.includes(`${child.store}.${child.name}`))))
    )
  }

  /** Finds the rows that are wanted, and then those that they refer to, and so on. */
  async #resolve(): Promise<void> {
    for (;;) {
      const next = [...this.entities.values()].find(({ wanted }) => wanted.size > 0)
      if (!next) return
      const wanted = new Map(next.wanted)
      next.wanted.clear()
      await this.#locate(next, wanted)
    }
  }

  async #locate(picked: PickedEntity, wanted: ReadonlyMap<KeyText, RowReason>): Promise<void> {
    const { signal } = this.#options
    const chunks = await this.#chunks(picked.entity)
    for (const [range, keys] of await this.#places(picked, wanted, chunks)) {
      throwIfAborted(signal)
      if (keys.size > FEW_KEYS) {
        await this.#scan(picked, range, (record) => {
          const reason = keys.has(record.key) ? wanted.get(record.key) : undefined
          if (reason) this.#found(picked, range, record, reason)
        })
        continue
      }
      for (const [key, line] of await findRecords(chunks, range, keys, { signal }))
        this.#found(picked, range, picked.record(Buffer.concat([line, Buffer.from('\n')])), wanted.get(key)!)
    }
    for (const [key, reason] of wanted) if (reason === ASKED && !picked.found.has(key)) this.#unknown.push(`${picked.name} ${key}`)
  }

  #refuseUnknown(): void {
    if (this.#unknown.length === 0) return
    const some = this.#unknown.slice(0, 5).join(', ')
    throw new HoldfastError('E_SELECTION', `the snapshot has no ${some}${this.#unknown.length > 5 ? ` and ${this.#unknown.length - 5} others` : ''}`)
  }

  /** Ranges and the keys that may be in them. */
  async #places(picked: PickedEntity, wanted: ReadonlyMap<KeyText, RowReason>, chunks: ChunkStore): Promise<ReadonlyMap<RangeEntry, ReadonlySet<KeyText>>> {
    const places = new Map<RangeEntry, Set<KeyText>>()
    const { rangeOf, entity } = picked
    if (rangeOf) {
      for (const key of wanted.keys()) {
        const range = rangeOf(key)
        if (range) places.set(range, (places.get(range) ?? new Set()).add(key))
      }
      return places
    }
    const all = new Set(wanted.keys())
    for (const range of entity.ranges.filter(({ rows }) => rows > 0)) {
      const held = new Set<KeyText>()
      for (const layer of range.layers) for (const key of (await chunks.readIndex(layer, { signal: this.#options.signal })).locate(all).keys()) held.add(key)
      if (held.size > 0) places.set(range, held)
    }
    return places
  }

  async #findChildren(link: EntityLink, { picked: parent, keys }: Frontier, because: 'parent' | 'child' | 'link'): Promise<void> {
    const { signal } = this.#options
    const child = this.#picked(this.#options.manifest.entities.find(({ descriptor }) => descriptor === link.child)!)
    const wanted = new Set(keys)
    const chunks = await this.#chunks(child.entity)
    const sought = childTokens(link, keys)
    const search = new ReferenceSearch(sought ?? [])
    const look = async (range: RangeEntry) => ({ range, place: sought ? await findReferring(chunks, range, search, { signal }) : { frames: null } })
    const [first] = sought ?? []
    const texts = first && first.values.length <= FEW_TOKENS ? first.values.map((token) => Buffer.from(`${JSON.stringify(first.field)}:${token}`)) : undefined
    const filled = child.entity.ranges.filter(({ rows }) => rows > 0)
    for await (const { range, place } of mapOrdered(filled, INDEXES_AHEAD, look)) {
      throwIfAborted(signal)
      if (!place) continue
      const visit = (record: PickedRecord) => {
        const key = parentKey(link, record)
        if (key === null || !wanted.has(key)) return
        this.#found(child, range, record, { because, entity: parent.name, key })
      }
      await this.#visit(child, readReferring(chunks, range, place, { signal }), visit, texts)
    }
  }

  /** A row of the snapshot that comes along. */
  #found(picked: PickedEntity, range: RangeEntry, record: PickedRecord, reason: RowReason): void {
    const { key } = record
    const known = picked.found.get(key)
    // A row that was only a parent brings no children; one that has another reason does.
    if (known && (known.because !== 'parent' || reason.because === 'parent')) return
    if (!known) {
      this.#count(picked)
      this.#keep(picked, record)
    }
    picked.wanted.delete(key)
    picked.found.set(key, reason)
    picked.ranges.add(range)
    if (!this.#options.related) return
    if (reason.because !== 'parent') rowsOf(this.#frontier, picked).push(key)
    else if (this.#links.some(({ parent, sameRecord }) => sameRecord && parent === picked.entity.descriptor)) rowsOf(this.#parts, picked).push(key)
    for (const link of this.#links.filter(({ child }) => child === picked.entity.descriptor)) {
      if (this.#options.related.parents === false && !link.sameRecord) continue
      const parent = parentKey(link, record)
      if (parent === null) continue
      const to = this.#picked(this.#options.manifest.entities.find(({ descriptor }) => descriptor === link.parent)!)
      // Part of what is wanted itself is not there for others' sake, whoever asked for it first.
      const because = link.sameRecord && reason.because !== 'parent' ? 'link' : 'parent'
      const before = to.wanted.get(parent) ?? to.found.get(parent)
      if (!before || (before.because === 'parent' && because === 'link')) to.wanted.set(parent, { because, entity: picked.name, key })
    }
  }

  #keep(picked: PickedEntity, { key, line }: PickedRecord): void {
    if (!this.keepsLines) return
    this.#keptBytes += line.byteLength + LINE_BYTES
    if (this.keepsLines) picked.lines.set(key, Buffer.from(line))
    else for (const { lines } of this.entities.values()) lines.clear()
  }

  /** The lines of all rows are at hand: they were proved when they were read. */
  get keepsLines(): boolean {
    return this.#keptBytes <= KEPT_BYTES
  }

  #want(picked: PickedEntity, key: KeyText, reason: RowReason): void {
    if (!picked.has(key)) picked.wanted.set(key, reason)
  }

  #count({ name }: PickedEntity): void {
    const { maxRows = DEFAULT_ROWS } = this.#options.related ?? { maxRows: Number.POSITIVE_INFINITY }
    if (++this.#rows <= maxRows) return
    throw new HoldfastError('E_SELECTION', `more than ${maxRows} rows would come back, the last of "${name}"`, {
      hint: 'Pick fewer rows, name the entities of the children that you need, or raise `related.maxRows`.',
    })
  }

  #picked(entity: ManifestEntity): PickedEntity {
    const known = this.entities.get(entity)
    if (known) return known
    const made = new PickedEntity(entity, dialectOf({ manifest: this.#options.manifest }, entity))
    this.entities.set(entity, made)
    return made
  }

  #chunks({ bucket }: ManifestEntity): Promise<ChunkStore> {
    const known = this.#stores.get(bucket)
    if (known) return known
    const opened = this.#options.chunks(bucket).then(withCachedIndexes)
    this.#stores.set(bucket, opened)
    return opened
  }

  async #scan(picked: PickedEntity, range: RangeEntry, visit: (record: PickedRecord) => void): Promise<void> {
    await this.#visit(picked, readRange(await this.#chunks(picked.entity), range, { signal: this.#options.signal }), visit)
  }

  /** `texts`: lines without any of them need not be visited. */
  async #visit(picked: PickedEntity, lines: AsyncIterable<Uint8Array>, visit: (record: PickedRecord) => void, texts?: readonly Buffer[]): Promise<void> {
    if (texts) {
      for await (const line of linesWith(lines, texts)) visit(picked.record(line))
      return
    }
    const cursor = new LineCursor(lines, picked.entity.descriptor.key.length)
    try {
      for (await cursor.load(); !cursor.done;) {
        visit(picked.record(cursor.line))
        if (!cursor.step()) await cursor.load()
      }
    } finally {
      await cursor.close()
    }
  }
}
