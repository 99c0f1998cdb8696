import type { ChangeEvidence } from '../contracts/change-evidence.ts'
import type { KeyRange } from '../contracts/key-range.ts'
import type { ObjectStat } from '../contracts/storage-adapter.ts'
import type { AbortableOptions } from '../kernel/abort.ts'
import { HoldfastError, isHoldfastError } from '../kernel/errors.ts'
import { isUuid, uuidv7 } from '../kernel/ids.ts'
import { mapOrdered } from '../kernel/map-ordered.ts'
import { corrupt, missing } from './archive-error.ts'
import { getJsonObject, putJsonObject } from './json-object.ts'
import type { Lineage, RangeEntry, SnapshotKind, Trigger } from './manifest.ts'
import { assertRangeRules } from './manifest-rules.ts'
import type { ObjectKind } from './object-container.ts'
import { MAX_ATTEMPT, MAX_JOURNAL, type ScopeNames } from './object-names.ts'
import type { ObjectSpace } from './object-space.ts'
import { checkAttempt, checkJournalEntry, checkSession } from './session-schema.ts'

/** A session older than this, by the storage's clock, can neither be resumed nor commit: what it stored may be cleaned up. Seven days. */
export const SESSION_LIFETIME_MS = 7 * 24 * 60 * 60 * 1000

/** What a session is; written once, when it starts. */
export interface SessionRecord {
  /** Also the id of the snapshot that it commits. UUID v7. */
  readonly sessionId: string
  readonly planId: string
  readonly planDigest: string
  readonly scope: string | null
  /** The tenant's name; absent where there is no scope. */
  readonly tenant?: string
  readonly series: string
  readonly kind: SnapshotKind
  readonly parent: string | null
  /** Why the kind is another one than was asked for. */
  readonly kindReason?: string
  readonly lineage?: Lineage
  readonly startedAt: string
  readonly trigger: Trigger
  readonly metadata: Readonly<Record<string, string>>
}

/** One process's work on a session: 1 for the start, one more for each resume. */
export interface AttemptRecord {
  readonly n: number
  readonly host: string
  readonly pid: number
  readonly startedAt: string
  /** Random; tells two processes apart that look alike otherwise. */
  readonly nonce: string
}

/** A range whose chunks are stored. `range.evidence` means nothing here; the evidence stands beside it. */
export interface JournalRange {
  readonly store: string
  readonly entity: string
  readonly bucket: string
  readonly range: Omit<RangeEntry, 'evidence'>
  readonly evidence: ChangeEvidence
  /** Fingerprint of the entity's schema and of the order of its keys, under which the lines were made. */
  readonly schema: string
}

/**
 * The keys of an entity were cut so that `range` is a part of its own, beginning where a part began. Only the database can order keys; these
 * cuts, replayed in journal order, are what tells a resume how ranges read side by side lie to each other.
 */
export interface JournalCut {
  readonly store: string
  readonly entity: string
  readonly range: KeyRange
  /** As in `JournalRange`: under another order of keys a cut means nothing. */
  readonly schema: string
}

/** `final`: the number is claimed for the manifest; a writer that comes late loses here (a resumer may claim the next number; the create-only manifest settles between the two). `heartbeat`: alive, with nothing new to say. */
export type JournalType = 'chunks' | 'paused' | 'cancelled' | 'failed' | 'final' | 'heartbeat'

export interface JournalEntry {
  /** 1, 2, 3 … over all attempts of the session. */
  readonly n: number
  readonly attempt: number
  readonly type: JournalType
  /** Replayed before the ranges of the same entry. */
  readonly cuts?: readonly JournalCut[]
  readonly ranges?: readonly JournalRange[]
  /** Free text for people: why it failed, who cancelled. No record values. */
  readonly note?: string
  /** ISO 8601 UTC, by the host's clock. */
  readonly at: string
}

export interface JournalState {
  readonly entries: readonly JournalEntry[]
  /** The number for the next entry. */
  readonly next: number
}

/** Facts for deciding whether another process still runs a session. Correctness never hangs on them: the journal's numbers fence. */
export interface SessionLiveness {
  /** The attempt that wrote the newest journal entry, null while the journal is empty. An attempt begins with an entry; a claim without one is no sign of life. */
  readonly attempt: AttemptRecord | null
  /** When the newest journal entry was stored, or the session record while the journal is empty: milliseconds since the epoch, by the storage's clock. */
  readonly lastActivityAt: number
  /** When the session record was stored, by the storage's clock. */
  readonly createdAt: number
  readonly attempts: number
  readonly next: number
}

/** A claimed attempt, and when its record was stored: the storage's own "now". */
export interface ClaimedAttempt extends AttemptRecord {
  readonly storedAt: number
}

/** Sessions of one scope. Everything is create-only. Damaged records throw `E_ARCHIVE_CORRUPT`: a session that is in doubt is not resumed. */
export interface SessionLog {
  create(record: SessionRecord, options?: AbortableOptions): Promise<void>
  /** `E_ARCHIVE_MISSING` when there is none. */
  read(sessionId: string, options?: AbortableOptions): Promise<SessionRecord>
  /** Ids in order of time, with the storage's time of the session record. */
  list(options?: AbortableOptions): AsyncIterable<{ readonly sessionId: string; readonly storedAt: number }>
  /** Takes the next attempt number. `E_SESSION_FENCED` when another process took it at the same moment. */
  claimAttempt(
    sessionId: string,
    who: { readonly host: string; readonly pid: number; readonly startedAt: string },
    options?: AbortableOptions,
  ): Promise<ClaimedAttempt>
  liveness(sessionId: string, options?: AbortableOptions): Promise<SessionLiveness>
  /** Create-only under the entry's number. Taken by another attempt → `E_SESSION_FENCED`; taken by this very entry (an earlier try that seemed to fail) → success. */
  appendJournal(sessionId: string, entry: JournalEntry, options?: AbortableOptions): Promise<void>
  /** All entries, 1 to the newest. A gap or a damaged entry → `E_ARCHIVE_CORRUPT`. */
  readJournal(sessionId: string, options?: AbortableOptions): Promise<JournalState>
}

/** Journal entries read at once. */
const PARALLEL = 4

export function createSessionLog(space: ObjectSpace, names: ScopeNames, scope: string | null): SessionLog {
  async function read(sessionId: string, options: AbortableOptions): Promise<SessionRecord> {
    const object = names.session(sessionId)
    if (!isUuid(sessionId)) throw missing(space.label(`session ${sessionId.slice(0, 100)}`))
    const record = checkSession(await getJsonObject(space, object, 'session', options), space.label(object))
    if (record.sessionId !== sessionId || record.scope !== scope) throw corrupt(space.label(object), 'is the record of another session')
    return record
  }

  async function readEntry(sessionId: string, n: number, options: AbortableOptions): Promise<JournalEntry> {
    const object = names.journalEntry(sessionId, n)
    const entry = checkJournalEntry(await getJsonObject(space, object, 'journal', options), space.label(object))
    if (entry.n !== n) throw corrupt(space.label(object), `is entry ${entry.n}`)
    for (const { range } of entry.ranges ?? []) assertRangeRules(range, space.label(object))
    return entry
  }

  async function readAttempt(sessionId: string, n: number, options: AbortableOptions): Promise<AttemptRecord> {
    const object = names.attempt(sessionId, n)
    const attempt = checkAttempt(await getJsonObject(space, object, 'attempt', options), space.label(object))
    if (attempt.n !== n) throw corrupt(space.label(object), `is attempt ${attempt.n}`)
    return attempt
  }

  /** The objects of a folder whose names are numbers, which must be 1, 2, 3 … */
  async function numbered(folder: string, options: AbortableOptions): Promise<readonly ObjectStat[]> {
    const stats: ObjectStat[] = []
    for await (const stat of space.list(folder, options)) {
      const n = Number(stat.key.slice(folder.length))
      if (n !== stats.length + 1) throw corrupt(space.label(stat.key), `follows number ${stats.length}: one is missing`)
      stats.push(stat)
    }
    return stats
  }

  /** Create-only under a number that others may be after as well. */
  async function claim(object: string, kind: ObjectKind, value: unknown, sessionId: string, options: AbortableOptions): Promise<void> {
    try {
      await putJsonObject(space, object, kind, value, options)
    } catch (error) {
      if (!isHoldfastError(error, 'E_STORAGE_EXISTS')) throw error
      throw new HoldfastError('E_SESSION_FENCED', `session ${sessionId} was taken over: ${object} is another process's`, {
        cause: error,
        details: { sessionId, object },
      })
    }
  }

  return {
    async create(record, options = {}) {
      const object = names.session(record.sessionId)
      checkSession(record, space.label(object))
      if (record.scope !== scope) throw corrupt(space.label(object), 'is the record of another scope')
      await putJsonObject(space, object, 'session', record, options)
    },
    read: (sessionId, options = {}) => read(sessionId, options),
    async *list(options = {}) {
      const root = names.sessions().length
      for await (const { key, modifiedAt } of space.list(names.sessions(), options)) {
        const [sessionId, rest] = key.slice(root).split('/', 2)
        if (sessionId !== undefined && isUuid(sessionId) && rest === 'session') yield { sessionId, storedAt: modifiedAt }
      }
    },
    async claimAttempt(sessionId, { host, pid, startedAt }, options = {}) {
      const n = (await numbered(names.attempts(sessionId), options)).length + 1
      const attempt: AttemptRecord = { n, host, pid, startedAt, nonce: uuidv7() }
      if (n > MAX_ATTEMPT) throw new HoldfastError('E_SESSION_CLOSED', `session ${sessionId} was resumed ${MAX_ATTEMPT} times`)
      const object = names.attempt(sessionId, n)
      await claim(object, 'attempt', attempt, sessionId, options)
      const stat = await space.stat(object, options)
      if (!stat) throw missing(space.label(object))
      return { ...attempt, storedAt: stat.modifiedAt }
    },
    async liveness(sessionId, options = {}) {
      const session = await space.stat(names.session(sessionId), options)
      if (!session) throw missing(space.label(names.session(sessionId)))
      const [attempts, journal] = await Promise.all([numbered(names.attempts(sessionId), options), numbered(names.journal(sessionId), options)])
      const newest = journal.at(-1)
      const writer = newest ? (await readEntry(sessionId, journal.length, options)).attempt : null
      return {
        attempt: writer === null ? null : await readAttempt(sessionId, writer, options),
        lastActivityAt: (newest ?? session).modifiedAt,
        createdAt: session.modifiedAt,
        attempts: attempts.length,
        next: journal.length + 1,
      }
    },
    async appendJournal(sessionId, entry, options = {}) {
      if (entry.n > MAX_JOURNAL) throw new HoldfastError('E_SESSION_CLOSED', `the journal of session ${sessionId} is full`)
      const object = names.journalEntry(sessionId, entry.n)
      checkJournalEntry(entry, space.label(object))
      await claim(object, 'journal', entry, sessionId, options)
    },
    async readJournal(sessionId, options = {}) {
      const stats = await numbered(names.journal(sessionId), options)
      const entries: JournalEntry[] = []
      for await (const entry of mapOrdered(stats.keys(), PARALLEL, (position) => readEntry(sessionId, position + 1, options))) entries.push(entry)
      return { entries, next: entries.length + 1 }
    },
  }
}
