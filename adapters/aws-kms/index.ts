export { type AwsKmsOptions, awsKms } from './aws-kms.ts'
export type { KmsClient } from './kms-sdk.ts'
