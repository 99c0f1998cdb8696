import type { Holdfast } from '../../src/holdfast.ts'
import { HoldfastError } from '../../src/kernel/errors.ts'
import type { ProgressSnapshot } from '../../src/progress/index.ts'
import type { RestoredEntity, RestoreResult, RestoreSession, RestoreState } from '../../src/restore/index.ts'
import { briefEnvelope, codeOf, type ErrorEnvelope, errorEnvelope } from './error-response.ts'

type EntityView = Omit<RestoredEntity, 'samples'> & Partial<Pick<RestoredEntity, 'samples'>>

/** A restore as it is shown. */
export interface RestoreView {
  readonly id: string
  readonly snapshotId: string
  readonly planId: string
  readonly dryRun: boolean | null
  readonly state: RestoreState
  /** Null for a restore of another process. */
  readonly progress: ProgressSnapshot | null
  readonly result: (Omit<RestoreResult, 'entities'> & { readonly entities: readonly EntityView[] }) | null
  readonly error: ErrorEnvelope | null
}

/** The session as this process runs it or ran it. @throws `E_SESSION_UNKNOWN` */
export function ownRestore(holdfast: Holdfast, id: string): RestoreSession {
  const session = holdfast.restores.session(id)
  if (!session) throw new HoldfastError('E_SESSION_UNKNOWN', `this process runs no restore ${id}`)
  return session
}

/** `records`: the caller may see record values and keys; without, samples are left out and an error says no more than its code. */
export async function restoreView(session: RestoreSession, records: boolean): Promise<RestoreView> {
  const { id, snapshotId, planId, dryRun, state } = session
  const ended = state === 'done' || state === 'failed' ? await outcome(session, records) : { result: null, error: null }
  return { id, snapshotId, planId, dryRun, state, progress: session.current, ...ended }
}

/** A restore of this process, else what the repositories keep of it. @throws `E_SESSION_UNKNOWN` */
export async function findRestore(holdfast: Holdfast, id: string, records: boolean): Promise<RestoreView> {
  const own = holdfast.restores.session(id)
  if (own) return restoreView(own, records)
  const result = await holdfast.restores.result(id)
  if (result) {
    const { snapshotId, planId, status } = result
    return { id, snapshotId, planId, dryRun: status === 'planned', state: 'done', progress: null, result: resultView(result, records), error: null }
  }
  const diagnostics = await holdfast.restores.diagnostics(id)
  if (!diagnostics) throw new HoldfastError('E_SESSION_UNKNOWN', `there is no restore ${id}`)
  const { snapshotId, planId, code } = diagnostics
  return { id, snapshotId, planId, dryRun: null, state: 'failed', progress: null, result: null, error: briefEnvelope(code ?? 'E_INTERNAL') }
}

async function outcome(session: RestoreSession, records: boolean): Promise<Pick<RestoreView, 'result' | 'error'>> {
  try {
    return { result: resultView(await session.result(), records), error: null }
  } catch (error) {
    return { result: null, error: records ? errorEnvelope(error) : briefEnvelope(codeOf(error)) }
  }
}

function resultView(result: RestoreResult, records: boolean): NonNullable<RestoreView['result']> {
  return records ? result : { ...result, entities: result.entities.map(withoutSamples) }
}

function withoutSamples({ samples: _samples, ...counts }: RestoredEntity): EntityView {
  return counts
}
