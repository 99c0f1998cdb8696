import { orAborted } from '../kernel/abort.ts'
import { HoldfastError, isHoldfastError } from '../kernel/errors.ts'
import type { RestoreContext } from './restore-context.ts'
import type { RestoreResult } from './restore-result.ts'
import type { StoreSelection } from './select-entities.ts'

/** What was restored stands, and what failed has failed: neither waits longer than this for a storage that does not answer. */
const PATIENCE_MS = 30_000

/** Stores result and diagnostics. All work is done by now, so a storage that fails does not fail the restore: the result says that nobody else will find it. */
export async function keepResult(context: RestoreContext, result: RestoreResult): Promise<RestoreResult> {
  try {
    await patiently(async (signal) => {
      if (context.problems.count > 0) await writeDiagnostics(context, null, signal)
      await context.repository.restores.writeResult(context.id, result, { signal })
    })
    return result
  } catch (error) {
    context.logger.error({ restoreId: context.id, error: String(error) }, 'the result of a restore could not be stored')
    return {
      ...result,
      warnings: [...result.warnings, `this result could not be stored in the repository: ${error instanceof Error ? error.message : String(error)}`],
    }
  }
}

/** Of a restore that failed: the problems it found by itself, or those that its error carries. */
export async function keepDiagnostics(context: RestoreContext, selections: readonly StoreSelection[], error: unknown): Promise<void> {
  const { problems, logger, id } = context
  const known = isHoldfastError(error) ? error : null
  const storeOf = (entity: string) => selections.find(({ entities }) => entities.some(({ descriptor }) => descriptor.name === entity))?.store.name ?? ''
  if (known && problems.count === 0) problems.noteRefusal(known, storeOf)
  if (problems.count === 0) return
  try {
    await patiently((signal) => writeDiagnostics(context, known, signal))
  } catch (failure) {
    // The restore's own error matters more than the loss of its diagnostics.
    logger.error({ restoreId: id, error: String(failure) }, 'the diagnostics of a failed restore could not be stored')
  }
}

async function writeDiagnostics(
  { id, manifest, clock, repository, problems }: RestoreContext,
  error: HoldfastError | null,
  signal: AbortSignal,
): Promise<void> {
  const at = new Date(clock.now()).toISOString()
  const diagnostics = problems.diagnostics({ restoreId: id, snapshotId: manifest.snapshotId, planId: manifest.plan.id, at, code: error?.code ?? null })
  await repository.restores.writeDiagnostics(id, diagnostics, { signal })
}

async function patiently(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const signal = AbortSignal.timeout(PATIENCE_MS)
  try {
    await orAborted(work(signal), signal)
  } catch (error) {
    throw signal.aborted ? new HoldfastError('E_STORAGE', `the storage did not answer for ${PATIENCE_MS / 1000} s`, { cause: error }) : error
  }
}
