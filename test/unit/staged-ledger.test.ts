import { expect, it } from 'vitest'
import { type StagedLedger, takeFullest } from '../../adapters/sql/staged-ledger.ts'

const tableOf = (shape: string, rows: number): { readonly ledger: StagedLedger } => ({ ledger: { owner: '', shape, rows, sha256: '', indexed: false } })

it('of tables that were left, the fullest of a shape is given, and once', () => {
  const left = [tableOf('a', 5), tableOf('b', 9), tableOf('a', 7), tableOf('a', 6)]
  expect(takeFullest(left, 'a')?.ledger.rows).toBe(7)
  expect(takeFullest(left, 'a')?.ledger.rows).toBe(6)
  expect(takeFullest(left, 'c')).toBeNull()
  expect(left.map(({ ledger }) => ledger.rows)).toEqual([5, 9])
})
