/** What is to be done with a staged row. */
export const ACTION = {
  create: 0,
  identical: 1,
  update: 2,
  keep: 3,
  conflict: 4,
  /** Equal but for the sign of a zero, which SQL cannot see. Settled before anything is counted. */
  zero: 5,
  /** An update that gives up a unique value before others take it. */
  aside: 6,
  delete: 7,
  /** Without a live row, and not to be created. */
  absent: 8,
  /** To be created, but its record is left out. */
  lost: 9,
  /** To be updated, but its record is left out. */
  stuck: 10,
} as const

/** Those that the merge writes, as SQL. */
export const WRITTEN = `(${ACTION.create}, ${ACTION.update}, ${ACTION.aside})`

/** Those after which a live row is not as it was, as SQL. */
export const LEAVING = `(${ACTION.update}, ${ACTION.aside}, ${ACTION.delete})`
