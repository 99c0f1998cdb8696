import type { Repository } from '../archive/index.ts'
import { BackupAttempt, type BackupAttemptOptions } from './backup-attempt.ts'
import { type BackupSession, createBackupSession } from './backup-session.ts'

export interface BeginAttemptOptions extends Omit<BackupAttemptOptions, 'repositoryId' | 'scope'> {
  readonly main: Repository
  readonly signal: AbortSignal | undefined
}

/** Sets an attempt to work that has its views and owns its session. */
export function beginAttempt({ main, signal, ...options }: BeginAttemptOptions): BackupSession {
  const { sessionId, planId, planDigest, scope, tenant = null } = options.session
  const attempt = new BackupAttempt({ ...options, repositoryId: main.id, scope: main.scope(scope) })
  const token = main.signToken({ planId, planDigest, sessionId, scope })
  return createBackupSession({ id: sessionId, planId, scope: tenant, token, attempt, signal })
}
