/** What is used of `@google-cloud/storage`, by shape: any version that has it will do. */
export interface GcsSdk {
  readonly Storage: new (options: Readonly<Record<string, unknown>>) => GcsClient
}

/** A `Storage` of `@google-cloud/storage`: where the service is, and who asks. */
export interface GcsClient {
  readonly apiEndpoint: string
  /** Not Google's own: no credentials are sent, unless `useAuthWithCustomEndpoint`. */
  readonly customEndpoint?: boolean
  readonly useAuthWithCustomEndpoint?: boolean
  readonly authClient: { getRequestHeaders(url?: string): Promise<Headers | Readonly<Record<string, string>>> }
}

/** Of an object's resource, in the JSON API. */
export interface GcsObject {
  readonly name: string
  readonly size?: string
  readonly timeCreated?: string
}

export interface GcsListing {
  readonly items?: readonly GcsObject[]
  readonly nextPageToken?: string
}

/** Of a bucket's metadata, what decides over objects that are deleted. */
export interface GcsBucket {
  readonly versioning?: { readonly enabled?: boolean }
  readonly retentionPolicy?: { readonly retentionPeriod?: string }
  readonly objectRetention?: { readonly mode?: string }
  readonly defaultEventBasedHold?: boolean
}
