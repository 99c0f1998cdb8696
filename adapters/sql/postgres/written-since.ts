/** Ids below this are reserved: rows of the bootstrap, or frozen by old versions. */
const FIRST_ID = 3n
const IDS = 2n ** 32n

/**
 * The condition for rows (of `t`, and of what else makes up a row: any of them) that were written by the transaction `horizon` or a later one, for rows that a snapshot sees whose first id not yet given out is
 * `xmax`; both are transaction ids, of 32 bits or epoch-extended. It says what comparing `age()` says, but parallel workers may compute it.
 *
 * `xidsend` gives an id as four bytes, so they compare as unsigned numbers: between horizon and `xmax` round the circle of ids. A row of 2^32 transactions ago may
 * lie there too, and look newer than it is, never older.
 */
export function writtenSince(horizon: string, xmax: string, aliases: readonly string[] = ['t']): string {
  const conditions = aliases.map((alias) => since(`xidsend(${alias}.xmin)`, horizon, xmax))
  return conditions.length === 1 ? conditions[0]! : `(${conditions.join(' OR ')})`
}

function since(id: string, horizon: string, xmax: string): string {
  const [from, to] = [BigInt(horizon) % IDS, BigInt(xmax) % IDS]
  if (from <= to) return `(${id} >= ${bytes(from)} AND ${id} < ${bytes(to)})`
  return `(${id} >= ${bytes(from)} OR ${id} >= ${bytes(FIRST_ID)} AND ${id} < ${bytes(to)})`
}

const bytes = (id: bigint) => `decode('${id.toString(16).padStart(8, '0')}', 'hex')`
