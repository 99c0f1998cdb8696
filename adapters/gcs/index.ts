export { type GcsStorageOptions, gcsStorage } from './gcs-storage.ts'
export type { GcsClient } from './gcs-sdk.ts'
