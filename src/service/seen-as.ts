/**
 * `today`: under today's names of entities and properties, and as up-casters make them. `archived`: as the records were stored, whatever became of their schema.
 */
export type SeenAs = 'today' | 'archived'

export const SEEN_AS: readonly SeenAs[] = ['today', 'archived']

export interface SeenAsOption {
  /** How records are seen. Default `today`. */
  readonly as?: SeenAs
}
