/** What became of one thing in which a snapshot differs from today's entities. */
export interface SchemaOutcome {
  readonly store: string
  /** Name of today; of a removed entity the one it had. */
  readonly entity: string
  /**
   * `entity-renamed`, `renamed`: its records go where it is now. `added`: not in the snapshot; new rows get the column's default, rows that exist keep what they have. `removed`: not among today's
   * properties; its values are in the snapshot and nowhere else. `entity-removed`: declared to be gone. `upcast`: changed by the application's function.
   */
  readonly kind: 'entity-renamed' | 'renamed' | 'added' | 'removed' | 'entity-removed' | 'upcast'
  /** Name that it had, or the version; null for what was added. */
  readonly from: string | null
  /** Name that it has, or the version; null for what was removed. */
  readonly to: string | null
}

/** The sentence for people. */
export function outcomeText({ entity, kind, from, to }: SchemaOutcome): string {
  switch (kind) {
    case 'entity-renamed':
      return `${from} is ${to} now`
    case 'renamed':
      return `${entity}.${from} is ${entity}.${to} now`
    case 'added':
      return `${entity}.${to} is not in the snapshot: new rows get its default`
    case 'removed':
      return `${entity}.${from} is gone: its values are not restored`
    case 'entity-removed':
      return `${entity} was declared to be gone: its records are not restored`
    case 'upcast':
      return `${entity} was changed from ${from ?? 'any version'} to ${to}`
  }
}
