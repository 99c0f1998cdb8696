import type { KeyText } from '../contracts/key-range.ts'
import { corrupt } from './archive-error.ts'
import { type DeltaLine, parseDeltaText } from './delta-text.ts'
import type { KeyIndex } from './key-index.ts'

/** Rows `from` up to `to` of one layer; the records of a range are a list of them. */
export interface LayerSpan {
  /** 0 is the base. */
  readonly layer: number
  readonly from: number
  readonly to: number
}

export interface IndexedLayer {
  readonly index: KeyIndex
  /** How errors name it. */
  readonly object: string
}

interface Place {
  readonly layer: number
  readonly row: number
}

/**
 * Where the records of a layered range stand, in merged order, from the key indexes alone. `deltas` are the texts of the layers above the base, in order.
 * A delta that does not fit what is below it is `E_ARCHIVE_CORRUPT`.
 */
export function outlineLayers(base: IndexedLayer, deltas: readonly { readonly object: string; readonly texts: readonly string[] }[]): LayerSpan[] {
  const lines = deltas.map(({ texts }) => texts.map(parseDeltaText))
  const named = new Set<KeyText>()
  for (const { key } of lines.flat()) if (key !== null) named.add(key)
  const places = new Map<KeyText, Place>()
  for (const [key, row] of base.index.locate(named)) places.set(key, { layer: 0, row })
  let spans: LayerSpan[] = [{ layer: 0, from: 0, to: base.index.rows }]
  for (const [i, delta] of lines.entries()) {
    spans = layDelta(spans, delta, i + 1, places, deltas[i]!.object)
    for (const [row, { kind, key }] of delta.entries()) {
      if (kind === 'upsert') places.set(key, { layer: i + 1, row })
      if (kind === 'delete') places.delete(key)
    }
  }
  return spans
}

export function rowsOf(spans: readonly LayerSpan[]): number {
  return spans.reduce((sum, { from, to }) => sum + to - from, 0)
}

/**
 * Goes once through the delta and the records below, side by side. `places` says where the records below are that the delta names.
 */
function layDelta(below: readonly LayerSpan[], delta: readonly DeltaLine[], layer: number, places: ReadonlyMap<KeyText, Place>, object: string): LayerSpan[] {
  const merged = createSpanList()
  const rest = createSpanReader(below, merged)
  const changed = new Set<KeyText>()
  /** What the place reached is right behind of: the last record below that stays, by key or by place, what was deleted since, and what is new. Null is the start of the range. */
  let behind = new Set<KeyText | null>([null])
  let lastKept: Place | null = null
  let anchored = false

  const reach = (key: KeyText): void => {
    const place = places.get(key)
    if (!place) throw corrupt(object, `names ${shown(key)}, which is not in the layers below`)
    const kept = rest.advanceTo(place)
    if (kept === 'absent') throw corrupt(object, `names ${shown(key)} out of order`)
    if (kept) behind = new Set()
    lastKept = kept ?? lastKept
  }
  /** A record below that stays, though perhaps with new content. */
  const stays = (key: KeyText): void => {
    behind = new Set([key])
    lastKept = null
  }
  const isBehind = (key: KeyText | null): boolean => {
    if (behind.has(key)) return true
    if (key === null) return false
    const place = places.get(key)
    return place !== undefined && place.row === lastKept?.row && place.layer === lastKept.layer
  }

  for (const [row, { kind, key }] of delta.entries()) {
    if (kind === 'anchor') {
      anchored = true
      if (isBehind(key)) continue
      if (key === null) throw corrupt(object, 'goes back to the start of the range')
      reach(key)
      rest.keepOne()
      stays(key)
      continue
    }
    if (changed.has(key)) throw corrupt(object, `changes ${shown(key)} twice`)
    changed.add(key)
    if (kind === 'delete') {
      reach(key)
      rest.dropOne()
      behind.add(key)
      continue
    }
    if (places.has(key)) {
      reach(key)
      rest.dropOne()
      stays(key)
      anchored = false
    } else if (!anchored) throw corrupt(object, `has the new record ${shown(key)} without an anchor`)
    merged.add(layer, row, row + 1)
    behind.add(key)
  }
  rest.keepAll()
  return merged.spans
}

function shown(key: KeyText): string {
  return `key ${key.slice(0, 100)}`
}

interface SpanList {
  readonly spans: LayerSpan[]
  add(layer: number, from: number, to: number): void
}

/** Spans that continue one another become one. */
function createSpanList(): SpanList {
  const spans: LayerSpan[] = []
  return {
    spans,
    add(layer, from, to) {
      const last = spans.at(-1)
      if (from === to) return
      if (last?.layer === layer && last.to === from) spans[spans.length - 1] = { layer, from: last.from, to }
      else spans.push({ layer, from, to })
    },
  }
}

interface SpanReader {
  /** Copies what stands before the place, and says what was copied last; null when nothing stands between, `absent` when the place is not ahead. */
  advanceTo(place: Place): Place | null | 'absent'
  keepOne(): void
  dropOne(): void
  keepAll(): void
}

function createSpanReader(spans: readonly LayerSpan[], into: SpanList): SpanReader {
  let at = 0
  let row = spans[0]?.from ?? 0

  const next = (): void => {
    at++
    row = spans[at]?.from ?? 0
  }
  const step = (): void => {
    if (++row === spans[at]?.to) next()
  }

  return {
    advanceTo(place) {
      let last: Place | null = null
      for (let span = spans[at]; span; span = spans[at]) {
        const here = span.layer === place.layer && place.row >= row && place.row < span.to
        const end = here ? place.row : span.to
        if (end > row) last = { layer: span.layer, row: end - 1 }
        into.add(span.layer, row, end)
        row = end
        if (here) return last
        next()
      }
      return 'absent'
    },
    keepOne() {
      into.add(spans[at]!.layer, row, row + 1)
      step()
    },
    dropOne: step,
    keepAll() {
      for (; at < spans.length; next()) into.add(spans[at]!.layer, row, spans[at]!.to)
    },
  }
}
