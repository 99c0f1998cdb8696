import type { Holdfast } from '../../src/holdfast.ts'
import { HoldfastError } from '../../src/kernel/errors.ts'
import type { ProgressSnapshot } from '../../src/progress/index.ts'
import type { RestoredEntity, RestoreResult, RestoreSession, RestoreState } from '../../src/restore/index.ts'
import { briefEnvelope, codeOf, type ErrorEnvelope, errorEnvelope } from './error-response.ts'

export type EntityView = Omit<RestoredEntity, 'samples'> & Partial<Pick<RestoredEntity, 'samples'>>

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
export function ownRestore(holdfast: Holdfast, id: string, scope: string | undefined): RestoreSession {
  const session = holdfast.restores.session(id)
  if (!session || session.scope !== (scope ?? null)) throw new HoldfastError('E_SESSION_UNKNOWN', `this process runs no restore ${id}`)
  return session
}

/** `records`: the caller may see record values and keys; without, samples are left out and an error says no more than its code. */
export async function restoreView(session: RestoreSession, records: boolean): Promise<RestoreView> {
  const { id, snapshotId, planId, dryRun, state } = session
  const ended = state === 'done' || state === 'partial' || state === 'failed' ? await outcome(session, records) : { result: null, error: null }
  return { id, snapshotId, planId, dryRun, state, progress: session.current, ...ended }
}

/** A restore of this process, else what the repositories keep of it. @throws `E_SESSION_UNKNOWN` */
export async function findRestore(
  holdfast: Holdfast,
  id: string,
  { scope, records }: { readonly scope: string | undefined; readonly records: boolean },
): Promise<RestoreView> {
  const own = holdfast.restores.session(id)
  if (own?.scope === (scope ?? null)) return restoreView(own, records)
  const result = await holdfast.restores.result(id, { scope })
  if (result) {
    const { snapshotId, planId, status } = result
    return {
      id,
      snapshotId,
      planId,
      dryRun: status === 'planned',
      state: status === 'PartiallyRestored' ? 'partial' : 'done',
      progress: null,
      result: resultView(result, records),
      error: null,
    }
  }
  const diagnostics = await holdfast.restores.diagnostics(id, { scope })
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

export function resultView(result: RestoreResult, records: boolean): NonNullable<RestoreView['result']> {
  // A result that an older Holdfast stored says nothing of these.
  const told = {
    ...result,
    scope: result.scope ?? null,
    targetScope: result.targetScope ?? null,
    schema: result.schema ?? [],
    masked: result.masked ?? [],
    erased: result.erased ?? [],
  }
  return records ? told : { ...told, entities: told.entities.map(withoutSamples) }
}

export function withoutSamples({ samples: _samples, ...counts }: RestoredEntity): EntityView {
  return counts
}
