import { type ClaimedAttempt, type JournalEntry, SESSION_LIFETIME_MS, type SessionLiveness } from '../archive/index.ts'
import { HoldfastError } from '../kernel/errors.ts'
import type { Host } from './backup-environment.ts'
import { HEARTBEAT_MS } from './session-journal.ts'

/** A living attempt writes at least every five seconds; three missed signs of life and it counts as dead. */
export const LEASE_MS = 3 * HEARTBEAT_MS

/** `E_SESSION_CLOSED` when the session is too old. */
export function assertNotExpired(sessionId: string, ageMs: number): void {
  if (ageMs <= SESSION_LIFETIME_MS) return
  throw new HoldfastError('E_SESSION_CLOSED', `session ${sessionId} is older than seven days`, {
    hint: 'Start a new backup; equal chunks that are still there are used again.',
    details: { sessionId, ageMs },
  })
}

/**
 * Does another process still run the session? A guess that spares people from taking a session away by mistake; what makes it
 * safe is the journal's numbers. `now` is by the storage's clock, like the liveness.
 */
export function isAlive(liveness: SessionLiveness, newest: JournalEntry | undefined, host: Host, now: ClaimedAttempt['storedAt']): boolean {
  const { attempt } = liveness
  if (!attempt || !newest) return false
  if (newest.type === 'paused' || newest.type === 'failed') return false
  if (now - liveness.lastActivityAt >= LEASE_MS) return false
  return attempt.host !== host.name || host.alive(attempt.pid)
}
