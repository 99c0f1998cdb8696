export { type AzureBlobStorageOptions, azureBlobStorage } from './azure-blob-storage.ts'
export type { AzureContainerClient } from './azure-sdk.ts'
