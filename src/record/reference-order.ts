import type { EntityDescriptor } from '../contracts/entity-descriptor.ts'

/**
 * Entities in foreign-key order: parents before children, the members of a cycle beside each other (Tarjan's strongly connected
 * components, SIAM J. Comput. 1972). The input order decides wherever the keys leave a choice, so equal input gives equal output.
 */
export function referenceOrder<T extends { readonly record: EntityDescriptor }>(items: readonly T[]): T[] {
  const byName = new Map(items.map((item) => [item.record.name, item]))
  const order: T[] = []
  const state = new Map<T, { index: number; low: number; onStack: boolean }>()
  const stack: T[] = []
  let next = 0

  // Iterative: an application may have thousands of entities in one chain of references.
  for (const root of items) {
    if (state.has(root)) continue
    const frames: { item: T; parents: T[]; at: number }[] = []
    const enter = (item: T) => {
      state.set(item, { index: next, low: next, onStack: true })
      next++
      stack.push(item)
      frames.push({ item, parents: parentsOf(item, byName), at: 0 })
    }
    enter(root)
    while (frames.length > 0) {
      const frame = frames.at(-1)!
      const own = state.get(frame.item)!
      const parent = frame.parents[frame.at++]
      if (parent) {
        const seen = state.get(parent)
        if (!seen) enter(parent)
        else if (seen.onStack) own.low = Math.min(own.low, seen.index)
        continue
      }
      frames.pop()
      const below = frames.at(-1)
      if (below) {
        const belowState = state.get(below.item)!
        belowState.low = Math.min(belowState.low, own.low)
      }
      if (own.low === own.index) order.push(...popComponent(stack, frame.item, state))
    }
  }
  return order
}

function parentsOf<T extends { readonly record: EntityDescriptor }>(item: T, byName: Map<string, T>): T[] {
  const names = new Set(item.record.references.map((reference) => reference.entity))
  return [...names].map((name) => (name === undefined ? undefined : byName.get(name))).filter((parent) => parent !== undefined && parent !== item) as T[]
}

function popComponent<T>(stack: T[], root: T, state: Map<T, { onStack: boolean }>): T[] {
  const start = stack.lastIndexOf(root)
  const component = stack.splice(start)
  for (const member of component) state.get(member)!.onStack = false
  return component
}
