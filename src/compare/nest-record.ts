import type { EntityDescriptor } from '../contracts/entity-descriptor.ts'
import type { JsonValue } from './record-difference.ts'

type Node = Record<string, unknown>

/**
 * Makes an object of the values of some fields, nested by their paths: `address.city` → `{ address: { city } }`. A foreign key that is NULL is `null`
 * as a whole, not an object of nulls.
 */
export function createNester({ references }: Pick<EntityDescriptor, 'references'>, paths: readonly string[]): (values: readonly JsonValue[]) => Node {
  const referring = new Set(references.flatMap(({ fields }) => fields))
  const steps = paths.map((path) => path.split('.'))
  const parents = new Map<string, number[]>()
  for (const [at, step] of steps.entries()) {
    const parent = step.slice(0, -1).join('.')
    parents.set(parent, [...(parents.get(parent) ?? []), at])
  }
  const foreign = [...parents].filter(([parent, members]) => parent !== '' && members.every((at) => referring.has(paths[at]!)))

  return (values) => {
    const record: Node = {}
    for (const [at, step] of steps.entries()) {
      let node = record
      for (const name of step.slice(0, -1)) node = childOf(node, name)
      set(node, step.at(-1)!, values[at])
    }
    for (const [parent, members] of foreign) {
      if (members.some((at) => values[at] !== null)) continue
      const step = parent.split('.')
      let node = record
      for (const name of step.slice(0, -1)) node = childOf(node, name)
      // Something else may stand below it, as an embedded object of the foreign key's name.
      if (Object.values(childOf(node, step.at(-1)!)).every((value) => value === null)) set(node, step.at(-1)!, null)
    }
    return record
  }
}

function childOf(node: Node, name: string): Node {
  const child = Object.hasOwn(node, name) ? node[name] : undefined
  if (typeof child === 'object' && child !== null) return child as Node
  const made: Node = {}
  set(node, name, made)
  return made
}

/** Also for a property called `__proto__`. */
function set(node: Node, name: string, value: unknown): void {
  Object.defineProperty(node, name, { value, enumerable: true, configurable: true, writable: true })
}
