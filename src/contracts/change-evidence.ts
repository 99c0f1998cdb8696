/**
 * What a view must remember so that a later view can prove "unchanged" for one entity. Opaque to the engines: made and compared by
 * the dialect's lane, kept in journal and manifest. All values are strings, so that JSON keeps them exact.
 */
export interface ChangeEvidence {
  readonly method: string
  readonly values: Readonly<Record<string, string>>
}
