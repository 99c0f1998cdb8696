import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fsStorage } from '../../adapters/fs/index.ts'
import type { StorageAdapter } from '../../src/contracts/index.ts'
import { type BackupRig, backupRig, codeOf, manifestFaults, planOf } from '../support/backup-rig.ts'
import { ACCOUNTS, bankFaults, bankStore, createBank, startTransfers } from '../support/bank.ts'
import { FaultyStorage } from '../support/faulty-storage.ts'
import { createTestDatabase, settle, type TestDatabase } from '../support/postgres.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

let database: TestDatabase
let bank: ReturnType<typeof bankStore>
const folder = temporaryFolder()

beforeAll(async () => {
  database = await createTestDatabase()
  await createBank((sql) => database.query(sql))
  bank = bankStore(database.url)
})

afterAll(async () => {
  await bank.pool.end()
  await database.drop()
  folder.remove()
})

let folders = 0
function rigOver(storage: StorageAdapter = newFolder()): BackupRig {
  const { store } = bank
  return backupRig({ stores: [store], plan: planOf([store], { policy: { chunkBytes: 64 * 1024, concurrency: 3 } }), storage })
}

function newFolder(): StorageAdapter {
  return fsStorage({ root: `${folder.path}/${++folders}` })
}

/** Slow enough to be caught in the middle. */
function slowFolder(): StorageAdapter {
  return new FaultyStorage(newFolder(), ({ method, key }) => (method === 'put' && key.endsWith('.hfc') ? { kind: 'delay', ms: 15 } : undefined))
}

async function expectBank(rig: BackupRig, snapshotId: string): Promise<void> {
  const manifest = await rig.manifest(snapshotId)
  expect(manifestFaults(manifest)).toEqual([])
  const [account, entry, booked] = await Promise.all(['account', 'entry', 'booked'].map((entity) => rig.lines(manifest, entity)))
  expect(bankFaults({ account: account!, entry: entry!, booked: booked! })).toEqual([])
}

describe('a backup of PostgreSQL into a folder', () => {
  it('holds every row, read side by side under one snapshot', async () => {
    const rig = rigOver()
    const result = await (await rig.start()).result()
    expect(result.consistency).toBe('snapshot')
    const manifest = await rig.manifest(result.snapshotId)
    const account = manifest.entities.find(({ descriptor }) => descriptor.name === 'account')!
    expect(account.ranges.length).toBeGreaterThan(20)
    expect(account.change.method).toBe('xmin')
    await expectBank(rig, result.snapshotId)
    const lines = (await rig.lines(manifest, 'account'))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    const rows = await database.query('SELECT region, no, balance::text, note FROM account ORDER BY region, no')
    expect(lines).toEqual(rows)
  })

  it('is one committed state although the application never stops writing, however often it is paused', async () => {
    const rig = rigOver(slowFolder())
    const transfers = startTransfers(bank.pool, 2)
    try {
      let session = await rig.start()
      let pauses = 0
      for (; pauses < 6; pauses++) {
        await sleep(80)
        const token = await session.pause()
        if (session.state === 'done') break
        expect(await codeOf(session.result())).toBe('E_SESSION_PAUSED')
        session = await rig.resume(token)
      }
      const result = await session.result()
      await expectBank(rig, result.snapshotId)
      expect(pauses).toBeGreaterThan(0)
    } finally {
      expect(await transfers.stop()).toBeGreaterThan(0)
    }
  })

  it('reads only what moved when it is resumed', async () => {
    // The transfers of before must be past for everybody: while a transaction as old as they are is open elsewhere, they count as written since.
    await settle(database)
    const rig = rigOver(slowFolder())
    let session = await rig.start()
    const account = () => session.current.entities.find(({ entity }) => entity === 'account')!
    while (account().rows < ACCOUNTS / 2) await sleep(1)
    const token = await session.pause()
    expect(session.state).toBe('paused')
    const [kept] = await database.query<{ region: string; no: number }>('SELECT region, no FROM account ORDER BY region, no LIMIT 1')
    await database.query('UPDATE account SET balance = balance WHERE region = $1 AND no = $2', [kept!.region, kept!.no])
    session = await rig.resume(token)
    const result = await session.result()
    const { chunks, reusedChunks } = result.entities.find(({ entity }) => entity === 'account')!
    expect(reusedChunks).toBeGreaterThan(0)
    expect(reusedChunks).toBeLessThan(chunks)
    expect(account().reusedRows).toBeGreaterThan(0)
    await expectBank(rig, result.snapshotId)
  })

  it('survives its connections being cut: the session fails, its token goes on', async () => {
    const rig = rigOver()
    let cut = 0
    for (let round = 0; round < 4; round++) {
      const session = await rig.start()
      await sleep(5 + round * 8)
      cut += (
        await database.query(
          'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL',
        )
      ).length
      const code = await codeOf(session.result())
      expect(['none', 'E_STORE_FAILED']).toContain(code)
      const result = await (await rig.resume(session.token)).result()
      expect(result.snapshotId).toBe(session.id)
      await expectBank(rig, result.snapshotId)
    }
    expect(cut).toBeGreaterThan(0)
  })

  it('stops the database too when it is cancelled', async () => {
    const rig = rigOver(slowFolder())
    const session = await rig.start()
    await sleep(50)
    await session.cancel()
    await sleep(20)
    expect(
      await database.query('SELECT query FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL'),
    ).toEqual([])
    expect(await rig.snapshots()).toEqual([])
  })
})
