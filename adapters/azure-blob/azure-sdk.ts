/** What is used of `@azure/storage-blob`, by shape: any version that has it will do. */
export interface AzureSdk {
  readonly ContainerClient: new (...args: never[]) => AzureContainerClient
}

/** A `ContainerClient` of `@azure/storage-blob`. */
export interface AzureContainerClient {
  readonly containerName: string
  getBlockBlobClient(name: string): AzureBlobClient
  listBlobsFlat(options: AzureCall & { readonly prefix: string }): {
    byPage(settings: { readonly continuationToken?: string; readonly maxPageSize: number }): AsyncIterator<AzureListing>
  }
  getProperties(options: AzureCall): Promise<{
    readonly hasImmutabilityPolicy?: boolean
    readonly hasLegalHold?: boolean
    readonly isImmutableStorageWithVersioningEnabled?: boolean
  }>
  getBlobBatchClient(): { deleteBlobs(blobs: never[], options: AzureCall): Promise<AzureBatchAnswer> }
}

export interface AzureCall {
  readonly abortSignal: AbortSignal
}

export interface AzureConditions {
  readonly conditions?: { readonly ifNoneMatch: '*' }
}

export interface AzureHeaders {
  readonly blobHTTPHeaders: { readonly blobContentType: string; readonly blobContentMD5: Uint8Array }
}

export interface AzureBlobClient {
  upload(body: Buffer, length: number, options: AzureCall & AzureConditions & AzureHeaders & { readonly transactionalContentMD5: Uint8Array }): Promise<unknown>
  stageBlock(id: string, body: Buffer, length: number, options: AzureCall & { readonly transactionalContentMD5: Uint8Array }): Promise<unknown>
  commitBlockList(ids: string[], options: AzureCall & AzureConditions & AzureHeaders): Promise<unknown>
  download(offset: number, count: number | undefined, options: AzureCall): Promise<AzureDownload>
  getProperties(
    options: AzureCall,
  ): Promise<{ readonly contentLength?: number; readonly lastModified?: Date; readonly accessTier?: string; readonly versionId?: string }>
  delete(options: AzureCall): Promise<unknown>
}

export interface AzureDownload {
  readonly contentLength?: number
  readonly contentRange?: string
  readonly readableStreamBody?: NodeJS.ReadableStream
}

export interface AzureListing {
  readonly continuationToken?: string
  readonly segment: {
    readonly blobItems: readonly {
      readonly name: string
      readonly properties: { readonly contentLength?: number; readonly lastModified: Date; readonly accessTier?: string }
    }[]
  }
}

export interface AzureBatchAnswer {
  readonly subResponses: readonly { readonly status: number; readonly statusMessage: string; readonly errorCode?: string }[]
}
