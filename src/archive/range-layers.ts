import type { AbortableOptions } from '../kernel/abort.ts'
import { corrupt } from './archive-error.ts'
import type { ChunkRef } from './chunk-ref.ts'
import type { ChunkStore } from './chunk-store.ts'
import { ANCHOR_MARK, DELETE_MARK } from './delta-text.ts'
import type { KeyIndex } from './key-index.ts'
import { type LayerSpan, outlineLayers, rowsOf } from './layer-outline.ts'
import type { RangeEntry } from './manifest.ts'

/** What reading needs of a range. */
export type LayeredRange = Pick<RangeEntry, 'rows' | 'sha256' | 'layers'>

export interface RangeLayer {
  readonly ref: ChunkRef
  readonly index: KeyIndex
  /** Of a delta: what the key index says of each line. */
  readonly texts: readonly string[] | null
  readonly object: string
}

export interface RangeLayers {
  /** Base first. */
  readonly layers: readonly RangeLayer[]
  /** The merged records, in key order. */
  readonly spans: readonly LayerSpan[]
  readonly rows: number
}

/** Reads the key indexes of all layers and finds out how they fit together. `E_ARCHIVE_CORRUPT` when they do not. */
export async function openLayers(chunks: ChunkStore, refs: readonly ChunkRef[], { signal }: AbortableOptions = {}): Promise<RangeLayers> {
  const layers = await Promise.all(refs.map(async (ref) => openLayer(ref, await chunks.readIndex(ref, { signal }), chunks.label(ref))))
  const [base, ...deltas] = layers
  if (!base) return { layers, spans: [], rows: 0 }
  const spans = outlineLayers(
    base,
    deltas.map(({ texts, object }) => ({ texts: texts!, object })),
  )
  return { layers, spans, rows: rowsOf(spans) }
}

/** The same, held against what the range says. */
export async function openRange(chunks: ChunkStore, range: LayeredRange, options?: AbortableOptions): Promise<RangeLayers> {
  for (const [i, ref] of range.layers.entries())
    if ((ref.kind === 'base') !== (i === 0)) throw corrupt(chunks.label(ref), `is a ${ref.kind} chunk in layer ${i} of its range`)
  const opened = await openLayers(chunks, range.layers, options)
  const top = opened.layers.at(-1)
  if (opened.rows !== range.rows) throw corrupt(top ? top.object : 'a range without chunks', `${opened.rows} merged records where ${range.rows} are declared`)
  return opened
}

function openLayer(ref: ChunkRef, index: KeyIndex, object: string): RangeLayer {
  if (ref.kind === 'base') return { ref, index, texts: null, object }
  const texts = [...index.keys()]
  const count = (mark: string) => texts.reduce((sum, text) => (text.startsWith(mark) ? sum + 1 : sum), 0)
  if (count(DELETE_MARK) !== ref.deletes || count(ANCHOR_MARK) !== ref.anchors) throw corrupt(object, 'its lines are not of the kinds that were counted')
  return { ref, index, texts, object }
}
