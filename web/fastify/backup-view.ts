import { backupResult, type BackupResult, type BackupSession, type BackupSessionState } from '../../src/export/index.ts'
import type { Holdfast } from '../../src/holdfast.ts'
import { HoldfastError, isHoldfastError } from '../../src/kernel/errors.ts'
import type { ProgressSnapshot } from '../../src/progress/index.ts'
import { type ErrorEnvelope, errorEnvelope } from './error-response.ts'

/** `interrupted`: it failed in another process, or that process died. */
export type BackupState = BackupSessionState | 'interrupted'

/** A backup as it is shown. */
export interface BackupView {
  readonly id: string
  readonly planId: string
  readonly state: BackupState
  /** Null for a backup of another process. */
  readonly progress: ProgressSnapshot | null
  /** Once it is `done`. */
  readonly result: BackupResult | null
  /** Once it has `failed`. */
  readonly error: ErrorEnvelope | null
}

export interface StartedBackup extends BackupView {
  readonly token: string
}

export async function backupView(session: BackupSession): Promise<BackupView> {
  const { id, planId, state } = session
  const ended = state === 'done' || state === 'failed' ? await outcome(session) : { result: null, error: null }
  return { id, planId, state, progress: session.current, ...ended }
}

export async function startedBackup(session: BackupSession): Promise<StartedBackup> {
  return { ...(await backupView(session)), token: session.token }
}

/** The session as this process runs it or ran it. @throws `E_SESSION_UNKNOWN` */
export function ownBackup(holdfast: Holdfast, id: string, scope: string | undefined): BackupSession {
  const session = holdfast.backups.session(id)
  if (!session || session.scope !== (scope ?? null)) throw new HoldfastError('E_SESSION_UNKNOWN', `this process runs no backup ${id}`)
  return session
}

/** A backup of this process, else what the repositories know of it, so that it can be asked for after a restart too. @throws `E_SESSION_UNKNOWN` */
export async function findBackup(holdfast: Holdfast, id: string, scope: string | undefined): Promise<BackupView> {
  const own = holdfast.backups.session(id)
  if (own?.scope === (scope ?? null)) return backupView(own)
  return (await committedBackup(holdfast, id, scope)) ?? unfinishedBackup(holdfast, id, scope)
}

async function committedBackup({ discovery }: Holdfast, id: string, scope: string | undefined): Promise<BackupView | null> {
  try {
    const result = backupResult(await discovery.snapshot(id, { scope }))
    return { id, planId: result.planId, state: 'done', progress: null, result, error: null }
  } catch (error) {
    if (isHoldfastError(error, 'E_SNAPSHOT_UNKNOWN')) return null
    throw error
  }
}

async function unfinishedBackup({ discovery }: Holdfast, id: string, scope: string | undefined): Promise<BackupView> {
  const found = (await discovery.unfinished({ scope })).find((session) => session.id === id)
  if (!found) throw new HoldfastError('E_SESSION_UNKNOWN', `there is no backup ${id}`)
  return { id, planId: found.planId, state: found.state, progress: null, result: null, error: null }
}

async function outcome(session: BackupSession): Promise<Pick<BackupView, 'result' | 'error'>> {
  try {
    return { result: await session.result(), error: null }
  } catch (error) {
    return { result: null, error: errorEnvelope(error) }
  }
}
