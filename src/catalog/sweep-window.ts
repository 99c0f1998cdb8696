/** Half of the grace period. A prune that takes longer than this must not go by what it read at its beginning: lists are retired one grace period after they were swept. */
export const SWEEP_WINDOW_MS = 12 * 60 * 60 * 1000
