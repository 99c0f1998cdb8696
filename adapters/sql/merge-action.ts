/**
 * What is to happen to a staged record; identical ones have no action. `swap`: an update that must leave the table first. `lost`, `stuck`: a row to be created, or updated, whose record is left
 * out.
 */
export type Action = 'create' | 'update' | 'swap' | 'delete' | 'keep' | 'conflict' | 'absent' | 'lost' | 'stuck'

/** How actions stand in the table of actions. */
export const ACTION_CODE: Readonly<Record<Action, string>> = {
  create: `'c'`,
  update: `'u'`,
  swap: `'p'`,
  delete: `'d'`,
  keep: `'k'`,
  conflict: `'x'`,
  absent: `'a'`,
  lost: `'l'`,
  stuck: `'s'`,
}

const listOf = (...actions: readonly Action[]) => `(${actions.map((action) => ACTION_CODE[action]).join(', ')})`

/** Actions that write a row, as SQL list. */
export const WRITING = listOf('create', 'update', 'swap')

/** Actions after which a live row is not as it was, as SQL list. */
export const LEAVING = listOf('update', 'swap', 'delete')

/** Actions that touch a row at all, as SQL list. */
export const TOUCHING = listOf('create', 'update', 'swap', 'delete')

/** Actions that touch a row, or may once somebody decided a conflict, as SQL list. */
export const SHOWN = listOf('create', 'update', 'swap', 'delete', 'conflict')
