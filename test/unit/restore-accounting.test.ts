import { describe, expect, it } from 'vitest'
import type { RestoreItem } from '../../src/contracts/index.ts'
import { assertAccounted } from '../../src/restore/assert-accounted.ts'

const item = (entity: string, rows: number) => ({ entity, lines: { rows } }) as RestoreItem
const merged = (entity: string, created: number) => ({ entity, created, updated: 1, identical: 1, kept: 1, absent: 0, failed: 0, deleted: 0 })

// Targets are adapters, and adapters may be wrong: what they say is held against what was to be restored, before it is committed.
describe('a target that does not account for every record', () => {
  it('is believed when it does, also of an entity without records', () => {
    expect(() =>
      assertAccounted([item('Order', 5), item('Empty', 0)], [merged('Order', 2), { ...merged('Empty', 0), updated: 0, identical: 0, kept: 0 }]),
    ).not.toThrow()
  })

  it.each([
    ['has done nothing', { entity: 'Order', created: 0, updated: 0, identical: 0, kept: 0, absent: 0, failed: 0, deleted: 0 }, 'E_RESTORE_EMPTY'],
    ['says nothing', undefined, 'E_RESTORE_EMPTY'],
    ['has left some out', merged('Order', 1), 'E_RESTORE_REJECTED'],
    ['has written more', merged('Order', 3), 'E_RESTORE_REJECTED'],
  ] as const)('and %s is refused', (_what, said, code) => {
    expect(() => assertAccounted([item('Order', 5)], said ? [said] : [])).toThrow(
      expect.objectContaining({ code, details: expect.objectContaining({ entity: 'Order', records: 5 }) }),
    )
  })
})
