import { isUtf8 } from 'node:buffer'
import { createHash } from 'node:crypto'
import {
  checkManifest,
  type ChunkEncoder,
  corrupt,
  createChunkEncoder,
  createLineMarker,
  type Manifest,
  type ManifestEntity,
  parseJson,
  type RangeEntry,
  schemaFingerprint,
  sha256,
  tooNew,
} from '../archive/index.ts'
import { joinRanges, placedEntity, placedManifest, type TransferTarget } from '../bundle/index.ts'
import { type AbortableOptions, throwIfAborted } from '../kernel/abort.ts'
import { canonicalJson } from '../kernel/canonical-json.ts'
import { HoldfastError } from '../kernel/errors.ts'
import { untilAborted } from '../kernel/until-aborted.ts'
import { DEFAULT_POLICY } from '../plan/backup-policy.ts'
import { createLineParser, splitLines } from '../record/index.ts'
import { type NdjsonEnd, recordHead } from './ndjson.ts'

export interface ImportNdjsonOptions extends AbortableOptions {
  /** Where the snapshot goes; asked once it is known which one it is. */
  readonly targetFor: (manifest: Pick<Manifest, 'snapshotId' | 'tenant' | 'plan'>) => Promise<TransferTarget>
  readonly onRecords: (records: number) => void
}

/** Of lines that are compressed at once. */
const FRAME_BYTES = 1024 * 1024
const NAME = 'the NDJSON'
const NEWLINE = Buffer.from('\n')

/**
 * Makes a snapshot of what `ndjsonOf` wrote, and of nothing else: its end must bear out the lines, in their order, since only the database that they are from could say which order their keys have. Nothing is
 * visible before that.
 *
 * @throws `E_ARCHIVE_CORRUPT` and `E_RECORD` when it is not whole, not as it was written, or something else, `E_ARCHIVE_FORMAT`, `E_CONFIG` when values are not shown in it
 */
export async function importNdjson(source: AsyncIterable<Uint8Array>, { targetFor, onRecords, signal }: ImportNdjsonOptions): Promise<Manifest> {
  const lines = linesOf(untilAborted(source, signal), { signal })
  const first = await lines.next()
  if (first.done) throw corrupt(NAME, 'is empty')
  const head = checkHead(first.value)
  const headSha256 = sha256(first.value)
  const target = await targetFor(head)
  const { repository, scope } = target
  if (scope.id !== null) await repository.scopes.note(scope.id, { signal })
  const chunks = scope.writerChunks()
  const entities: EntityReader[] = head.entities.map((entity) => new EntityReader(entity, chunks, { signal }))
  let at = 0
  let end: NdjsonEnd['end'] | null = null
  for await (const line of lines) {
    throwIfAborted(signal)
    if (end) throw corrupt(NAME, 'goes on behind its end')
    while (at < entities.length && !entities[at]!.owns(line)) await entities[at++]!.finish()
    const entity = entities[at]
    if (entity) onRecords(await entity.add(line))
    else end = endOf(line)
  }
  if (!end) throw corrupt(NAME, 'was cut off: it has no end')
  const found: NdjsonEnd['end'] = {
    head: headSha256,
    records: entities.reduce((sum, { rows }) => sum + rows, 0),
    entities: entities.map((entity) => entity.end),
  }
  if (canonicalJson(found) !== canonicalJson(end)) throw corrupt(NAME, 'its records are not those that were written')
  const manifest = manifestOf(head, entities, target)
  await chunks.assertPresent(
    manifest.entities.flatMap(({ ranges }) => ranges.flatMap(({ layers }) => layers)),
    { signal },
  )
  await scope.writeManifest(manifest, { signal })
  return manifest
}

async function* linesOf(source: AsyncIterable<Uint8Array>, options: AbortableOptions): AsyncGenerator<Buffer, void, undefined> {
  for await (const { bytes, ends } of splitLines(source, options)) {
    let start = 0
    for (const end of ends) {
      yield Buffer.from(bytes.buffer, bytes.byteOffset + start, end - 1 - start)
      start = end
    }
  }
}

const NOTHING: RangeEntry = joinRanges([])[0]!

/** The manifest of the first line, its entities without records yet: whether all else fits is seen before anything is believed of it. */
function checkHead(line: Buffer): Manifest {
  const value = parseJson(line, NAME) as Record<string, unknown> | null
  if (typeof value !== 'object' || value === null || value.holdfast !== 'ndjson') throw corrupt(NAME, 'does not begin like one of Holdfast')
  if (typeof value.format === 'number' && value.format > 1) throw tooNew(NAME, `format ${value.format}; this Holdfast reads format 1`)
  const { manifest, hidden, masked } = value as { manifest?: Partial<Manifest>; hidden?: unknown; masked?: unknown }
  if (value.format !== 1 || typeof manifest !== 'object' || manifest === null || !Array.isArray(manifest.entities) || !Array.isArray(hidden))
    throw corrupt(NAME, 'its head is not complete')
  const counts = { rows: 0, plainBytes: 0, storedBytes: 0 }
  const entities = (manifest.entities as unknown[]).map((entity) => ({ ...(entity as ManifestEntity), ...counts, ranges: [{ ...NOTHING, evidence: 0 }] }))
  const checked = checkManifest({ ...manifest, requiredFeatures: [], entities, totals: { ...counts, entities: entities.length, chunks: 0 } }, NAME)
  if (Array.isArray(masked) && masked.length > 0)
    throw new HoldfastError('E_CONFIG', `${NAME} has masked values: no snapshot can be made of it under the id of the one that it was made of`, {
      hint: 'Load it into a database by itself, and back that up.',
    })
  if (hidden.length > 0)
    throw new HoldfastError('E_CONFIG', `${NAME} does not show the values of sensitive fields: no snapshot can be made of it`, {
      hint: 'Export it again with `revealSensitive: true`, `--reveal-sensitive`; or export a bundle, which holds all values.',
    })
  return checked
}

function endOf(line: Buffer): NdjsonEnd['end'] {
  const value = parseJson(line, NAME) as Partial<NdjsonEnd> | null
  if (typeof value !== 'object' || value === null || typeof value.end !== 'object' || value.end === null)
    throw corrupt(NAME, 'has a line that is neither a record of its entities, in their order, nor its end')
  return value.end
}

/** The records of one entity, as they come. */
class EntityReader {
  readonly entity: ManifestEntity
  readonly ranges: RangeEntry[] = []
  rows = 0
  readonly #head: Buffer
  readonly #chunks: Pick<ReturnType<TransferTarget['scope']['writerChunks']>, 'put'>
  readonly #options: AbortableOptions
  readonly #digest = createHash('sha256')
  readonly #references: readonly string[]
  readonly #parser: ReturnType<typeof createLineParser>
  readonly #mark: ReturnType<typeof createLineMarker>
  #sha256: string | null = null
  #encoder: ChunkEncoder | null = null
  #waiting: Buffer[] = []
  #bytes = 0

  constructor(entity: ManifestEntity, chunks: Pick<ReturnType<TransferTarget['scope']['writerChunks']>, 'put'>, options: AbortableOptions) {
    const { store, name, fields, key, references } = entity.descriptor
    this.entity = entity
    this.#head = Buffer.from(recordHead(store, name))
    this.#chunks = chunks
    this.#options = options
    this.#references = [...new Set(references.flatMap((reference) => reference.fields))]
    this.#parser = createLineParser({ entity: name, fields: fields.map(({ path }) => path) })
    this.#mark = createLineMarker({ keyFields: key.length, references: this.#references }, `${NAME}, ${name}`)
  }

  get end(): NdjsonEnd['end']['entities'][number] {
    const { store, name } = this.entity.descriptor
    return { store, entity: name, records: this.rows, sha256: this.#sha256! }
  }

  owns(line: Buffer): boolean {
    return this.#head.compare(line, 0, Math.min(this.#head.byteLength, line.byteLength)) === 0
  }

  /** How many records were taken by this: they are gathered first. */
  async add(line: Buffer): Promise<number> {
    if (line.at(-1) !== 0x7d) throw corrupt(NAME, `has a line of ${this.entity.descriptor.name} that is cut off`)
    // The bytes of the stream may be filled anew.
    const record = Buffer.concat([line.subarray(this.#head.byteLength, -1), NEWLINE])
    this.#waiting.push(record)
    this.#bytes += record.byteLength
    return this.#bytes < FRAME_BYTES ? 0 : this.#take()
  }

  async finish(): Promise<void> {
    await this.#take()
    await this.#store()
    this.#sha256 = this.#digest.digest('hex')
  }

  async #take(): Promise<number> {
    const records = this.#waiting.length
    if (records === 0) return 0
    const lines = Buffer.concat(this.#waiting)
    const { name } = this.entity.descriptor
    if (!isUtf8(lines)) throw new HoldfastError('E_RECORD', `"${name}": a line that is not UTF-8`, { details: { entity: name } })
    let start = 0
    for (const { byteLength } of this.#waiting) {
      this.#parser.spans(lines, start, start + byteLength, ++this.rows)
      start += byteLength
    }
    this.#waiting = []
    this.#bytes = 0
    this.#digest.update(lines)
    const { compression, level, chunkBytes } = DEFAULT_POLICY
    this.#encoder ??= createChunkEncoder({ compression, level, references: this.#references })
    await this.#encoder.append(this.#mark(lines))
    if (this.#encoder.plainBytes >= chunkBytes) await this.#store()
    return records
  }

  async #store(): Promise<void> {
    const encoder = this.#encoder
    if (!encoder) return
    this.#encoder = null
    const { ref, firstKey, lastKey } = await this.#chunks.put(await encoder.finish(), this.#options)
    this.ranges.push({ from: null, to: null, rows: ref.rows, sha256: ref.sha256, firstKey, lastKey, layers: [ref], evidence: 0 })
  }
}

function manifestOf(head: Manifest, readers: readonly EntityReader[], target: TransferTarget): Manifest {
  const entities = readers.map(({ entity, ranges }) => placedEntity(entity, joinRanges(ranges), target.bucket, true))
  return { ...placedManifest(head, entities, target), schemaFingerprint: schemaFingerprint(entities.map(({ descriptor }) => descriptor)) }
}
