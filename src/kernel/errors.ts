/** One row of the error table. */
export interface ErrorDefinition {
  /** What happened, in one sentence. TECHNICAL.md prints it. */
  readonly summary: string
  /** The way out, when the thrower knows no better one. */
  readonly hint: string
  /** True when the same call may succeed later with nothing changed by the caller. */
  readonly retryable: boolean
}

/**
 * Every error Holdfast throws on purpose. TECHNICAL.md lists the same codes; a test holds the two equal in both directions.
 * A code, once published, never changes its meaning.
 */
export const ERRORS = {
  E_ABORTED: {
    summary: 'The caller aborted the operation through its signal.',
    hint: 'Start or resume it again; nothing half-done is visible.',
    retryable: true,
  },
  E_ARCHIVE_CORRUPT: {
    summary: 'A stored object is truncated, altered, swapped or not what the manifest says.',
    hint: 'Restore from another snapshot or copy; the next full backup stores damaged chunks anew.',
    retryable: false,
  },
  E_ARCHIVE_FORMAT: {
    summary: 'The archive needs a newer Holdfast: unknown format number or required feature.',
    hint: 'Read it with the version of Holdfast that wrote it, or a later one.',
    retryable: false,
  },
  E_ARCHIVE_MISSING: {
    summary: 'An object the archive refers to is not in the storage.',
    hint: 'Check that the storage location is the right one and that nothing else deletes from it.',
    retryable: false,
  },
  E_BUSY: { summary: 'The server has as many open event streams as it allows.', hint: 'Try again later, or poll the session instead.', retryable: true },
  E_CAPABILITY: {
    summary: 'The storage adapter or database lacks a capability that the requested feature needs.',
    hint: 'Choose another adapter, or leave the feature off.',
    retryable: false,
  },
  E_CONDEMNED: {
    summary: 'A prune condemned chunks that this backup refers to, while it ran.',
    hint: 'Resume the session by its token, or start a new backup: these chunks are stored anew then.',
    retryable: true,
  },
  E_CONFIG: { summary: 'An option is missing, unknown or contradicts another.', hint: 'The message names the option and what it expects.', retryable: false },
  E_CONSISTENCY: {
    summary: 'The required consistency level cannot be reached.',
    hint: 'Lower `requireConsistency`, or split the plan by data source.',
    retryable: false,
  },
  E_DIALECT: { summary: 'The database dialect is not served.', hint: 'PostgreSQL, MariaDB, MySQL and SQLite are served.', retryable: false },
  E_ENTITY_UNKNOWN: { summary: 'No entity of that name is known here.', hint: 'The message lists the names that are.', retryable: false },
  E_FORBIDDEN: { summary: 'The caller may not do this.', hint: 'Ask the operator of the server for the right that `authorize` checks.', retryable: false },
  E_HIDDEN_ROWS: {
    summary: 'Row-level security would hide rows from the backup or refuse the restore.',
    hint: 'Connect as the table owner or as a role with BYPASSRLS.',
    retryable: false,
  },
  E_HOOK: {
    summary: 'A hook of the application failed or took too long, and stopped the run before anything was changed.',
    hint: 'The cause is what the hook threw; `details.hook` names it.',
    retryable: false,
  },
  E_INTERNAL: { summary: 'Something failed that has no error of its own.', hint: 'The log of the server has the error.', retryable: false },
  E_HOLD_UNKNOWN: { summary: 'No hold of that id is there.', hint: '`discovery.holds` lists those that are.', retryable: false },
  E_KEY_MISSING: {
    summary: 'What is stored is encrypted, and no key for it is here.',
    hint: 'Configure a key provider of the repository: `encryption: { providers: [await keyFile(path)] }`. A key that was destroyed is gone for good, with what it encrypted.',
    retryable: false,
  },
  E_KEY_SHREDDED: {
    summary: 'The keys of a tenant were destroyed on purpose, so that nothing of it can ever be read again.',
    hint: 'There is no way back. A tenant that returns needs a new name, or another repository.',
    retryable: false,
  },
  E_KEY_UNAVAILABLE: { summary: 'The key service cannot be reached.', hint: 'Try again; nothing was changed.', retryable: true },
  E_KEY_WRONG: {
    summary: 'A key was given, and is not the one.',
    hint: 'Check which key file, passphrase or key of the service belongs to this repository.',
    retryable: false,
  },
  E_MAPPING: {
    summary: 'The ORM maps something in a way that is not served.',
    hint: 'Exclude the entity with a reason, or change the mapping.',
    retryable: false,
  },
  E_MASKING: {
    summary: 'A masked restore or export would let something through, or would break what is unique or refers to each other.',
    hint: 'Say of each column that the message names how it is masked: `maskEntity(Customer, { email: masks.email(), city: masks.plain() })`.',
    retryable: false,
  },
  E_MIGRATION: {
    summary: 'A migration failed after the backup that was taken before it.',
    hint: '`details.snapshots` names what to restore from, if data was harmed; the cause is the error of the ORM.',
    retryable: false,
  },
  E_PERMISSION: { summary: 'The database or storage denied an operation.', hint: 'Grant the right that the message names.', retryable: false },
  E_PLAN_APPLIED: {
    summary: 'The restore plan was applied already; nothing was written.',
    hint: '`details.appliedBy` names the restore that did it. Plan again, if something is to be restored once more.',
    retryable: false,
  },
  E_PLAN_CHANGED: {
    summary: 'The plan or the schema is not the one this session was started with.',
    hint: 'Start a new backup; what the session stored is reused where it is unchanged.',
    retryable: false,
  },
  E_PLAN_EXPIRED: { summary: 'The restore plan is too old to be applied.', hint: 'Plan again: what is live may be another by now.', retryable: false },
  E_PLAN_INVALID: {
    summary: 'The plan declaration has problems; all of them are listed.',
    hint: 'Each problem carries its path, the value found and a remedy.',
    retryable: false,
  },
  E_PLAN_STALE: {
    summary: 'Live rows changed since the restore plan was made; nothing was written.',
    hint: 'The details name the rows. Plan again and look at what is different.',
    retryable: false,
  },
  E_PLAN_UNKNOWN: { summary: 'No plan of that id is registered.', hint: 'Register it at boot; the message lists the ids that are.', retryable: false },
  E_PRUNE_REFUSED: {
    summary: 'A prune is not safe to run or to go on with, or would delete too much.',
    hint: 'The message says why; `dryRun: true` shows what would be deleted.',
    retryable: false,
  },
  E_RECORD: {
    summary: 'A record line is not valid for its entity.',
    hint: 'The archive or the up-caster that made the line is at fault; the message names entity and line.',
    retryable: false,
  },
  E_REPLAY_UNAVAILABLE: {
    summary: 'The restore left no failed records that could be replayed.',
    hint: 'Only restores that ended as `PartiallyRestored` can be replayed, and their replays; of any other nothing was left out, or nothing committed: restore again.',
    retryable: false,
  },
  E_REQUEST: {
    summary: 'The HTTP request is not one that the route takes.',
    hint: 'The details list every part at fault; the OpenAPI document describes the route.',
    retryable: false,
  },
  E_RESTORE_CONFLICT: {
    summary: 'Rows of the target differ and the policy is `fail`, or cannot be decided by it.',
    hint: 'Choose `overwrite`, `skip` or `newer-version-wins`, or restore fewer entities.',
    retryable: false,
  },
  E_RESTORE_UNKNOWN: {
    summary: 'No restore or restore plan of that id is kept here, or no restore of that name is declared.',
    hint: 'List them: `restores.history()`, `holdfast restores`; those that are declared: `restores.listNamed()`, `holdfast plans`.',
    retryable: false,
  },
  E_RESTORE_EMPTY: { summary: 'A selection that is not empty restored nothing.', hint: 'Check the target; nothing was committed.', retryable: false },
  E_RESTORE_MOVED: { summary: 'The target changed between the look and the write.', hint: 'Run the restore again; nothing was committed.', retryable: true },
  E_RESTORE_PARTIAL: {
    summary: 'Of several stores, some were restored and committed, and another was not.',
    hint: 'Each store is one transaction. Mend the cause, then restore again: what is in already is found identical.',
    retryable: false,
  },
  E_RESTORE_REJECTED: {
    summary: 'Rows cannot be restored: missing parents, unique clashes, invalid values. Nothing was committed.',
    hint: 'Read the diagnostics; restore the missing parents too, or choose another policy.',
    retryable: false,
  },
  E_SCOPE: {
    summary: 'A tenant is missing, malformed, not wanted here, or another one than what it is used for.',
    hint: 'A plan with a scope takes `scope` (`--scope`) in every call, a plan without takes none; what belongs to a tenant is reached by naming that tenant.',
    retryable: false,
  },
  E_SCOPE_ROWS: {
    summary: 'A restore for one tenant would touch rows of another. Nothing was changed.',
    hint: '`details.rows` names them: records that are not of the tenant, or keys that live rows of other tenants have by now.',
    retryable: false,
  },
  E_SCHEMA_DRIFT: {
    summary: 'The target schema does not fit the snapshot: a table or column is missing, or a type differs.',
    hint: 'Migrate the target to the schema of the snapshot, or restore other entities.',
    retryable: false,
  },
  E_SELECTION: {
    summary: 'The rows that were picked are not in the snapshot, or are too many with what belongs to them.',
    hint: 'Look at the snapshot: `discovery.open(id)`; pick other rows, or raise `related.maxRows` (`--max-rows`).',
    retryable: false,
  },
  E_SESSION_CLOSED: { summary: 'The session was cancelled or can no longer be resumed.', hint: 'Start a new backup.', retryable: false },
  E_SESSION_FENCED: {
    summary: 'Another process runs this session, or took it over.',
    hint: 'Wait for it, or pass `takeover: true` once you know that it is dead.',
    retryable: false,
  },
  E_SESSION_PAUSED: { summary: 'The session was paused before it completed.', hint: 'Resume it by its continuation token.', retryable: false },
  E_SESSION_UNKNOWN: {
    summary: 'No backup or restore of that id is known here.',
    hint: 'List those that are; a session of another process is continued by its token.',
    retryable: false,
  },
  E_SNAPSHOT_HELD: {
    summary: 'A snapshot is held: it must not be deleted.',
    hint: '`discovery.holds` says by whom and why; `discovery.release` lets go of it.',
    retryable: false,
  },
  E_SNAPSHOT_UNKNOWN: {
    summary: 'No snapshot of that id is visible in the repository.',
    hint: 'List them: `discovery.snapshots()`, `holdfast list`; those of a tenant with its `scope` (`--scope`). A deleted one is hidden by a tombstone.',
    retryable: false,
  },
  E_SOURCE_BUSY: {
    summary: 'The probe of the database, or its replication, said to wait for longer than the plan lets a backup wait.',
    hint: 'Resume the session by its token when the database has less to do.',
    retryable: true,
  },
  E_STORAGE: { summary: 'The storage failed.', hint: 'The cause carries the error of the storage; run again when it is healthy.', retryable: true },
  E_STORAGE_EXISTS: { summary: 'An object of that name exists already.', hint: 'Objects are create-only; nothing was overwritten.', retryable: false },
  E_STORAGE_COLD: {
    summary: 'Objects lie in an archive tier and must be brought back before they can be read.',
    hint: 'Bring them back (S3: RestoreObject, for many by a batch job; Azure: set their tier to Hot or Cool), wait until that is done, and call again.',
    retryable: false,
  },
  E_STORAGE_FULL: { summary: 'The storage has no space left.', hint: 'Free space or raise the quota, then resume.', retryable: true },
  E_STORAGE_KEY: {
    summary: 'The object name is not one that this adapter stores.',
    hint: 'Names are slash-separated segments of letters, digits, `.`, `-` and `_`.',
    retryable: false,
  },
  E_STORAGE_RESTING: {
    summary: 'The storage failed several times in a row and is left alone for a while.',
    hint: 'Run again when the rest is over; `details.restMs` says how long it still is.',
    retryable: true,
  },
  E_STORAGE_UNKNOWN: {
    summary: 'No bucket or storage of that name is configured.',
    hint: 'Add it to `storage`; the message lists the names that are.',
    retryable: false,
  },
  E_STORE_UNKNOWN: {
    summary: 'No entity store (data source) of that name is configured.',
    hint: 'Add it to `stores`; the message lists the names that are.',
    retryable: false,
  },
  E_STORE_FAILED: { summary: 'The database failed.', hint: 'The cause carries the error of the database; run again when it is healthy.', retryable: true },
  E_TOKEN_INVALID: {
    summary: 'The continuation token is malformed, forged, or of another repository.',
    hint: 'Use the token as `pause()` returned it, against the same repository.',
    retryable: false,
  },
  E_UNAUTHENTICATED: {
    summary: 'The caller did not say who it is, or could not prove it.',
    hint: 'Send the credentials that `authorize` checks.',
    retryable: false,
  },
  E_UNDO_CONFLICT: {
    summary: 'Rows changed again since the restore that is to be undone; nothing was written.',
    hint: "The details name the rows. Undo the others with `onConflict: 'keep'` (`--keep-changed`).",
    retryable: false,
  },
  E_UNDO_UNAVAILABLE: {
    summary: 'The restore did not keep what it takes to undo it, or a prune has taken it away.',
    hint: 'Restore with `undo: true`; applied plans keep it by themselves. A prune lets go of it after 30 days, or as `keepUndoMs` says.',
    retryable: false,
  },
  E_USAGE: {
    summary: 'The command line is not one that the command takes.',
    hint: '`holdfast <command> --help` shows its arguments and options.',
    retryable: false,
  },
} as const satisfies Record<string, ErrorDefinition>

/** A code of the error table. */
export type ErrorCode = keyof typeof ERRORS

export interface HoldfastErrorOptions {
  /** A way out that is more exact than the table's. */
  readonly hint?: string
  readonly cause?: unknown
  /** Machine-readable facts: names, counts, paths. Never secrets, never record values. */
  readonly details?: Readonly<Record<string, unknown>>
}

/**
 * The one error class. `code` is stable and documented; `message` says what happened here; `hint` says the way out;
 * `retryable` says whether the same call may succeed later; `cause` is the native error below, if there was one.
 */
export class HoldfastError extends Error {
  override readonly name = 'HoldfastError'
  readonly code: ErrorCode
  readonly hint: string
  readonly retryable: boolean
  readonly details: Readonly<Record<string, unknown>>

  constructor(code: ErrorCode, message: string, options: HoldfastErrorOptions = {}) {
    super(`${code}: ${message}`, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.hint = options.hint ?? ERRORS[code].hint
    this.retryable = ERRORS[code].retryable
    this.details = options.details ?? {}
  }

  /** The message without the code in front of it. */
  get reason(): string {
    return this.message.slice(this.code.length + 2)
  }

  /** The same error, with more facts than its thrower had. */
  withDetails(details: HoldfastErrorOptions['details']): HoldfastError {
    return this.#with({ details: { ...this.details, ...details } })
  }

  /** The same error, with the way out of where it was met. */
  withHint(hint: string): HoldfastError {
    return this.#with({ hint })
  }

  #with(options: HoldfastErrorOptions): HoldfastError {
    const { code, reason, hint, details, cause, stack } = this
    const error = new HoldfastError(code, reason, { hint, details, ...(cause === undefined ? {} : { cause }), ...options })
    if (stack !== undefined) error.stack = stack
    return error
  }

  toJSON(): Record<string, unknown> {
    return { code: this.code, message: this.message, hint: this.hint, retryable: this.retryable, details: this.details }
  }
}

/** Is this an error of the table, and, when a code is given, that one? */
export function isHoldfastError(error: unknown, code?: ErrorCode): error is HoldfastError {
  return error instanceof HoldfastError && (code === undefined || error.code === code)
}
