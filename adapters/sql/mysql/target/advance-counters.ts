import type { SequenceState } from '../../../../src/contracts/consistent-view.ts'
import { readRelations } from '../catalog-facts.ts'
import type { FittedItem } from './fit-record.ts'
import type { TargetStatements } from './target-session.ts'

/**
 * Moves each AUTO_INCREMENT counter past the saved one, where that is further on than the live one: rows that are inserted move it by themselves. It takes ALTER TABLE, which
 * commits, so it comes before the transaction. A merge that is refused then costs numbers, nothing else.
 */
export async function advanceCounters(statements: TargetStatements, items: readonly FittedItem[], saved: readonly SequenceState[]): Promise<void> {
  for (const { item, live, fields } of items) {
    const counting = fields.find((field) => field.live.autoIncrement)
    const state = counting && saved.find(({ entity, field }) => (entity === item.record.name || entity === item.entity) && field === counting.path)
    if (!counting || !state?.lastValue) continue
    const { schema = '', table } = live.entity
    const [relation] = await readRelations(statements.client, [{ schema, table }])
    const next = BigInt(state.lastValue) + 1n
    if (!relation?.autoIncrement || BigInt(relation.autoIncrement) >= next) continue
    await statements.rows('advancing a counter', `ALTER TABLE ${live.table} AUTO_INCREMENT = ${next}`)
  }
}
