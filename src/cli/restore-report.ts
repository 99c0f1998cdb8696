import type { RestoreResult } from '../restore/index.ts'
import { counted, duration } from './amounts.ts'
import { fieldText } from './field-text.ts'
import type { CommandContext } from './run-command.ts'
import { textTable } from './text-table.ts'

/** Problems listed for people; programs get all that are known. */
const SHOWN_PROBLEMS = 20

/** Writes what a restore did, or would do. */
export async function tellRestore(result: RestoreResult, { holdfast, output, interrupts }: CommandContext): Promise<void> {
  const { restoreId, snapshotId, planId, status, policy, entities, durationMs, silenced } = result
  const planned = status === 'planned'
  for (const entity of entities) output.record('entity', { status, ...entity })
  for (const warning of result.warnings) output.warning(warning)
  output.text(
    `${planned ? 'Dry run' : 'Restored'}: snapshot ${snapshotId} of plan ${planId}, policy ${policy}, in ${duration(durationMs)}${planned ? '; nothing was written' : ''}\n`,
  )
  const head = planned ? ['create', 'update', 'identical', 'keep', 'conflict', 'extra'] : ['created', 'updated', 'identical', 'kept', 'conflict', 'extra']
  const several = new Set(entities.map(({ store }) => store)).size > 1
  const rows = entities.map(({ store, entity, records, create, update, identical, keep, conflict, extra }) => [
    several ? `${store}.${entity}` : entity,
    records,
    create,
    update,
    identical,
    keep,
    conflict,
    extra,
  ])
  output.text(textTable(['entity', 'records', ...head], rows, '  '))
  const { ranges, skippedRanges } = result.totals
  if (skippedRanges > 0) output.text(`\n  ${skippedRanges} of ${counted(ranges, 'range')} found live as they are, and not loaded`)
  const samples = entities.flatMap(({ entity, samples }) => samples.map((sample) => ({ entity, ...sample })))
  if (planned && samples.length > 0) {
    output.text('')
    for (const { entity, action, key, changes } of samples) {
      const fields = changes.map(({ field, live, record }) => fieldText({ field, before: live, after: record }))
      output.text(`  ${action.padEnd(8)} ${entity} ${key}${fields.length === 0 ? '' : `  ${fields.join(', ')}`}`)
    }
  }
  if (silenced.length > 0) output.note(`Silenced while writing and put back: ${silenced.join(', ')}`)
  if (result.problems === 0) return
  const entries = (await holdfast.restores.diagnostics(restoreId, { signal: interrupts.signal }))?.entries ?? []
  for (const problem of entries) output.record('problem', { ...problem })
  output.text(`\n${counted(result.problems, 'problem')}:`)
  for (const { entity, key, cause, message } of entries.slice(0, SHOWN_PROBLEMS)) output.text(`  ${entity} ${key ?? ''} ${cause}: ${message}`)
}
