import { describe, expect, test } from 'vitest'
import { memoryStorage } from '../../adapters/memory/index.ts'
import { createCondemnedLog } from '../../src/archive/condemned-log.ts'
import { createErasureLog } from '../../src/archive/erasure-log.ts'
import { createHoldLog } from '../../src/archive/hold-log.ts'
import { scopeNames } from '../../src/archive/object-names.ts'
import { createObjectSpace } from '../../src/archive/object-space.ts'
import { putProven } from '../../src/archive/put-proven.ts'
import { collect } from '../support/collect.ts'
import { failure } from '../support/failure.ts'
import { FaultyStorage, type StorageFault } from '../support/faulty-storage.ts'

const ID = '01a24c4c-75a8-7255-8920-7e42561514ef'

const names = scopeNames(null)

/** A space whose storage does the same to every put. */
function spaceOver(fault?: StorageFault) {
  const base = memoryStorage()
  const storage = new FaultyStorage(base, ({ method }) => (method === 'put' ? fault : undefined))
  return { base, storage, space: createObjectSpace(storage, 'main/', ID) }
}

const LIES: readonly StorageFault[] = [
  { kind: 'lie', how: 'absent' },
  { kind: 'lie', how: 'short' },
]

describe.each(LIES)('of a storage that acknowledges what it does not hold, %o', (fault) => {
  test('a list of what is condemned is refused, and left in nobody’s way', async () => {
    const { base, storage, space } = spaceOver(fault)
    const error = await failure(createCondemnedLog(space, names).publish({ listId: ID, snapshots: [], chunks: [] }), 'E_STORAGE')
    expect(error.message).toContain(`condemned/${ID}/list`)
    expect(storage.fired).toBe(1)
    expect(await collect(base.list(''))).toEqual([])
  })

  test('a hold and an erasure are not said to be kept', async () => {
    const { base, storage, space } = spaceOver(fault)
    await failure(createHoldLog(space, names).place(ID, { reason: 'a court asks for it', at: '2026-11-21T10:00:00Z' }), 'E_STORAGE')
    const entry = {
      id: ID,
      at: '2026-11-21T10:00:00Z',
      store: 'default',
      entity: 'Customer',
      table: 'customers',
      subject: '0'.repeat(64),
      by: null,
      reason: null,
    }
    await failure(createErasureLog(space, names, Buffer.alloc(32)).write(entry, {}), 'E_STORAGE')
    expect(storage.fired).toBe(2)
    expect(await collect(base.list(''))).toEqual([])
  })
})

test('what somebody else has stored under the name is left there', async () => {
  const { base, space } = spaceOver()
  const object = names.tombstone(ID)
  await putProven(space, object, 'tombstone', { first: true })
  await failure(putProven(space, object, 'tombstone', { first: false }), 'E_STORAGE_EXISTS')
  await putProven(space, object, 'tombstone', { first: true })
  expect(await collect(base.list(''))).toHaveLength(1)
})

test('what stood there before is left there, also when it does not read back', async () => {
  const { base, storage, space } = spaceOver()
  const object = names.tombstone(ID)
  await putProven(space, object, 'tombstone', { hides: true })
  let gets = 0
  storage.script = ({ method }) => (method === 'get' && ++gets > 1 ? { kind: 'flip', at: 200 } : undefined)
  await failure(putProven(space, object, 'tombstone', { hides: true }), 'E_STORAGE')
  expect(gets).toBeGreaterThan(1)
  expect(await collect(base.list(''))).toHaveLength(1)
})
