export { type MikroOrmStoreOptions, mikroOrmStore } from './mikro-orm-store.ts'
export type { MikroOrmInstance } from './mikro-orm-instance.ts'
