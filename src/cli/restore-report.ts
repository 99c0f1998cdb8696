import { outcomeText } from '../evolution/index.ts'
import { counted, duration } from '../kernel/amounts.ts'
import { entitiesText, type RestoreResult, type RestoreSession } from '../restore/index.ts'
import type { CommandContext } from './run-command.ts'
import { scopeAgain } from './scope-option.ts'

/** Problems listed for people; programs get all that are known. */
const SHOWN_PROBLEMS = 20

/** Writes what a restore did, or would do. */
export async function tellRestore(result: RestoreResult, { holdfast, output, interrupts }: CommandContext): Promise<void> {
  const { restoreId, snapshotId, planId, status, policy, entities, durationMs, silenced } = result
  const planned = status === 'planned'
  const scope = result.targetScope ?? undefined
  const partly = status === 'PartiallyRestored'
  const doing = planned
    ? 'Dry run'
    : result.undoes
      ? 'Undone'
      : `${partly ? 'Partly restored' : 'Restored'}${result.replays ? ` what ${result.replays} had left out` : ''}`
  for (const entity of entities) output.record('entity', { status, ...entity })
  for (const warning of result.warnings) output.warning(warning)
  output.text(
    `${doing}${result.name === null ? '' : ` as ${result.name}`}: snapshot ${snapshotId} of plan ${planId}, policy ${policy}, in ${duration(durationMs)}${planned ? '; nothing was written' : ''}\n`,
  )
  output.text(entitiesText(result, planned))
  for (const outcome of result.schema) {
    output.record('schema', { ...outcome })
    output.text(`  ${outcomeText(outcome)}`)
  }
  for (const { entity, field, masker } of result.masked) output.text(`  masked ${entity}.${field}: ${masker}`)
  for (const { entity, records } of result.erased) output.text(`  left out as erased: ${counted(records, 'record')} of ${entity}`)
  if (result.undoable) output.text(`\n  Undo it: holdfast undo ${restoreId}${scopeAgain(scope)}`)
  if (silenced.length > 0) output.note(`Silenced while writing and put back: ${silenced.join(', ')}`)
  if (result.problems === 0) return
  const entries = (await holdfast.restores.diagnostics(restoreId, { scope, signal: interrupts.signal }))?.entries ?? []
  for (const problem of entries) output.record('problem', { ...problem })
  output.text(`\n${counted(result.problems, 'problem')}:`)
  for (const { entity, key, cause, message } of entries.slice(0, SHOWN_PROBLEMS)) output.text(`  ${entity} ${key ?? ''} ${cause}: ${message}`)
  if (result.problems > SHOWN_PROBLEMS) output.text(`  … and ${result.problems - SHOWN_PROBLEMS} more; --json lists what is kept of them`)
  if (partly) output.text(`\n  Try them again when that is mended: holdfast replay ${restoreId}${scopeAgain(scope)}`)
}

/** The records that a refused restore lists, where it got that far. That there are none to be had does not hide the error itself. */
export async function tellRejected({ id, scope }: Pick<RestoreSession, 'id' | 'scope'>, { holdfast, output }: CommandContext): Promise<void> {
  const diagnostics = await holdfast.restores.diagnostics(id, { scope: scope ?? undefined }).catch(() => null)
  for (const problem of diagnostics?.entries ?? []) output.record('problem', { ...problem })
  for (const { store, entity, key, cause, message } of diagnostics?.entries.slice(0, SHOWN_PROBLEMS) ?? [])
    output.note(`  ${store}.${entity} ${key ?? ''} ${cause}: ${message}`)
}
