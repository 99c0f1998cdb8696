import { createHash } from 'node:crypto'
import type {
  ChangeEvidence,
  ConsistencyLevel,
  ConsistentView,
  EntityDescriptor,
  EntitySelection,
  EntityStore,
  FieldDescriptor,
  KeyRange,
  KeyText,
  KnownRange,
  OpenViewOptions,
  RangeState,
  RecordBatch,
} from '../../src/contracts/index.ts'
import { paced, type SourcePace } from '../../src/contracts/source-pace.ts'
import { throwIfAborted } from '../../src/kernel/abort.ts'
import { HoldfastError } from '../../src/kernel/errors.ts'

export type Row = Readonly<Record<string, string | number | null>>

export interface InMemoryTable {
  readonly entity: string
  /** Key fields first. A field of numbers is `int`, else `text`. Keys order as numbers or, for text, by length and then code units, which no sort of key texts gives. */
  readonly fields: Readonly<Record<string, 'int' | 'text'>>
  readonly key: readonly string[]
  readonly references?: readonly string[]
}

export interface InMemoryStoreOptions {
  readonly name?: string
  readonly tables: readonly InMemoryTable[]
  /** Reads at once that a view grants. Default 4. */
  readonly parallel?: number
  /** Rows of one batch. Default 10. */
  readonly batchRows?: number
  readonly level?: ConsistencyLevel
}

/** Called before each step that a real database could fail or be slow at; throwing and waiting are both fine. */
export type StoreStep = (step: {
  readonly call: 'openView' | 'evidence' | 'estimate' | 'split' | 'check' | 'read' | 'sequences' | 'close'
  readonly entity?: string
  readonly rows?: number
}) => void | Promise<void>

/**
 * An entity store over arrays: the whole port on its reading side, with views that are true snapshots, so that an engine can be driven and
 * faulted at every step without a database.
 */
export class InMemoryStore implements EntityStore {
  readonly name: string
  readonly dialect = 'sqlite'
  readonly orm = 'in-memory 1'
  readonly #options: InMemoryStoreOptions
  readonly #rows = new Map<string, Row[]>()
  readonly #descriptors = new Map<string, EntityDescriptor>()
  /** Counts for assertions. */
  readonly seen = { openViews: 0, views: 0, calls: 0, mostCalls: 0, batches: 0, readRows: 0, held: 0 }
  step: StoreStep = () => {}
  /** What `check` answers with beyond the truth: `undecided` makes every range unknown. */
  checking: 'exact' | 'undecided' = 'exact'
  /** What views give from now on. Default: what the options say. */
  level: ConsistencyLevel | undefined
  /** What replication is behind; absent until set. */
  replicationLag?: EntityStore['replicationLag']
  readonly mapping

  constructor(options: InMemoryStoreOptions) {
    this.#options = options
    this.name = options.name ?? 'default'
    for (const table of options.tables) {
      this.#rows.set(table.entity, [])
      this.#descriptors.set(table.entity, describe(this.name, table))
    }
    this.mapping = { entities: [...this.#descriptors.values()].map((descriptor) => ({ ...descriptor, aliases: [] })), excluded: [] }
  }

  /** Inserts, or replaces the row of that key. */
  put(entity: string, ...rows: readonly Row[]): void {
    const descriptor = this.#descriptor(entity)
    const byKey = new Map(this.#rows.get(entity)!.map((row) => [keyText(descriptor, row), row]))
    for (const row of rows) byKey.set(keyText(descriptor, row), row)
    this.#rows.set(
      entity,
      [...byKey.values()].sort((a, b) => compareRows(descriptor, a, b)),
    )
  }

  delete(entity: string, where: (row: Row) => boolean): void {
    this.#rows.set(
      entity,
      this.#rows.get(entity)!.filter((row) => !where(row)),
    )
  }

  rows(entity: string): readonly Row[] {
    return this.#rows.get(entity)!
  }

  /** A schema change: every row gets the field. */
  addField(entity: string, field: string): void {
    const descriptor = this.#descriptor(entity)
    this.#descriptors.set(entity, { ...descriptor, fields: [...descriptor.fields, fieldOf(field, 'text')] })
    this.#rows.set(
      entity,
      this.#rows.get(entity)!.map((row) => ({ ...row, [field]: null })),
    )
  }

  /** The truth: all lines of the entity as they are now. */
  lines(entity: string): string {
    const descriptor = this.#descriptor(entity)
    return this.#rows
      .get(entity)!
      .map((row) => lineOf(descriptor, row).line)
      .join('')
  }

  async describe(selection: readonly EntitySelection[]): Promise<readonly EntityDescriptor[]> {
    return selection.map(({ entity }) => this.#descriptor(entity))
  }

  async openView(options: OpenViewOptions): Promise<ConsistentView> {
    await this.step({ call: 'openView' })
    throwIfAborted(options.signal)
    this.seen.openViews++
    this.seen.views++
    const tables = new Map<string, { descriptor: EntityDescriptor; rows: readonly Row[] }>()
    for (const { entity } of options.entities) tables.set(entity, { descriptor: this.#descriptor(entity), rows: this.#rows.get(entity)! })
    return new InMemoryView(this, tables, {
      parallel: Math.min(options.parallel ?? 1, this.#options.parallel ?? 4),
      batchRows: this.#options.batchRows ?? 10,
      level: this.level ?? this.#options.level ?? 'snapshot',
      pace: options.pace,
    })
  }

  openTarget(): never {
    throw new Error('the in-memory store is for reading')
  }

  #descriptor(entity: string): EntityDescriptor {
    const descriptor = this.#descriptors.get(entity)
    if (!descriptor) throw new HoldfastError('E_ENTITY_UNKNOWN', entity)
    return descriptor
  }
}

class InMemoryView implements ConsistentView {
  readonly store: string
  readonly at: string
  readonly consistency
  readonly source = { dialect: 'sqlite', serverVersion: '1', database: 'arrays' }
  readonly entities: readonly EntityDescriptor[]
  readonly parallel: number
  readonly migrations = ['0001-init']
  readonly #owner: InMemoryStore
  readonly #tables: ReadonlyMap<string, { descriptor: EntityDescriptor; rows: readonly Row[] }>
  readonly #batchRows: number
  readonly #pace: SourcePace | undefined
  #open = true
  #calls = 0

  constructor(
    owner: InMemoryStore,
    tables: ReadonlyMap<string, { descriptor: EntityDescriptor; rows: readonly Row[] }>,
    options: { parallel: number; batchRows: number; level: ConsistencyLevel; pace: SourcePace | undefined },
  ) {
    this.#owner = owner
    this.#tables = tables
    this.#batchRows = options.batchRows
    this.#pace = options.pace
    this.store = owner.name
    this.at = new Date().toISOString().replace('Z', '000Z')
    this.parallel = options.parallel
    this.consistency = { level: options.level, method: 'copy' }
    this.entities = [...tables.values()].map((table) => table.descriptor)
  }

  async estimate(entity: string) {
    return this.#call(async () => {
      await this.#owner.step({ call: 'estimate', entity })
      const { rows } = this.#table(entity)
      return { entity, rows: rows.length, bytes: rows.length * 60 }
    })
  }

  async sequences() {
    return this.#call(async () => {
      await this.#owner.step({ call: 'sequences' })
      return [...this.#tables.keys()].map((entity) => ({ entity, field: 'id', lastValue: String(this.#table(entity).rows.length) }))
    })
  }

  async evidence(entity: string): Promise<ChangeEvidence> {
    return this.#call(async () => {
      await this.#owner.step({ call: 'evidence', entity })
      return { method: 'sha256', values: { at: this.at } }
    })
  }

  keyOrder(): string {
    return 'numeric'
  }

  async split(entity: string, { parts }: { parts: number }): Promise<readonly KeyRange[]> {
    return this.#call(async () => {
      await this.#owner.step({ call: 'split', entity })
      const { descriptor, rows } = this.#table(entity)
      const bounds = new Set<KeyText>()
      for (let part = 1; part < parts; part++) {
        const row = rows[Math.floor((rows.length * part) / parts)]
        if (row && row !== rows[0]) bounds.add(keyText(descriptor, row))
      }
      const cuts = [null, ...bounds, null]
      return cuts.slice(1).map((to, index) => ({ from: cuts[index]!, to }))
    })
  }

  async *check(entity: string, known: readonly KnownRange[], options: { signal?: AbortSignal | undefined } = {}): AsyncIterable<RangeState> {
    this.#enter()
    try {
      const { descriptor } = this.#table(entity)
      for (const [index, entry] of [...known.entries()].reverse()) {
        await this.#owner.step({ call: 'check', entity })
        throwIfAborted(options.signal)
        const rows = this.#range(entity, entry.range)
        const hash = createHash('sha256')
        for (const row of rows) hash.update(lineOf(descriptor, row).line)
        if (this.#owner.checking === 'undecided' || entry.sha256 === null) yield { index, state: 'unknown', method: 'sha256' }
        else if (hash.digest('hex') === entry.sha256) yield { index, state: 'unchanged', rows: rows.length, method: 'sha256' }
        else yield { index, state: 'changed', rows: rows.length, method: 'sha256', reason: rows.length === entry.rows ? 'digest' : 'rows' }
      }
    } finally {
      this.#leave()
    }
  }

  read(entity: string, range: KeyRange, options: { signal?: AbortSignal | undefined; references?: readonly string[] } = {}): AsyncIterable<RecordBatch> {
    return paced(this.#read(entity, range, options), this.#pace, options)
  }

  async *#read(entity: string, range: KeyRange, options: { signal?: AbortSignal | undefined; references?: readonly string[] }): AsyncIterable<RecordBatch> {
    this.#enter()
    try {
      const { descriptor } = this.#table(entity)
      const rows = this.#range(entity, range)
      for (let start = 0; start < rows.length; start += this.#batchRows) {
        const slice = rows.slice(start, start + this.#batchRows)
        await this.#owner.step({ call: 'read', entity, rows: slice.length })
        throwIfAborted(options.signal)
        this.#owner.seen.batches++
        this.#owner.seen.readRows += slice.length
        yield batchOf(descriptor, slice, options.references ?? [])
      }
      if (rows.length === 0) await this.#owner.step({ call: 'read', entity, rows: 0 })
    } finally {
      this.#leave()
    }
  }

  async close(): Promise<void> {
    if (!this.#open) return
    if (this.#calls > 0) throw new Error('the view was closed while it was being used')
    this.#open = false
    this.#owner.seen.openViews--
    await this.#owner.step({ call: 'close' })
  }

  async #call<T>(work: () => Promise<T>): Promise<T> {
    this.#enter()
    try {
      return await work()
    } finally {
      this.#leave()
    }
  }

  #enter(): void {
    if (!this.#open) throw new Error('the view is closed')
    if (++this.#calls > this.parallel) throw new Error(`more than ${this.parallel} calls at once`)
    this.#owner.seen.calls++
    this.#owner.seen.mostCalls = Math.max(this.#owner.seen.mostCalls, this.#owner.seen.calls)
  }

  #leave(): void {
    this.#calls--
    this.#owner.seen.calls--
  }

  #table(entity: string) {
    const table = this.#tables.get(entity)
    if (!table) throw new HoldfastError('E_ENTITY_UNKNOWN', entity)
    return table
  }

  #range(entity: string, { from, to }: KeyRange): readonly Row[] {
    const { descriptor, rows } = this.#table(entity)
    return rows.filter((row) => (from === null || compareToKey(descriptor, row, from) >= 0) && (to === null || compareToKey(descriptor, row, to) < 0))
  }
}

function describe(store: string, table: InMemoryTable): EntityDescriptor {
  return {
    store,
    name: table.entity,
    kind: 'entity',
    table: table.entity.toLowerCase(),
    key: table.key,
    fields: Object.entries(table.fields).map(([path, kind]) => fieldOf(path, kind)),
    references: (table.references ?? []).map((path) => ({ fields: [path], entity: 'Other', table: 'other', columns: ['id'] })),
    uniques: [],
  }
}

function fieldOf(path: string, kind: 'int' | 'text'): FieldDescriptor {
  return { path, column: path, type: { kind }, dbType: kind, nullable: true, optional: false }
}

function lineOf(descriptor: EntityDescriptor, row: Row): { line: string; keyEnd: number; spans: Map<string, [number, number]> } {
  let line = '{'
  let keyEnd = 0
  const spans = new Map<string, [number, number]>()
  for (const [index, field] of descriptor.fields.entries()) {
    line += `${index === 0 ? '' : ','}${JSON.stringify(field.path)}:`
    const start = Buffer.byteLength(line)
    line += JSON.stringify(row[field.path] ?? null)
    const end = Buffer.byteLength(line)
    spans.set(field.path, row[field.path] === null ? [start, start] : [start, end])
    if (field.path === descriptor.key.at(-1)) keyEnd = end
  }
  return { line: `${line}}\n`, keyEnd, spans }
}

function batchOf(descriptor: EntityDescriptor, rows: readonly Row[], references: readonly string[]): RecordBatch {
  const stride = 2 + references.length * 2
  const marks = new Uint32Array(rows.length * stride)
  const parts: Buffer[] = []
  let offset = 0
  for (const [index, row] of rows.entries()) {
    const { line, keyEnd, spans } = lineOf(descriptor, row)
    const bytes = Buffer.from(line)
    marks[index * stride] = offset + bytes.length
    marks[index * stride + 1] = offset + keyEnd
    for (const [at, reference] of references.entries()) {
      const [start, end] = spans.get(reference)!
      marks[index * stride + 2 + at * 2] = offset + start
      marks[index * stride + 3 + at * 2] = offset + end
    }
    parts.push(bytes)
    offset += bytes.length
  }
  return { bytes: Buffer.concat(parts), rows: rows.length, marks, stride }
}

function keyText(descriptor: EntityDescriptor, row: Row): KeyText {
  return JSON.stringify(descriptor.key.map((field) => row[field]))
}

function compareRows(descriptor: EntityDescriptor, a: Row, b: Row): number {
  return compareValues(
    descriptor.key.map((field) => a[field]!),
    descriptor.key.map((field) => b[field]!),
  )
}

function compareToKey(descriptor: EntityDescriptor, row: Row, key: KeyText): number {
  return compareValues(
    descriptor.key.map((field) => row[field]!),
    JSON.parse(key) as (string | number)[],
  )
}

function compareValues(a: readonly (string | number)[], b: readonly (string | number)[]): number {
  for (const [index, left] of a.entries()) {
    const right = b[index]!
    const order =
      typeof left === 'string' && typeof right === 'string'
        ? left.length - right.length || (left < right ? -1 : left > right ? 1 : 0)
        : Number(left) - Number(right)
    if (order !== 0) return order
  }
  return 0
}
