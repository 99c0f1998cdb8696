import { describe, expect, it } from 'vitest'
import { memoryStorage } from '../../adapters/memory/index.ts'
import type { StorageAdapter } from '../../src/contracts/index.ts'
import { collect } from '../support/collect.ts'
import { backupRig } from '../support/backup-rig.ts'
import { failure } from '../support/failure.ts'
import { orderRow, shopStore } from '../support/shop-store.ts'

/** A storage that says so much is free, whatever is stored. */
function withFree(free: () => number | Error): StorageAdapter {
  const storage = memoryStorage()
  storage.quota = async () => {
    const freeBytes = free()
    if (freeBytes instanceof Error) throw freeBytes
    return { usedBytes: 0, freeBytes }
  }
  return storage
}

describe('a backup into a storage that tells what is free', () => {
  const take = async (free: () => number | Error, storage = withFree(free)) => {
    const store = shopStore(2000)
    const rig = backupRig({ stores: [store], storage })
    return { store, rig, storage, session: await rig.start() }
  }

  it('that cannot fit is refused before a chunk is stored, and can be resumed when there is room', async () => {
    let free = 500
    const { store, rig, storage, session } = await take(() => free)
    const error = await failure(session.result(), 'E_STORAGE_FULL')
    expect(error.details).toMatchObject({ bucket: 'main', freeBytes: 500, estimatedPlainBytes: expect.any(Number) })
    expect((await collect(storage.list(''))).filter(({ key }) => key.includes('/chunks/'))).toEqual([])
    free = 10 ** 9
    const { snapshotId } = await (await rig.resume(session.token)).result()
    expect(await rig.lines(await rig.manifest(snapshotId), 'Order')).toBe(store.lines('Order'))
  })

  it('that fits only when it is compressed well goes on, with a warning in its manifest', async () => {
    const { rig, session } = await take(() => 20_000)
    expect(JSON.stringify(await rig.manifest((await session.result()).snapshotId))).toContain('The backup may not fit')
  })

  it.each([
    ['has room', () => 10 ** 9],
    ['does not answer', () => new Error('no')],
  ])('that %s says nothing of it', async (_, free) => {
    const { rig, session } = await take(free)
    expect(JSON.stringify(await rig.manifest((await session.result()).snapshotId))).not.toContain('may not fit')
  })

  it('that has all it needs by an earlier one is not held back', async () => {
    let free = 10 ** 9
    const { store, rig, session } = await take(() => free)
    await session.result()
    free = 500
    store.put('Order', orderRow(7, 'changed'))
    const { snapshotId } = await (await rig.start(undefined, { kind: 'incremental' })).result()
    const full = await (await rig.start(undefined, { kind: 'full' })).result()
    expect(JSON.stringify(await rig.manifest(full.snapshotId))).toContain('The backup may not fit')
    expect(await rig.lines(await rig.manifest(snapshotId), 'Order')).toBe(store.lines('Order'))
  })
})
