import { expect, it } from 'vitest'
import { entityEvidence, judgeEvidence } from '../../adapters/sql/postgres/evidence.ts'
import type { PostgresEntity } from '../../adapters/sql/postgres/catalog.ts'
import type { HeapFacts } from '../../adapters/sql/postgres/heap-facts.ts'
import { isNewer } from '../../adapters/sql/postgres/row-age.ts'
import type { SnapshotFacts } from '../../adapters/sql/postgres/snapshot-facts.ts'
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

it('lines of other rows cannot be compared, and row versions of one table say nothing of the owners in another', () => {
  const evidence = (values: Record<string, string>): ChangeEvidence => ({ method: 'xmin', values: { ...at(100n).values, ...values } })
  const verdict = (before: Record<string, string>, after: Record<string, string>) => judgeEvidence(evidence(before), evidence(after), { xmax: '200' })
  expect(verdict({ scope: 'a' }, { scope: 'a' })).toMatchObject({ trust: 'xmin' })
  expect(verdict({ scope: 'a' }, { scope: 'b' })).toEqual({ trust: 'none', reason: 'evidence:scope' })
  expect(verdict({}, { scope: 'b' })).toEqual({ trust: 'none', reason: 'evidence:scope' })
  expect(verdict({ owners: 'a' }, { owners: 'b' })).toEqual({ trust: 'lines', reason: 'evidence:owners' })
})

it('row versions are trusted only where all tables that make up a row have them', () => {
  const heap = (opaque: HeapFacts['opaque']): HeapFacts => ({ root: '', opaque, relations: '', columns: '', types: '', collations: '' })
  const owner = { oid: '2' }
  const entity = { oid: '1', descriptor: { fields: [] }, scope: { owners: [owner] } } as unknown as PostgresEntity
  const methodOf = (ofOwner: HeapFacts['opaque']) =>
    entityEvidence(
      entity,
      new Map([
        ['1', heap(null)],
        ['2', heap(ofOwner)],
      ]),
      { foreignHeap: null } as SnapshotFacts,
    ).method
  expect([methodOf(null), methodOf('storage')]).toEqual(['xmin', 'sha256'])
})
