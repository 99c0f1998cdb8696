export type * from './progress-snapshot.ts'
export { ProgressFeed, type ProgressFeedOptions, type ProgressHandler } from './progress-feed.ts'
export { BACKUP_PHASES, type EntityMeter, isEnd, type PhaseShare, ProgressTracker, type ProgressTrackerOptions } from './progress-tracker.ts'
