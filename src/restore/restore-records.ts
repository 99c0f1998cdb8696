import { orAborted } from '../kernel/abort.ts'
import { HoldfastError, isHoldfastError } from '../kernel/errors.ts'
import { withKeys } from './kept-failures.ts'
import type { OpenStore } from './open-stores.ts'
import type { RestoreContext } from './restore-context.ts'
import type { RestoreResult } from './restore-result.ts'
import type { StoreSelection } from './select-entities.ts'

/** What was restored stands, and what failed has failed: neither waits longer than this for a storage that does not answer. */
const PATIENCE_MS = 30_000

/** Stores result and diagnostics. All work is done by now, so a storage that fails does not fail the restore: the result says that nobody else will find it. */
export async function keepResult(context: RestoreContext, stores: readonly OpenStore[], result: RestoreResult): Promise<RestoreResult> {
  try {
    await patiently(async (signal) => {
      if (context.problems.count > 0) await writeDiagnostics(context, stores, null, signal)
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

/** The result of what was done without a session. */
export async function keepRestore(result: RestoreResult, { repository, logger }: Pick<RestoreContext, 'repository' | 'logger'>): Promise<RestoreResult> {
  try {
    await patiently((signal) => repository.restores.writeResult(result.restoreId, result, { signal }))
    return result
  } catch (error) {
    logger.error({ restoreId: result.restoreId, error: String(error) }, 'the result of a restore could not be stored')
    return {
      ...result,
      warnings: [...result.warnings, `this result could not be stored in the repository: ${error instanceof Error ? error.message : String(error)}`],
    }
  }
}

/** Of a restore that failed: the problems it found by itself, or those that its error carries. */
export async function keepDiagnostics(
  context: RestoreContext,
  stores: readonly OpenStore[],
  selections: readonly StoreSelection[],
  error: unknown,
): Promise<void> {
  const { problems, logger, id } = context
  const known = isHoldfastError(error) ? error : null
  const storeOf = (entity: string) => selections.find(({ entities }) => entities.some(({ descriptor }) => descriptor.name === entity))?.store.name ?? ''
  if (known && problems.count === 0) problems.noteRefusal(known, storeOf)
  if (problems.count === 0) return
  try {
    await patiently((signal) => writeDiagnostics(context, stores, known, signal))
  } catch (failure) {
    // The restore's own error matters more than the loss of its diagnostics.
    logger.error({ restoreId: id, error: String(failure) }, 'the diagnostics of a failed restore could not be stored')
  }
}

async function writeDiagnostics(context: RestoreContext, stores: readonly OpenStore[], error: HoldfastError | null, signal: AbortSignal): Promise<void> {
  const { id, manifest, clock, repository, problems } = context
  const at = new Date(clock.now()).toISOString()
  const diagnostics = problems.diagnostics({ restoreId: id, snapshotId: manifest.snapshotId, planId: manifest.plan.id, at, code: error?.code ?? null })
  const left = stores.some(({ failed }) => failed.count > 0)
  await repository.restores.writeDiagnostics(id, left ? await withKeys(diagnostics, stores, context, { signal }) : diagnostics, { signal })
}

async function patiently(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const signal = AbortSignal.timeout(PATIENCE_MS)
  try {
    await orAborted(work(signal), signal)
  } catch (error) {
    throw signal.aborted ? new HoldfastError('E_STORAGE', `the storage did not answer for ${PATIENCE_MS / 1000} s`, { cause: error }) : error
  }
}
