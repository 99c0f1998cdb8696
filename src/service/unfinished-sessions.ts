import { type Repository, SESSION_LIFETIME_MS } from '../archive/index.ts'
import type { ScopeOption } from '../contracts/scope-option.ts'
import { isAlive, thisHost } from '../export/index.ts'
import type { Clock } from '../kernel/clock.ts'
import type { UnfinishedSession } from './backup-discovery-service.ts'

/** Sessions without a snapshot that can still be resumed. */
export async function unfinishedOf(repository: Repository, clock: Clock, { scope: tenant, ...options }: ScopeOption): Promise<UnfinishedSession[]> {
  const scope = repository.scopeOf(tenant)
  const committed = new Set<string>()
  for await (const { id } of scope.listSnapshots(options)) committed.add(id)
  const sessions: UnfinishedSession[] = []
  for await (const { sessionId, storedAt } of scope.sessions.list(options)) {
    if (committed.has(sessionId) || clock.now() - storedAt > SESSION_LIFETIME_MS) continue
    const record = await scope.sessions.read(sessionId, options)
    const { entries } = await scope.sessions.readJournal(sessionId, options)
    if (entries.some(({ type }) => type === 'cancelled') || (await scope.isHidden(sessionId, options))) continue
    const last = entries.at(-1)
    const running = isAlive(await scope.sessions.liveness(sessionId, options), last, thisHost, clock.now())
    sessions.push({
      id: sessionId,
      planId: record.planId,
      startedAt: record.startedAt,
      state: running ? 'running' : last?.type === 'paused' ? 'paused' : 'interrupted',
      token: repository.signToken({ planId: record.planId, planDigest: record.planDigest, sessionId, scope: record.scope }),
    })
  }
  return sessions
}
