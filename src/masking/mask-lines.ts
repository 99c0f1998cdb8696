import type { EntityDescriptor } from '../contracts/entity-descriptor.ts'
import { HoldfastError } from '../kernel/errors.ts'
import { parseExactJson, spliceLines, ValueError, valueToken } from '../record/index.ts'
import type { MaskedField } from './plan-masks.ts'

/** Pieces of whole lines with the values of the masked columns replaced; all other bytes are as they were. */
export function maskLines(
  record: EntityDescriptor,
  masked: readonly MaskedField[],
  pieces: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const inOrder = masked.toSorted((a, b) => a.at - b.at)
  return spliceLines(record, pieces, ({ bytes, spans, number }) =>
    inOrder.flatMap((field) => {
      const [from, to] = [spans[field.at * 2]!, spans[field.at * 2 + 1]!]
      return bytes[from] === NULL ? [] : [{ from, to, by: replaced(field, bytes.toString('utf8', from, to), record.name, number) }]
    }),
  )
}

/** `n`: no other JSON value starts with it. */
const NULL = 0x6e

function replaced({ field, masker, replace }: MaskedField, token: string, entity: string, line: number): Buffer {
  try {
    return Buffer.from(valueToken(field, replace(parseExactJson(token))))
  } catch (error) {
    // What a function of the application throws may quote the value: its text stays in the cause.
    const why = error instanceof ValueError ? error.message : 'it failed'
    throw new HoldfastError('E_MASKING', `"${entity}", line ${line}: "${masker}" cannot mask ${field.path}: ${why}; nothing was merged`, {
      cause: error instanceof ValueError ? undefined : error,
      details: { entity, line, field: field.path },
    })
  }
}
