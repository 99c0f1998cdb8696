export { pick, type PickOptions } from './row-pick.ts'
export { selectRecords } from './select-records.ts'
export { selectRows } from './select-rows.ts'
export { resolver } from './resolver.ts'
