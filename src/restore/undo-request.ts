/** How a restore is taken back. */
export interface UndoRequest {
  /** What happens to rows that were changed again since: `fail` refuses all of it, naming them; `keep` leaves them as they are now, and puts the others back. Default `fail`. */
  readonly onConflict?: 'fail' | 'keep'
  /** Who asks for it, for the history. At most 200 characters. */
  readonly by?: string
}
