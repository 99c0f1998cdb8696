import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { typeormStore } from '../../adapters/typeorm/index.ts'
import { fsStorage } from '../../adapters/fs/index.ts'
import { memoryStorage } from '../../adapters/memory/index.ts'
import type { StorageAdapter } from '../../src/contracts/index.ts'
import { createHoldfast, definePlan, type Holdfast } from '../../src/index.ts'
import { openSqliteShop, SHOP, SHOP_SCHEMAS, type SqliteShop } from '../fixtures/sqlite-shop.ts'
import { failure } from '../support/failure.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

let folder: ReturnType<typeof temporaryFolder>
let shop: SqliteShop
let holdfast: Holdfast
let snapshot: string

async function openHoldfast(storage: StorageAdapter): Promise<Holdfast> {
  const plan = definePlan({ id: 'shop', description: 'Orders and all they need', entities: [...SHOP_SCHEMAS] })
  return createHoldfast({ stores: [typeormStore(shop.dataSource)], storage, plans: [plan] })
}

beforeEach(async () => {
  folder = temporaryFolder()
  shop = await openSqliteShop(folder.path)
  holdfast = await openHoldfast(memoryStorage())
  snapshot = (await holdfast.backups.run('shop')).snapshotId
})
afterEach(async () => {
  await holdfast.close()
  await shop.dataSource.destroy()
  folder.remove()
})

describe('a restore that is refused because rows differ', () => {
  it('keeps in the repository which rows, and in what they differ', async () => {
    await shop.dataSource.query(`UPDATE orders SET status = 'lost', cents = -1 WHERE id <= 150`)
    await shop.dataSource.query(`UPDATE customer SET email = 'x' WHERE id = 7`)
    const error = await failure(holdfast.restores.restore({ snapshot, samples: 1 }), 'E_RESTORE_CONFLICT')
    const diagnostics = (await holdfast.restores.diagnostics(error.details.restoreId as string))!
    expect(diagnostics).toMatchObject({ code: 'E_RESTORE_CONFLICT', snapshotId: snapshot, planId: 'shop', total: 151, causes: { conflict: 101 } })
    expect(diagnostics.entries.filter(({ entity }) => entity === 'Customer')).toEqual([
      { store: 'default', entity: 'Customer', key: '[7]', cause: 'conflict', attempt: 1, message: 'the live row differs in email' },
    ])
    expect(diagnostics.entries.filter(({ entity }) => entity === 'Order')).toHaveLength(100)
    expect(diagnostics.entries.find(({ key }) => key === '[100]')?.message).toBe('the live row differs in status, cents')
    // What the caller is handed at once stays as small as was asked for.
    expect(error.details.conflicts).toMatchObject([
      { entity: 'Customer', rows: 1, keys: ['[7]'] },
      { entity: 'Order', rows: 150, keys: ['[1]'] },
    ])
  })

  it('says that there is no version to go by', async () => {
    await shop.dataSource.query(`UPDATE orders SET status = 'lost' WHERE id = 1`)
    const error = await failure(holdfast.restores.restore({ snapshot, policy: 'newer-version-wins' }), 'E_RESTORE_CONFLICT')
    expect(error.hint).toBe(
      'Neither a version nor an updated-at property is known of "Order", in snapshot and mapping alike, by which a newer row could be told: choose `overwrite` or `skip` there, or restore without.',
    )
  })
})

describe('a dry run', () => {
  it('ends with progress that tells what would be written from what would be left', async () => {
    await shop.dataSource.query('DELETE FROM order_line WHERE order_id <= 10')
    await shop.dataSource.query(`UPDATE orders SET status = 'lost' WHERE id <= 30`)
    const session = await holdfast.restores.start({ snapshot, dryRun: true, policy: 'overwrite', samples: 2 })
    const result = await session.result()
    expect(session.current).toMatchObject({ phase: 'done', percent: 100, records: result.totals.records, estimatedRecords: result.totals.records })
    expect(session.current.entities).toMatchObject([
      { entity: 'Customer', state: 'done', rows: SHOP.customers, reusedRows: SHOP.customers },
      { entity: 'Order', state: 'done', rows: SHOP.orders, reusedRows: SHOP.orders - 30 },
      { entity: 'OrderLine', state: 'done', rows: SHOP.lines, reusedRows: SHOP.lines - 20 },
    ])
    expect(result.entities.map(({ samples }) => samples.length)).toEqual([0, 2, 2])
  })
})

describe('closing', () => {
  it('waits until restores have let go of their snapshots', async () => {
    const storage = fsStorage({ root: `${folder.path}/backups` })
    const deleted: string[] = []
    let closed = false
    const slow: StorageAdapter = {
      ...storage,
      async delete(keys, options) {
        await new Promise((resolve) => setTimeout(resolve, 200))
        await storage.delete(keys, options)
        deleted.push(...keys.map((key) => `${key.split('/')[2]}${closed ? ' too late' : ''}`))
      },
      async close() {
        closed = true
        await storage.close()
      },
    }
    const other = await openHoldfast(slow)
    const { snapshotId } = await other.backups.run('shop')
    await other.restores.restore({ snapshot: snapshotId })
    await other.close()
    expect(deleted).toEqual(['pins'])
  })
})

describe('a restore whose storage fails once the rows are in', () => {
  const ways: readonly { readonly way: string; readonly put: () => Promise<never>; readonly said: string }[] = [
    { way: 'fails', put: () => Promise.reject(new Error('the cable is out')), said: 'the cable is out' },
    { way: 'does not answer', put: () => new Promise(() => {}), said: 'the storage did not answer for 30 s' },
  ]

  it.each(ways)('has succeeded, and says that its result is nowhere else, when it $way', async ({ put, said }) => {
    const inner = memoryStorage()
    await holdfast.close()
    holdfast = await openHoldfast({ ...inner, put: (key, body, options) => (key.includes('/restores/') ? put() : inner.put(key, body, options)) })
    snapshot = (await holdfast.backups.run('shop')).snapshotId
    await shop.dataSource.query(`UPDATE orders SET status = 'lost'`)
    const timeout = AbortSignal.timeout.bind(AbortSignal)
    const brief = vi.spyOn(AbortSignal, 'timeout').mockImplementation((ms) => timeout(Math.min(ms, 200)))
    try {
      const result = await holdfast.restores.restore({ snapshot, policy: 'overwrite' })
      expect(result.warnings).toEqual([expect.stringMatching(`could not be stored in the repository: .*${said}`)])
    } finally {
      brief.mockRestore()
    }
    expect(await shop.dataSource.query(`SELECT count(*) AS n FROM orders WHERE status = 'lost'`)).toEqual([{ n: 0 }])
  })
})
