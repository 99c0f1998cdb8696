import type { KeyText } from '../contracts/key-range.ts'

/**
 * What a line of a delta chunk is, as its key index tells it, one text a line:
 *
 * ```
 * {"id":42,…}     [42]      upsert: the record of that key, new or instead of the one below
 * ["-",[42]]      -[42]     delete
 * ["@",[42]]      @[42]     anchor: new records that follow stand right after that key
 * ["@",null]      @null     anchor: … at the start of the range
 * ```
 *
 * A key text begins with `[`, so deletes and anchors are never mistaken for one: layers can be merged from their indexes alone.
 */
export const DELETE_MARK = '-'
export const ANCHOR_MARK = '@'
const RANGE_START = 'null'

export function deleteText(key: KeyText): string {
  return DELETE_MARK + key
}

export function anchorText(key: KeyText | null): string {
  return ANCHOR_MARK + (key ?? RANGE_START)
}

/** The line, its 0x0A counted, that such a text of the index stands for. */
export function controlLine(text: string): string {
  return `["${text[0]!}",${text.slice(1)}]\n`
}

export type DeltaLine =
  | { readonly kind: 'upsert' | 'delete'; readonly key: KeyText }
  /** `key` null: the start of the range. */
  | { readonly kind: 'anchor'; readonly key: KeyText | null }

export function parseDeltaText(text: string): DeltaLine {
  if (text.startsWith(DELETE_MARK)) return { kind: 'delete', key: text.slice(1) }
  if (!text.startsWith(ANCHOR_MARK)) return { kind: 'upsert', key: text }
  const key = text.slice(1)
  return { kind: 'anchor', key: key === RANGE_START ? null : key }
}
