/** Some objects that go together. */
export interface ObjectGroup {
  readonly objects: string[]
  bytes: number
  /** When the youngest of them was stored, by the storage's clock. */
  youngest: number
}

export function emptyGroup(): ObjectGroup {
  return { objects: [], bytes: 0, youngest: 0 }
}

export function groupOf<T>(groups: Map<string, T>, id: string, make: () => T): T {
  let group = groups.get(id)
  if (!group) groups.set(id, (group = make()))
  return group
}

export function add(group: ObjectGroup, object: string, bytes: number, modifiedAt: number): void {
  group.objects.push(object)
  group.bytes += bytes
  group.youngest = Math.max(group.youngest, modifiedAt)
}
