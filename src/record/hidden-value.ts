import type { EntityDescriptor } from '../contracts/entity-descriptor.ts'
import type { KeyText } from '../contracts/key-range.ts'
import { keyTextOf, parseKeyText } from './key-text.ts'

/** What stands in place of a value that is not shown. */
export const HIDDEN_VALUE = '•••'

const HIDDEN_TOKEN = JSON.stringify(HIDDEN_VALUE)

/** Property paths whose values are not shown: `sensitive` by the plan, or by the entity itself. */
export function hiddenPaths({
  descriptor,
  sensitive,
}: {
  readonly descriptor: Pick<EntityDescriptor, 'fields'>
  readonly sensitive: readonly string[]
}): ReadonlySet<string> {
  return new Set([...sensitive, ...descriptor.fields.filter((field) => field.sensitive).map(({ path }) => path)])
}

/** The key as it is shown; `hidden` says of each of its values whether it is not. */
export function shownKeyText(hidden: readonly boolean[], key: KeyText): KeyText {
  return hidden.includes(true) ? keyTextOf(parseKeyText(key).map((token, at) => (hidden[at] ? HIDDEN_TOKEN : token))) : key
}
