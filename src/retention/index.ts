export type { CalendarSpan } from './calendar.ts'
export { type DatedSnapshot, decideRetention, type RetentionReason, type RetentionVerdict } from './decide-retention.ts'
export { checkRetention, type RetentionPolicy } from './retention-policy.ts'
