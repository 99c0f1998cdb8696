import type { EntityDescriptor } from '../contracts/entity-descriptor.ts'
import type { KeyText } from '../contracts/key-range.ts'
import { keyTextOf, NOTHING, spliceLines } from '../record/index.ts'

/** Pieces of whole lines without those of the keys; all other bytes are as they were. */
export function withoutErased(
  entity: Pick<EntityDescriptor, 'name' | 'fields' | 'key'>,
  erased: ReadonlySet<KeyText>,
  pieces: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const paths = entity.fields.map(({ path }) => path)
  const keyAt = entity.key.map((path) => paths.indexOf(path))
  return spliceLines(entity, pieces, ({ bytes, start, end, spans }) => {
    const key = keyTextOf(keyAt.map((at) => bytes.toString('utf8', spans[at * 2], spans[at * 2 + 1])))
    return erased.has(key) ? [{ from: start, to: end, by: NOTHING }] : []
  })
}
