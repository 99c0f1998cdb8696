/** Stands in a plan's list for all classes marked for it by `@BackupEntity`. */
export interface Decorated {
  readonly decorated: true
}

const marker: Decorated = Object.freeze({ decorated: true })

/**
 * The entities that the stores map and whose classes carry `@BackupEntity` for this plan. They are found among what the ORMs map when the
 * plan is resolved, so the order in which modules are imported changes nothing. Alone or beside others: `entities: [decorated(), 'order_tags']`.
 */
export function decorated(): Decorated {
  return marker
}

export function isDecorated(value: unknown): value is Decorated {
  return typeof value === 'object' && value !== null && 'decorated' in value && value.decorated === true
}
