import type { ChunkStore, JournalRange } from '../archive/index.ts'
import type { ConsistentView } from '../contracts/consistent-view.ts'
import type { ChangeEvidence } from '../contracts/change-evidence.ts'
import type { EntityDescriptor } from '../contracts/entity-descriptor.ts'
import type { KeyRange } from '../contracts/key-range.ts'
import type { RangeDigester } from '../contracts/range-digester.ts'
import type { RecordBatch } from '../contracts/record-batch.ts'
import type { AbortableOptions } from '../kernel/abort.ts'
import type { ResolvedEntity } from '../plan/resolved-plan.ts'
import type { EntityMeter } from '../progress/index.ts'
import type { KeyImage } from '../reconcile/index.ts'
import type { ReuseDecision } from './plan-reads.ts'
import type { SessionJournal } from './session-journal.ts'
import { plainBytesOf, storedRange, type StoredRange } from './stored-range.ts'

export interface EntityCopyOptions {
  readonly resolved: ResolvedEntity
  readonly view: ConsistentView
  readonly descriptor: EntityDescriptor
  /** Fingerprint of this entity's schema and of the order of its keys. */
  readonly schema: string
  /** Go by no cursor in this run. */
  readonly exact: boolean
  /** What is known before the attempt; filled in as it goes. */
  readonly image: KeyImage<StoredRange>
  readonly chunks: ChunkStore
  readonly journal: SessionJournal
  readonly meter: EntityMeter
}

/** One entity on its way into the archive: which of its ranges are settled, and how. */
export class EntityCopy {
  readonly resolved: ResolvedEntity
  readonly view: ConsistentView
  readonly descriptor: EntityDescriptor
  readonly image: KeyImage<StoredRange>
  readonly chunks: ChunkStore
  readonly meter: EntityMeter
  /** Property paths whose values the key index covers. */
  readonly references: readonly string[]
  readonly schema: string
  readonly exact: boolean
  readonly #journal: SessionJournal
  #evidence: ChangeEvidence | null = null
  #openParts = 0
  #decided = false
  #reused = 0
  #guessed = 0
  #read = 0
  estimatedBytes = 0

  constructor(options: EntityCopyOptions) {
    this.resolved = options.resolved
    this.view = options.view
    this.descriptor = options.descriptor
    this.image = options.image
    this.chunks = options.chunks
    this.meter = options.meter
    this.references = [...new Set(options.descriptor.references.flatMap((reference) => reference.fields))]
    this.schema = options.schema
    this.exact = options.exact
    this.#journal = options.journal
  }

  estimate(rows: number, bytes: number): void {
    this.estimatedBytes = bytes
    this.meter.estimate(rows, bytes)
  }

  /** Lines of the range, with what digests of them are told from where that can be. */
  read(range: KeyRange, { signal }: AbortableOptions): AsyncIterable<RecordBatch> {
    return this.view.read(this.resolved.entity, range, { signal, references: this.references, digests: this.newDigester() !== null })
  }

  /** For one range; null where the digest has to be asked for. */
  newDigester(): RangeDigester | null {
    return this.view.digester?.(this.resolved.entity) ?? null
  }

  /** Evidence of this attempt's view: it holds for every range that is settled. Null before the first decision. */
  get evidence(): ChangeEvidence | null {
    return this.#evidence
  }

  /** Every range is decided on, and every one that had to be read is stored. */
  get settled(): boolean {
    return this.#decided && this.#openParts === 0
  }

  /** Rows of ranges that were read in, or found unchanged under, the view of this attempt. */
  get currentRows(): number {
    let rows = 0
    for (const { known } of this.image.pieces()) if (known?.current) rows += known.rows
    return rows
  }

  /** Ranges taken over because a cursor said so, and nothing else. */
  get guessed(): number {
    return this.#guessed
  }

  get counts(): { readonly reused: number; readonly read: number } {
    return { reused: this.#reused, read: this.#read }
  }

  /** The view holds exactly what is known. */
  reuse({ known, evidence, method, digest }: ReuseDecision): void {
    this.#evidence = evidence
    // An exact run gives digests anew: those of a time before there was a cursor say nothing of it.
    const { digest: before, ...bare } = known.entry
    const stays = this.exact && this.resolved.cursor !== undefined ? undefined : (digest ?? before)
    this.image.know(known.range, storedRange({ ...bare, ...(stays ? { digest: stays } : {}) }, evidence, true))
    this.#reused++
    if (method === 'cursor') this.#guessed++
    this.meter.reuse(known.rows, plainBytesOf(known.entry))
  }

  /** The range is to be read. Where that cuts the keys anew, the journal must know, to put the chunks of parts read side by side in order. */
  openPart(range: KeyRange, evidence: ChangeEvidence): void {
    this.#evidence = evidence
    this.#openParts++
    if (this.image.cut(range)) this.#journal.cut({ store: this.resolved.store, entity: this.resolved.entity, range, schema: this.schema })
  }

  /** Part of an open part is stored. In key order within the part. */
  stored(entry: JournalRange['range']): void {
    const evidence = this.#evidence!
    const { store, entity, bucket } = this.resolved
    this.image.know({ from: entry.from, to: entry.to }, storedRange(entry, evidence, true))
    this.#journal.record({ store, entity, bucket, range: entry, evidence, schema: this.schema })
    this.#read++
  }

  closePart(): void {
    this.#openParts--
    this.#settle()
  }

  /** All ranges are decided on; none is opened any more. */
  decided(): void {
    this.#decided = true
    this.#settle()
  }

  /** The one place where an entity is whole: a dialect that cannot lock its tables would compare the schema again here. */
  #settle(): void {
    if (this.settled) this.meter.state('done')
  }
}
