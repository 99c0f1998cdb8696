export { erasedOfSnapshot, type SearchedSnapshot } from './erased-of-snapshot.ts'
export { type ErasedCount, type ErasedRows, findErased, idOf, NOTHING_ERASED, type SearchedEntity } from './erased-rows.ts'
export { withoutErased } from './without-erased.ts'
