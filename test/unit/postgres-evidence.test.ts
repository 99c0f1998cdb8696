import { expect, it } from 'vitest'
import { judgeEvidence } from '../../adapters/sql/postgres/evidence.ts'
import { isNewer } from '../../adapters/sql/postgres/row-age.ts'
import type { ChangeEvidence } from '../../src/contracts/index.ts'

const at = (xmin: bigint): ChangeEvidence => ({ method: 'xmin', values: { lsn: '0/1', xmin: String(xmin) } })

it('row versions speak for a horizon of less than 2^30 transactions ago, and for none ahead', () => {
  const now = 5_000_000_000n
  const verdict = (horizon: bigint) => judgeEvidence(at(horizon), at(now), { xmax: String(now) })
  expect(verdict(now - 2n ** 30n)).toEqual({ trust: 'lines', reason: 'evidence:xmin' })
  expect(verdict(now - 2n ** 30n + 1n)).toEqual({ trust: 'xmin', horizon: String((now - 2n ** 30n + 1n) & 0xffff_ffffn) })
  expect(verdict(now)).toMatchObject({ trust: 'xmin' })
  expect(verdict(now + 1n)).toMatchObject({ trust: 'lines' })
  expect(verdict(2n)).toMatchObject({ trust: 'lines' })
})

it('a row as young as the horizon is newer, and every row is when the horizon is beyond telling', () => {
  expect([isNewer('5', '5'), isNewer('4', '5'), isNewer('6', '5'), isNewer('2000000000', '-1'), isNewer(null, '5'), isNewer('5', null)]).toEqual([
    true,
    true,
    false,
    true,
    false,
    false,
  ])
})
