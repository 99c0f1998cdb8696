import { scopeCondition } from '../scope-sql.ts'
import { refuseStrangers } from './refuse-strangers.ts'
import type { EntityReconciliation, ReconcileReport, RowWatch } from '../../../../src/contracts/restore-target.ts'
import type { SqliteConnection } from '../connection.ts'
import { quoteName } from '../quote.ts'
import type { Slices } from '../slices.ts'
import { WRITTEN } from './actions.ts'
import { classify, countActions } from './classify.ts'
import { findLostParents, findMissingParents, findOrphans } from './foreign-keys.ts'
import type { ItemPlan } from './item-plan.ts'
import { createProblemList, type ProblemList } from './problem-list.ts'
import { forRanges } from './row-ranges.ts'
import { readSamples } from './samples.ts'
import { findUniqueClashes } from './unique-clashes.ts'
import { judgeRows } from './watch-rows.ts'

/** Compares what is staged with what is live. Run it inside one read transaction. */
export function* reconcileItems(
  connection: SqliteConnection,
  plans: readonly ItemPlan[],
  limits: { readonly samples: number; readonly problems: number; readonly watch?: RowWatch | undefined },
): Slices<ReconcileReport> {
  for (const plan of plans) yield* classify(connection, plan)
  yield* refuseStrangers(connection, plans, 'before')
  yield* judgeRows(connection, plans, limits.watch)
  const problems = createProblemList(limits.problems)
  yield* findProblems(connection, plans, problems)
  const entities: EntityReconciliation[] = []
  for (const plan of plans) {
    const { create, update, identical, keep, conflict, absent, lost, stuck, delete: deleted } = countActions(connection, plan)
    // Extra rows stand behind the records; of records, only those that say so are deleted, or have no row to delete.
    const removed = plan.item.deleteFrom === undefined ? 0 : deleted
    const matched = update + identical + keep + conflict + stuck + removed
    const live = () => connection.count(`SELECT count(*) FROM ${plan.table} l WHERE ${scopeCondition(plan.entity, 'l') ?? 'TRUE'}`)
    const extra = plan.item.partial ? 0 : live() - matched
    const samples = readSamples(connection, plan, limits.samples)
    const told = { create, update, identical, keep, conflict, absent, failed: lost + stuck, delete: deleted }
    entities.push({ entity: plan.item.entity, ...told, extra, samples })
    yield
  }
  return { entities, problems: problems.problems, problemCount: problems.count }
}

/** What would refuse the merge of classified rows, as far as it can be told without writing. CHECK constraints and the like speak up only when rows are written. */
export function* findProblems(connection: SqliteConnection, plans: readonly ItemPlan[], problems: ProblemList): Slices<void> {
  for (const plan of plans) {
    yield* findMissingValues(connection, plan, problems)
    yield* findMissingParents(connection, plan, plans, problems)
    yield* findLostParents(connection, plan, plans, problems)
    yield* findOrphans(connection, plan, plans, problems)
    yield* findUniqueClashes(connection, plan, problems)
  }
}

function* findMissingValues(connection: SqliteConnection, plan: ItemPlan, problems: ProblemList): Slices<void> {
  const required = plan.written.filter(({ column }) => !column.nullable && column.column !== plan.entity.table.rowidColumn)
  if (required.length > 0) {
    const sql = `SELECT s.n FROM ${plan.actions} a CROSS JOIN ${plan.staged} s ON s.n = a.n WHERE a.n BETWEEN ? AND ? AND a.act IN ${WRITTEN} AND (${required.map(({ stage }) => `s.${stage} IS NULL`).join(' OR ')})`
    const message = `null where the column does not allow it (${required.map(({ path }) => path).join(', ')} may not be null)`
    yield* forRanges(connection, plan.staged, (first, last) => {
      const lines = connection.rows(sql, [first, last]).map(([line]) => line as bigint)
      problems.addLines(connection, plan, lines, 'validation', message)
    })
  }
  const { create } = countActions(connection, plan)
  if (create === 0) return
  for (const { name } of requiredColumns(plan)) {
    problems.add({
      entity: plan.item.entity,
      key: null,
      cause: 'schema',
      message: `${create} rows would have to be created without ${quoteName(name)}, which is required and not in the records`,
    })
  }
}

/** Live columns that the records lack and no row may be created without. */
export function requiredColumns({ columns, entity }: ItemPlan): readonly { readonly name: string }[] {
  const planned = new Set(columns.map(({ column }) => column.column))
  return entity.table.columns.filter((column) => column.notNull && !column.hasDefault && !column.generated && !planned.has(column.name))
}
