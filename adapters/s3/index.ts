export { type S3StorageOptions, s3Storage } from './s3-storage.ts'
export type { S3Client } from './s3-sdk.ts'
