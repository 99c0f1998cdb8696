import type { KeyRange, KeyText } from '../../../src/contracts/key-range.ts'
import { HoldfastError } from '../../../src/kernel/errors.ts'
import { dynamicDecoder, dynamicEncoder } from '../../../src/record/dynamic-codec.ts'
import { keyTextOf, parseKeyText } from '../../../src/record/key-text.ts'
import type { StoredValue } from '../../../src/record/stored-value.ts'
import { ValueError } from '../../../src/record/value-error.ts'
import type { SqliteEntity } from './catalog.ts'
import type { KeyValues, ValueRange } from './row-pages.ts'

/** Key texts and stored values of one entity, both ways. */
export interface KeyCodec {
  /** Key text of a whole row, given in the order of `entity.columns`. */
  text(row: readonly StoredValue[]): KeyText
  values(key: KeyText): KeyValues
  range(range: KeyRange): ValueRange
}

export function createKeyCodec(entity: SqliteEntity): KeyCodec {
  const { columns, order, descriptor } = entity
  const key = descriptor.key.map((path) => columns.findIndex((column) => column.path === path))
  const encoders = key.map((at) => dynamicEncoder(columns[at]!.affinity))
  const decoders = key.map((at) => dynamicDecoder(columns[at]!.affinity))
  const values = (text: KeyText): KeyValues => {
    const tokens = parseKeyText(text, key.length)
    try {
      const decoded = tokens.map((token, at) => {
        const bytes = Buffer.from(token)
        return decoders[at]!(bytes, 0, bytes.length)
      })
      return order.map((position) => decoded[key.indexOf(position)] ?? null)
    } catch (error) {
      if (!(error instanceof ValueError)) throw error
      throw new HoldfastError('E_RECORD', `not a key of "${descriptor.name}": ${error.message}`, { cause: error })
    }
  }
  return {
    text: (row) => keyTextOf(key.map((at, part) => encoders[part]!(row[at] ?? null))),
    values,
    range: ({ from, to }) => ({ from: from === null ? null : values(from), to: to === null ? null : values(to) }),
  }
}
