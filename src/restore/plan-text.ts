import { counted, moment } from '../kernel/amounts.ts'
import { fieldText } from '../kernel/field-text.ts'
import { textTable } from '../kernel/text-table.ts'
import type { RestorePlan } from './restore-plan.ts'
import type { RestoreResult } from './restore-result.ts'

/** A plan for people: what it would do to each entity, with samples. */
export function planText(plan: RestorePlan): string {
  const { planId, snapshotId, rows, expiresAt } = plan
  const head = `Plan ${planId}: snapshot ${snapshotId}, ${counted(rows, 'row')} to touch, until ${moment(expiresAt)}; nothing was written`
  return `${head}\n\n${entitiesText(plan, true)}`
}

/** The counts of each entity, and samples where nothing was written yet. */
export function entitiesText({ entities, totals }: Pick<RestoreResult, 'entities' | 'totals'>, planned: boolean): string {
  const { absent: left, delete: gone, failed: out, ranges, skippedRanges } = totals
  const head = [
    ...(planned ? ['create', 'update', 'identical', 'keep', 'conflict', 'extra'] : ['created', 'updated', 'identical', 'kept', 'conflict', 'extra']),
    ...(left > 0 ? ['absent'] : []),
    ...(gone > 0 ? [planned ? 'delete' : 'deleted'] : []),
    ...(out > 0 ? ['failed'] : []),
  ]
  const several = new Set(entities.map(({ store }) => store)).size > 1
  const rows = entities.map(({ store, entity, records, create, update, delete: deleted, identical, keep, absent, conflict, extra, failed }) => [
    several ? `${store}.${entity}` : entity,
    records,
    create,
    update,
    identical,
    keep,
    conflict,
    extra,
    ...(left > 0 ? [absent] : []),
    ...(gone > 0 ? [deleted] : []),
    ...(out > 0 ? [failed] : []),
  ])
  const parts = [textTable(['entity', 'records', ...head], rows, '  ')]
  if (skippedRanges > 0) parts.push(`\n  ${skippedRanges} of ${counted(ranges, 'range')} found live as they are, and not loaded`)
  const samples = planned ? entities.flatMap(({ entity, samples: own }) => own.map((sample) => ({ entity, ...sample }))) : []
  if (samples.length > 0) parts.push('')
  for (const { entity, action, key, changes } of samples) {
    const fields = changes.map(({ field, live, record }) => fieldText({ field, before: live, after: record }))
    parts.push(`  ${action.padEnd(8)} ${entity} ${key}${fields.length === 0 ? '' : `  ${fields.join(', ')}`}`)
  }
  return parts.join('\n')
}
