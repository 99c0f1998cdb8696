import { afterAll, beforeAll, expect, it } from 'vitest'
import { type CliApp, cliApp } from '../support/cli-app.ts'

let app: CliApp
beforeAll(async () => {
  app = await cliApp()
})
afterAll(() => app.remove())

it('goes on without what cannot come back, says so by its exit code, and tries it again', async () => {
  const snapshot = String((await app.run(['backup', 'shop', '--json'])).lines.at(-1)!.snapshotId)
  // Orders 7, 57, … are of customer 8.
  app.sql('DELETE FROM order_line WHERE order_id % 50 = 7')
  app.sql('DELETE FROM orders WHERE customer_id = 8')
  app.sql('DELETE FROM customer WHERE id = 8')
  const restore = ['restore', snapshot, '--entity', 'Order', 'OrderLine', '--json']
  const look = await app.run([...restore, '--dry-run', '--continue-on-error', '1000'])
  expect(look).toMatchObject({ exitCode: 3 })
  expect(look.lines.at(-1)).toMatchObject({ totals: { failed: 120, create: 0 } })
  const told = (await app.run(['restore', snapshot, '--entity', 'Order', 'OrderLine', '--dry-run', '--continue-on-error', '1000'])).stdout
  expect(told.match(/missing-parent/g)).toHaveLength(20)
  expect(told).toContain('\n  … and 100 more; --json lists')
  const few = await app.run([...restore, '--yes', '--continue-on-error', '10'])
  expect(few).toMatchObject({ exitCode: 3 })
  expect(few.line('error')).toMatchObject({ code: 'E_RESTORE_REJECTED' })
  const partial = await app.run([...restore, '--yes', '--continue-on-error', '1000'])
  expect(partial).toMatchObject({ exitCode: 3 })
  const { restoreId, ...summary } = partial.lines.at(-1)!
  expect(summary).toMatchObject({ status: 'PartiallyRestored', problems: 120, totals: { failed: 120 } })
  expect(partial.line('problem')).toMatchObject({ entity: 'Order', key: '[7]', cause: 'missing-parent', attempt: 1 })

  const vain = await app.run(['replay', String(restoreId)])
  expect(vain).toMatchObject({ exitCode: 3 })
  expect(vain.stderr).toContain('shop.Order [7] missing-parent')
  app.sql("INSERT INTO customer (id, name, email) VALUES (8, 'Customer 8', 'customer8@example.test')")
  const other = await app.run(['replay', String(restoreId), '--cause', 'unique-clash', '--json'])
  expect(other.lines.at(-1)).toMatchObject({ exitCode: 0, totals: { records: 0 } })
  const done = await app.run(['replay', String(restoreId), '--by', 'ada'])
  expect(done).toMatchObject({ exitCode: 0 })
  expect(done.stdout).toContain(`Restored what ${String(restoreId)} had left out`)
  expect(app.sql('SELECT count(*) AS n FROM orders')).toEqual([{ n: 2000 }])
  expect(app.sql('SELECT count(*) AS n FROM order_line')).toEqual([{ n: 4000 }])
  expect((await app.run(['restores'])).stdout).toContain(`left out by ${String(restoreId)}`)
  expect((await app.run(['replay', snapshot])).exitCode).toBe(10)
})
