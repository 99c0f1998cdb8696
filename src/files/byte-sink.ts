/** Where the bytes of an export go, from front to back. */
export interface ByteSink {
  /** For messages. */
  readonly name: string
  /** Resolves when there is room for more. */
  write(bytes: Uint8Array): Promise<void>
  /** All is written: makes it visible. */
  finish(): Promise<void>
  /** It failed: takes back what can be taken back. Throws nothing. */
  abort(error: unknown): Promise<void>
}
