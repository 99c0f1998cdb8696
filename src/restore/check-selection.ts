import { HoldfastError } from '../kernel/errors.ts'
import { assertKnownOptions } from '../kernel/known-options.ts'
import { expect } from './expect-option.ts'
import type { RestoreRequest } from './restore-request.ts'
import type { RelatedRows } from './row-pick.ts'

const MOST_ROWS = 1_000_000

/** Whether the picked rows are ones at all, and fit the rest of the request. @throws `E_CONFIG` */
export function checkSelection({ entities, select, related, deleteExtra }: RestoreRequest): void {
  if (select === undefined) {
    if (related !== undefined) throw new HoldfastError('E_CONFIG', '`related` is given without `select`', { hint: 'Say which rows they belong to.' })
    return
  }
  expect(Array.isArray(select) && select.length > 0, 'select', select, 'a list of picks: pick(Order, { keys: [1] })')
  for (const { entity, ...pick } of select) {
    assertKnownOptions(pick, ['keys', 'where', 'fields'], 'a pick')
    // A list that a caller's code did not get would mean all rows.
    for (const option of ['keys', 'where', 'fields'] as const)
      if (Object.hasOwn(pick, option)) expect(pick[option] !== undefined, option, pick[option], 'a value, or the option left out: without it all is meant')
    expect(entity !== undefined && entity !== null, 'entity', entity, 'a class, a schema or a name')
    expect(pick.keys === undefined || (Array.isArray(pick.keys) && pick.keys.length > 0), 'keys', pick.keys, 'a list of keys')
    expect(pick.fields === undefined || (Array.isArray(pick.fields) && pick.fields.length > 0), 'fields', pick.fields, 'a list of property paths')
    expect(
      pick.where === undefined || (typeof pick.where === 'object' && pick.where !== null && !Array.isArray(pick.where)),
      'where',
      pick.where,
      'conditions by property path',
    )
  }
  if (entities !== undefined)
    throw new HoldfastError('E_CONFIG', '`entities` and `select` are both given', { hint: 'Pick whole entities too: pick(Customer).' })
  if (deleteExtra) {
    throw new HoldfastError('E_CONFIG', '`deleteExtra` and `select` are both given: rows that were not picked are not extra', {
      hint: 'Restore whole entities by `entities`.',
    })
  }
  if (related !== undefined) checkRelated(related)
}

function checkRelated(related: RelatedRows): void {
  assertKnownOptions(related, ['parents', 'children', 'depth', 'maxRows'], '`related`')
  const { parents, children, depth, maxRows } = related
  expect(parents === undefined || typeof parents === 'boolean', 'parents', parents, 'true or false')
  expect(children === undefined || typeof children === 'boolean' || Array.isArray(children), 'children', children, 'true, false or a list of entities')
  expect(depth === undefined || (Number.isInteger(depth) && depth >= 1 && depth <= 100), 'depth', depth, '1 to 100')
  expect(maxRows === undefined || (Number.isInteger(maxRows) && maxRows >= 1 && maxRows <= MOST_ROWS), 'maxRows', maxRows, `1 to ${MOST_ROWS}`)
}
