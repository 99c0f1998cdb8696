export { GRACE_MS, prune, type PruneContext, type PruneOptions } from './prune.ts'
export type * from './prune-report.ts'
export type { PrunePlace } from './survey.ts'
