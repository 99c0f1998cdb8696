export { type TypeormStoreOptions, typeormStore } from './typeorm-store.ts'
export type { TypeormDataSource } from './typeorm-data-source.ts'
