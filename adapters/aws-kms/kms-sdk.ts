/** What is used of `@aws-sdk/client-kms`, by shape: any version that has it will do. */
export interface KmsSdk {
  readonly KMSClient: new (configuration: Readonly<Record<string, unknown>>) => KmsClient
  readonly EncryptCommand: new (input: Readonly<Record<string, unknown>>) => object
  readonly DecryptCommand: new (input: Readonly<Record<string, unknown>>) => object
}

/** A `KMSClient` of `@aws-sdk/client-kms`. */
export interface KmsClient {
  send(command: never, options?: { readonly abortSignal?: AbortSignal }): Promise<unknown>
}

export interface KmsEncrypted {
  readonly CiphertextBlob?: Uint8Array
}

export interface KmsDecrypted {
  readonly Plaintext?: Uint8Array
}
