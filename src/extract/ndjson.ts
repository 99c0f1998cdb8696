import { createHash } from 'node:crypto'
import { type Manifest, type ManifestEntity, sha256 } from '../archive/index.ts'
import { type AbortableOptions, throwIfAborted } from '../kernel/abort.ts'
import { canonicalJson } from '../kernel/canonical-json.ts'
import { HIDDEN_VALUE, spliceLines } from '../record/index.ts'
import type { ExtractedEntity } from './extracted-entity.ts'

/** First line. */
export interface NdjsonHead {
  readonly holdfast: 'ndjson'
  readonly format: 1
  /** Of the entities that follow, without where their chunks lie. */
  readonly manifest: Omit<Manifest, 'entities' | 'totals'> & { readonly entities: readonly Omit<ManifestEntity, 'ranges'>[] }
  /** Fields whose values are not shown: not at all, or replaced. */
  readonly hidden: readonly { readonly store: string; readonly entity: string; readonly fields: readonly string[] }[]
  /** Of these, those that were replaced, and by which masker. */
  readonly masked?: readonly { readonly store: string; readonly entity: string; readonly field: string; readonly masker: string }[]
}

/** Last line. */
export interface NdjsonEnd {
  readonly end: {
    /** SHA-256 (hex) of the first line, without its 0x0A. */
    readonly head: string
    readonly records: number
    /** `sha256` (hex): of the record lines of the entity. */
    readonly entities: readonly { readonly store: string; readonly entity: string; readonly records: number; readonly sha256: string }[]
  }
}

/** A line each: a head, `{"store":…,"entity":…,"record":{…}}` for every record, its record being the very line of the archive, and an end with counts and hashes. */
export async function* ndjsonOf(
  entities: readonly ExtractedEntity[],
  manifest: Manifest,
  options: AbortableOptions,
): AsyncGenerator<{ text: string; records: number }> {
  const head = canonicalJson(headOf(entities, manifest))
  yield { text: `${head}\n`, records: 0 }
  const ends: NdjsonEnd['end']['entities'][number][] = []
  for (const extracted of entities) {
    const { store, name } = extracted.entity.descriptor
    const digest = createHash('sha256')
    const before = recordHead(store, name)
    let records = 0
    for await (const piece of shownLines(extracted, options)) {
      throwIfAborted(options.signal)
      digest.update(piece)
      const lines = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength)
        .toString('utf8', 0, piece.byteLength - 1)
        .split('\n')
      records += lines.length
      yield { text: lines.map((line) => `${before}${line}}\n`).join(''), records: lines.length }
    }
    ends.push({ store, entity: name, records, sha256: digest.digest('hex') })
  }
  const end: NdjsonEnd = { end: { head: sha256(head), records: ends.reduce((sum, one) => sum + one.records, 0), entities: ends } }
  yield { text: `${canonicalJson(end)}\n`, records: 0 }
}

/** What stands before a record in its line; after it `}`. */
export function recordHead(store: string, entity: string): string {
  return `{"store":${JSON.stringify(store)},"entity":${JSON.stringify(entity)},"record":`
}

function headOf(entities: readonly ExtractedEntity[], { entities: _all, totals: _totals, ...manifest }: Manifest): NdjsonHead {
  const hidden = entities.flatMap(({ entity: { descriptor }, hidden: fields, masked }) => {
    const unshown = [...fields, ...masked.keys()]
    return unshown.length === 0 ? [] : [{ store: descriptor.store, entity: descriptor.name, fields: unshown.toSorted() }]
  })
  const masked = entities.flatMap(({ entity: { descriptor }, masked: fields }) =>
    [...fields].map(([field, masker]) => ({ store: descriptor.store, entity: descriptor.name, field, masker })),
  )
  return {
    holdfast: 'ndjson',
    format: 1,
    manifest: { ...manifest, entities: entities.map(({ entity: { ranges: _ranges, ...entity } }) => entity) },
    hidden,
    ...(masked.length > 0 ? { masked } : {}),
  }
}

function shownLines({ entity: { descriptor }, hidden, lines }: ExtractedEntity, options: AbortableOptions): AsyncIterable<Uint8Array> {
  if (hidden.size === 0) return lines(options)
  const at = descriptor.fields.flatMap(({ path }, n) => (hidden.has(path) ? [n] : []))
  const by = Buffer.from(JSON.stringify(HIDDEN_VALUE))
  return spliceLines(descriptor, lines(options), ({ spans }) => at.map((n) => ({ from: spans[n * 2]!, to: spans[n * 2 + 1]!, by })))
}
