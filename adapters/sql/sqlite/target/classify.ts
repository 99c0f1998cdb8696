import type { ConflictPolicy } from '../../../../src/contracts/restore-target.ts'
import type { StoredValue } from '../../../../src/record/stored-value.ts'
import type { SqliteConnection } from '../connection.ts'
import { exactSelect, exactValues } from '../row-select.ts'
import { scopeCondition } from '../scope-sql.ts'
import type { Slices } from '../slices.ts'
import { ACTION } from './actions.ts'
import { columnsOf, foreignKeyBit } from './foreign-keys.ts'
import type { ItemPlan, PlannedColumn } from './item-plan.ts'
import { forRanges } from './row-ranges.ts'

/**
 * Compares every staged row with its live row and notes what to do with it, and which of its foreign keys would change. Identical means the same
 * storage class and the same bytes in every field that is written, whatever the column's collation thinks is equal.
 */
export function* classify(connection: SqliteConnection, plan: ItemPlan): Slices<void> {
  const { actions, staged, table, sameKey, key, item } = plan
  // What an earlier comparison has added.
  if (item.deleteExtra) connection.run(`DELETE FROM ${staged} WHERE n > ?`, [BigInt(item.lines.rows)])
  connection.exec(`DROP TABLE IF EXISTS ${actions}`)
  connection.exec(`CREATE TABLE ${actions} (n INTEGER PRIMARY KEY, act INTEGER NOT NULL, fk INTEGER NOT NULL)`)
  const absent = `l.${key[0]!.live} IS NULL`
  const untyped = plan.written.filter(({ affinity }) => affinity === 'blob')
  const zero = untyped.map(({ stage }) => `(typeof(s.${stage}) = 'real' AND s.${stage} = 0.0)`).join(' OR ') || '0'
  const sql = `INSERT INTO ${actions} (n, act, fk)
    SELECT s.n,
      CASE ${removal(plan, absent)}WHEN ${absent} THEN ${item.create === false ? ACTION.absent : ACTION.create} WHEN ${identical(plan.written)} THEN CASE WHEN ${zero} THEN ${ACTION.zero} ELSE ${ACTION.identical} END ELSE ${decision(plan, item.policy)} END,
      CASE WHEN ${absent} THEN -1 ELSE ${changedForeignKeys(plan)} END
    FROM ${staged} s LEFT JOIN ${table} l ON ${sameKey} WHERE s.n BETWEEN ? AND ?`
  yield* forRanges(connection, staged, (first, last) => void connection.run(sql, [first, last]))
  if (untyped.length > 0) settleZeros(connection, plan, untyped)
  leaveOut(connection, plan)
  if (item.deleteExtra) addExtra(connection, plan)
}

function leaveOut(connection: SqliteConnection, { actions, item: { leaveOut: lines = [] } }: ItemPlan): void {
  if (lines.length === 0) return
  const { create, update, conflict, lost, stuck } = ACTION
  connection.exec(
    `UPDATE ${actions} SET act = CASE act WHEN ${create} THEN ${lost} ELSE ${stuck} END WHERE n IN (${lines.map(Math.trunc).join(', ')}) AND act IN (${create}, ${update}, ${conflict})`,
  )
}

/** Records that stand for rows to be deleted. */
function removal({ item: { deleteFrom } }: ItemPlan, absent: string): string {
  return deleteFrom === undefined ? '' : `WHEN s.n >= ${Math.trunc(deleteFrom)} THEN CASE WHEN ${absent} THEN ${ACTION.identical} ELSE ${ACTION.delete} END `
}

/** Live rows without a record join the staged ones, behind the last record, to be deleted. */
function addExtra(connection: SqliteConnection, { staged, actions, table, columns, key, item, entity }: ItemPlan): void {
  const last = BigInt(item.lines.rows)
  const own = scopeCondition(entity, 'l')
  const order = key.map(({ live }) => `l.${live}`).join(', ')
  connection.run(
    `INSERT INTO ${staged} (n, ${columns.map(({ stage }) => stage).join(', ')})
     SELECT ? + row_number() OVER (ORDER BY ${order}), ${columns.map(({ live }) => `l.${live}`).join(', ')} FROM ${table} l
     WHERE NOT EXISTS (SELECT 1 FROM ${staged} s WHERE ${key.map(({ stage, live }) => `s.${stage} = +l.${live}`).join(' AND ')})${own === null ? '' : ` AND ${own}`}`,
    [last],
  )
  connection.run(`INSERT INTO ${actions} (n, act, fk) SELECT n, ${ACTION.delete}, 0 FROM ${staged} WHERE n > ?`, [last])
}

function identical(columns: readonly PlannedColumn[]): string {
  return columns.map(({ live, stage }) => `(l.${live} IS s.${stage} COLLATE BINARY AND typeof(l.${live}) = typeof(s.${stage}))`).join(' AND ')
}

/** For rows that differ. Versions are only compared within one storage class; anything else is for a person to decide. */
function decision({ newer }: ItemPlan, policy: ConflictPolicy): string {
  switch (policy) {
    case 'overwrite':
      return `${ACTION.update}`
    case 'skip':
      return `${ACTION.keep}`
    case 'fail':
      return `${ACTION.conflict}`
    case 'newer-version-wins': {
      if (!newer) return `${ACTION.conflict}`
      const [live, staged] = [`l.${newer.live}`, `s.${newer.stage}`]
      return `CASE WHEN typeof(${live}) <> typeof(${staged}) OR ${live} IS NULL THEN ${ACTION.conflict}
        WHEN ${staged} > ${live} COLLATE BINARY THEN ${ACTION.update} WHEN ${staged} < ${live} COLLATE BINARY THEN ${ACTION.keep} ELSE ${ACTION.conflict} END`
    }
  }
}

function changedForeignKeys(plan: ItemPlan): string {
  const terms = plan.entity.table.foreignKeys.flatMap((foreignKey, at) => {
    const columns = columnsOf(plan, foreignKey.columns)
    if (!columns) return [] // not all in the records: an update leaves it as it is
    return [`((${columns.map(({ live, stage }) => `l.${live} IS NOT s.${stage} COLLATE BINARY`).join(' OR ')}) * ${foreignKeyBit(at)})`]
  })
  return terms.join(' | ') || '0'
}

/** 0.0 and -0.0 are equal to SQLite, and only a column without affinity keeps them apart. JavaScript can tell. */
function settleZeros(connection: SqliteConnection, plan: ItemPlan, untyped: readonly PlannedColumn[]): void {
  const { actions, staged, table, sameKey } = plan
  const list = exactSelect([...untyped.map(({ live }) => `l.${live}`), ...untyped.map(({ stage }) => `s.${stage}`)])
  const from = `FROM ${actions} a CROSS JOIN ${staged} s ON s.n = a.n CROSS JOIN ${table} l ON ${sameKey}`
  for (;;) {
    const rows = connection.rows(`SELECT a.n, ${list} ${from} WHERE a.act = ${ACTION.zero} LIMIT 500`)
    if (rows.length === 0) return
    for (const row of rows) {
      const values = exactValues(row, untyped.length * 2, 1)
      const same = untyped.every((_, at) => sameZero(values[at]!, values[untyped.length + at]!))
      const action = same ? `${ACTION.identical}` : `(SELECT ${decision(plan, plan.item.policy)} ${from} WHERE a.n = ?1)`
      connection.run(`UPDATE ${actions} SET act = ${action} WHERE n = ?1`, [row[0]!])
    }
  }
}

function sameZero(a: StoredValue, b: StoredValue): boolean {
  return typeof a !== 'number' || Object.is(a, b)
}

/** Rows by action. Sums, because GROUP BY would sort all rows first. */
export function countActions(connection: SqliteConnection, plan: ItemPlan): Readonly<Record<keyof typeof ACTION, number>> {
  const actions = Object.entries(ACTION)
  const [counts = []] = connection.rows(`SELECT ${actions.map(([, act]) => `coalesce(sum(act = ${act}), 0)`).join(', ')} FROM ${plan.actions}`)
  return Object.fromEntries(actions.map(([name], at) => [name, Number(counts[at])])) as Record<keyof typeof ACTION, number>
}

export function dropWorkTables(connection: SqliteConnection, plans: readonly ItemPlan[]): void {
  for (const { actions, aside } of plans) connection.exec(`DROP TABLE IF EXISTS ${actions}; DROP TABLE IF EXISTS ${aside}`)
}
