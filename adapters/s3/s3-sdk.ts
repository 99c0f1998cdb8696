/** What is used of `@aws-sdk/client-s3`, by shape: any version that has it will do. */
export interface S3Sdk extends S3Commands {
  readonly S3Client: new (configuration: Readonly<Record<string, unknown>>) => S3Client
}

/** An `S3Client` of `@aws-sdk/client-s3`. */
export interface S3Client {
  readonly config: { region(): Promise<string> }
  send(command: never, options?: { readonly abortSignal?: AbortSignal }): Promise<unknown>
  destroy(): void
}

/** A request in the making. */
interface Building {
  readonly request: { readonly headers: Record<string, string> }
}

export interface S3Command {
  readonly middlewareStack: {
    add(
      middleware: (next: (args: Building) => Promise<unknown>) => (args: Building) => Promise<unknown>,
      options: { readonly step: 'build'; readonly name: string; readonly override: boolean },
    ): void
  }
}

type Command = new (input: Readonly<Record<string, unknown>>) => S3Command

export interface S3Commands {
  readonly AbortMultipartUploadCommand: Command
  readonly CompleteMultipartUploadCommand: Command
  readonly CreateMultipartUploadCommand: Command
  readonly DeleteObjectCommand: Command
  readonly DeleteObjectsCommand: Command
  readonly GetBucketLifecycleConfigurationCommand: Command
  readonly GetBucketVersioningCommand: Command
  readonly GetObjectCommand: Command
  readonly GetObjectLockConfigurationCommand: Command
  readonly HeadBucketCommand: Command
  readonly HeadObjectCommand: Command
  readonly ListObjectsV2Command: Command
  readonly PutObjectCommand: Command
  readonly UploadPartCommand: Command
}

export interface S3Object {
  readonly Body?: AsyncIterable<Uint8Array>
  readonly ContentLength?: number
  readonly ContentRange?: string
}

export interface S3Head {
  readonly ContentLength?: number
  readonly LastModified?: Date
  readonly StorageClass?: string
  /** `ongoing-request="false", expiry-date="…"` of one that was brought back. */
  readonly Restore?: string
  /** Of the intelligent class: the object lies in its archive. */
  readonly ArchiveStatus?: string
}

export interface S3Listing {
  readonly Contents?: readonly { readonly Key?: string; readonly Size?: number; readonly LastModified?: Date; readonly StorageClass?: string }[]
  readonly IsTruncated?: boolean
  readonly NextContinuationToken?: string
}

export interface S3Deletion {
  readonly Errors?: readonly { readonly Key?: string; readonly Code?: string; readonly Message?: string }[]
}

export interface S3Upload {
  readonly UploadId?: string
}

export interface S3Part {
  readonly ETag?: string
}
