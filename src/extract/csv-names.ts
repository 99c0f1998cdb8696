import type { EntityDescriptor } from '../contracts/entity-descriptor.ts'

/** A name of a file that no system reads as anything else: other characters as `%` and two hex digits a byte. */
const PLAIN = /[A-Za-z0-9_-]/
const DEVICE = /^(?:con|prn|aux|nul|com[0-9]|lpt[0-9])$/i

/** The files of a folder, one for each entity: `Order.csv`, of several stores `shop.Order.csv`; a number is added to names that a file system may not tell apart. */
export function csvNames(entities: readonly EntityDescriptor[]): readonly string[] {
  const several = new Set(entities.map(({ store }) => store)).size > 1
  const taken = new Set<string>()
  return entities.map(({ store, name }) => {
    const text = several ? `${encoded(store)}.${encoded(name)}` : encoded(name)
    const base = DEVICE.test(text) ? `_${text}` : text
    let free = base
    for (let n = 2; taken.has(free.toLowerCase()); n++) free = `${base}-${n}`
    taken.add(free.toLowerCase())
    return `${free}.csv`
  })
}

function encoded(name: string): string {
  let text = ''
  for (const character of name)
    text += PLAIN.test(character) ? character : [...Buffer.from(character)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')
  return text.slice(0, 120)
}
