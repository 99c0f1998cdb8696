/**
 * Where everything is in a repository. Pure functions: names below the repository's prefix, made of ids and numbers only, so that no
 * entity name and no key shows in a path and none can lead outside.
 *
 * ```
 * repository.json
 * keys/<4 digits>.<4 digits>               encrypted: the key of the repository, wrapped; a second number when it was wrapped anew
 * scopes/<scope>                           there is a sub-repository of a tenant
 * s/<scope>/keys/<4 digits>.<4 digits>     encrypted: a key of the scope's data, by epoch
 * s/<scope>/keys/destroyed                 there were keys, and never will be again
 * s/<scope>/chunks/<2 hex>/<id>.hfc        a chunk, named by the SHA-256 of its plain lines; <id>.<n>.hfc when that name holds a bad one
 * s/<scope>/chunks/<2 hex>/<id>.hfx        its key index
 * s/<scope>/snapshots/<id>/manifest        the commit point
 * s/<scope>/snapshots/<id>/entities/<n>    ranges of one entity, when the manifest would be large
 * s/<scope>/sessions/<id>/session          what the session is; attempts/<4 digits>, journal/<8 digits> beside it
 * s/<scope>/tombstones/<id>                hides a snapshot
 * s/<scope>/condemned/<id>/run             a prune was here: its time by the storage's clock
 * s/<scope>/condemned/<id>/list            what a later prune may delete; "swept" beside it once one has
 * s/<scope>/pins/<snapshot id>/<id>        a reader of a snapshot
 * s/<scope>/holds/<snapshot id>/<id>       a snapshot that must not be deleted, and why
 * s/<scope>/audit/<id>                    what took a backup away: who, when, why
 * s/<scope>/referrers/<repository id>      another repository, whose manifests refer to chunks of this one
 * s/<scope>/erasures/<id>                  a record that is given out no more, by a keyed hash
 * s/<scope>/restores/<id>/result, diagnostics
 * s/<scope>/restores/<id>/plan/<8 digits>  a plan, its rows in plan-rows/<8 digits>
 * s/<scope>/restores/<id>/replays/<8 digits>  which of the records that it left out were tried again
 * s/<scope>/restores/<id>/undone/<8 digits>  it was taken back
 * s/<scope>/restores/<id>/undo/<8 digits>  how each store of a restore was before; the rows in undo-rows/<8 digits>
 * ```
 */
export const REPOSITORY_FILE = 'repository.json'

/** Where the key of an encrypted repository is. */
export const REPOSITORY_KEYS = 'keys/'

/** Where it is noted which tenants there are. */
export const SCOPES = 'scopes/'
export const scopeMark = (id: string): string => `${SCOPES}${id}`

/** The path segment of a plan without tenants. */
export const UNSCOPED = '-'

export interface ScopeNames {
  /** Everything of the scope. */
  root(): string
  /** `name` is a chunk's id, or `<id>.<n>`. */
  chunk(name: string): string
  chunkIndex(name: string): string
  /** All chunks, or those whose id starts with the two hex digits. */
  chunks(hex?: string): string
  manifest(snapshotId: string): string
  entityPage(snapshotId: string, page: number): string
  snapshots(): string
  /** Manifest and pages of one snapshot. */
  snapshot(snapshotId: string): string
  session(sessionId: string): string
  attempt(sessionId: string, n: number): string
  attempts(sessionId: string): string
  journalEntry(sessionId: string, n: number): string
  journal(sessionId: string): string
  sessions(): string
  /** All objects of one session. */
  sessionFolder(sessionId: string): string
  tombstone(snapshotId: string): string
  tombstones(): string
  condemned(listId: string, part: CondemnedPart): string
  condemnedLists(): string
  pin(snapshotId: string, pinId: string): string
  pins(): string
  hold(snapshotId: string, holdId: string): string
  /** All holds, or those of one snapshot. */
  holds(snapshotId?: string): string
  auditEntry(auditId: string): string
  audit(): string
  referrer(repositoryId: string): string
  referrers(): string
  restoreResult(restoreId: string): string
  restoreDiagnostics(restoreId: string): string
  restorePart(restoreId: string, part: RestorePart, n: number): string
  restores(): string
  erasure(id: string): string
  erasures(): string
  keys(): string
}

/** What a restore keeps in numbered objects. */
export type RestorePart = 'plan' | 'plan-rows' | 'undo' | 'undo-rows' | 'replays' | 'undone'

export type CondemnedPart = 'run' | 'list' | 'swept'

/** Greatest numbers that the fixed width of a name can hold, so that name order stays number order. */
export const MAX_ATTEMPT = 9_999
export const MAX_JOURNAL = 99_999_999

export function scopeNames(scope: string | null): ScopeNames {
  const root = `s/${scope ?? UNSCOPED}/`
  const digits = (n: number, width: number) => String(n).padStart(width, '0')
  return {
    root: () => root,
    chunk: (name) => `${root}chunks/${name.slice(0, 2)}/${name}.hfc`,
    chunkIndex: (name) => `${root}chunks/${name.slice(0, 2)}/${name}.hfx`,
    chunks: (hex) => (hex === undefined ? `${root}chunks/` : `${root}chunks/${hex}/`),
    manifest: (id) => `${root}snapshots/${id}/manifest`,
    entityPage: (id, page) => `${root}snapshots/${id}/entities/${digits(page, 4)}`,
    snapshots: () => `${root}snapshots/`,
    snapshot: (id) => `${root}snapshots/${id}/`,
    session: (id) => `${root}sessions/${id}/session`,
    attempt: (id, n) => `${root}sessions/${id}/attempts/${digits(n, 4)}`,
    attempts: (id) => `${root}sessions/${id}/attempts/`,
    journalEntry: (id, n) => `${root}sessions/${id}/journal/${digits(n, 8)}`,
    journal: (id) => `${root}sessions/${id}/journal/`,
    sessions: () => `${root}sessions/`,
    sessionFolder: (id) => `${root}sessions/${id}/`,
    tombstone: (id) => `${root}tombstones/${id}`,
    tombstones: () => `${root}tombstones/`,
    condemned: (id, part) => `${root}condemned/${id}/${part}`,
    condemnedLists: () => `${root}condemned/`,
    pin: (snapshotId, id) => `${root}pins/${snapshotId}/${id}`,
    pins: () => `${root}pins/`,
    hold: (snapshotId, id) => `${root}holds/${snapshotId}/${id}`,
    holds: (snapshotId) => (snapshotId === undefined ? `${root}holds/` : `${root}holds/${snapshotId}/`),
    auditEntry: (id) => `${root}audit/${id}`,
    audit: () => `${root}audit/`,
    referrer: (id) => `${root}referrers/${id}`,
    referrers: () => `${root}referrers/`,
    restoreResult: (id) => `${root}restores/${id}/result`,
    restoreDiagnostics: (id) => `${root}restores/${id}/diagnostics`,
    restorePart: (id, part, n) => `${root}restores/${id}/${part}/${digits(n, 8)}`,
    restores: () => `${root}restores/`,
    erasure: (id) => `${root}erasures/${id}`,
    erasures: () => `${root}erasures/`,
    keys: () => `${root}keys/`,
  }
}
