import { describe, expect, it } from 'vitest'
import { memoryStorage } from '../../adapters/memory/index.ts'
import { uuidv7 } from '../../src/kernel/ids.ts'
import { memoryRepository, ordersChunk } from '../support/archive-rig.ts'
import { codeOf } from '../support/backup-rig.ts'
import { collect } from '../support/collect.ts'
import { FaultyStorage } from '../support/faulty-storage.ts'

const listOf = (...chunks: string[]) => ({ listId: uuidv7(), snapshots: [], chunks })

describe('the chunk store of a writer', () => {
  it('stores what is condemned under another name, although it is there and sound', async () => {
    const scope = (await memoryRepository()).scope()
    const chunk = await ordersChunk(1, 20)
    await scope.chunks.put(chunk)
    await scope.condemned.publish(listOf(chunk.id))
    const { ref, written } = await scope.writerChunks().put(chunk)
    expect({ name: ref.name, written }).toEqual({ name: `${chunk.id}.1`, written: true })
    await scope.condemned.publish(listOf(`${chunk.id}.1`))
    expect((await scope.writerChunks().put(chunk)).ref.name).toBe(`${chunk.id}.2`)
    for (const name of [chunk.id, `${chunk.id}.1`, `${chunk.id}.2`]) await scope.chunks.verify({ ...ref, name }, { level: 'plain' })
  })

  it('does not use a condemned name that has become free either', async () => {
    const scope = (await memoryRepository()).scope()
    const chunk = await ordersChunk(1, 20)
    await scope.condemned.publish(listOf(chunk.id))
    expect((await scope.writerChunks().put(chunk)).ref.name).toBe(`${chunk.id}.1`)
  })

  it('refuses a reference that was condemned after its first look', async () => {
    const scope = (await memoryRepository()).scope()
    const chunks = scope.writerChunks()
    const { ref } = await chunks.put(await ordersChunk(1, 20))
    const other = await chunks.put(await ordersChunk(100, 20))
    await chunks.assertPresent([ref, other.ref])
    await scope.condemned.publish(listOf(ref.name))
    await chunks.verify(ref, { level: 'presence' })
    expect(await codeOf(chunks.assertPresent([other.ref]))).toBe('none')
    expect(await codeOf(chunks.assertPresent([ref, other.ref]))).toBe('E_CONDEMNED')
    expect(await codeOf(chunks.verify(ref, { level: 'presence' }))).toBe('E_CONDEMNED')
    expect(await codeOf(scope.chunks.assertPresent([ref]))).toBe('none')
  })

  it('reads each list once', async () => {
    const base = memoryStorage()
    const storage = new FaultyStorage(base)
    const { condemned } = (await memoryRepository(base)).scope()
    await condemned.publish(listOf('a'.repeat(64)))
    const chunks = (await memoryRepository(storage)).scope().writerChunks()
    storage.operations.length = 0
    const { ref } = await chunks.put(await ordersChunk(1, 20))
    await Promise.all([chunks.put(await ordersChunk(30, 20)), chunks.put(await ordersChunk(60, 20))])
    await condemned.publish(listOf('b'.repeat(64)))
    await chunks.assertPresent([ref])
    const gets = storage.operations.filter(({ method, key }) => method === 'get' && key.includes('/condemned/')).map(({ key }) => key)
    expect(gets).toHaveLength(2)
    expect(new Set(gets).size).toBe(2)
  })

  it('stores nothing while a list cannot be read, and goes on when it can', async () => {
    const base = memoryStorage()
    const storage = new FaultyStorage(base)
    const scope = (await memoryRepository(storage)).scope()
    const list = listOf('a'.repeat(64))
    await scope.condemned.publish(list)
    const chunks = scope.writerChunks()
    storage.script = ({ method, key }) => (method === 'get' && key.includes('/condemned/') ? { kind: 'error', when: 'before' } : undefined)
    expect(await codeOf(chunks.put(await ordersChunk(1, 20)))).toBe('E_STORAGE')
    storage.script = () => undefined
    expect(await codeOf(chunks.put(await ordersChunk(1, 20)))).toBe('none')

    await base.put(scope.objects.names.condemned(list.listId, 'list'), Buffer.from('rubbish'), { ifAbsent: false })
    expect(await codeOf(scope.writerChunks().put(await ordersChunk(1, 20)))).toBe('E_ARCHIVE_CORRUPT')
  })
})

describe('the records of prune', () => {
  it('give the time of the storage, and the state of each list', async () => {
    const scope = (await memoryRepository()).scope()
    const run = await scope.condemned.begin()
    expect(Math.abs(run.now - Date.now())).toBeLessThan(5000)
    const list = { listId: run.id, snapshots: [uuidv7()], chunks: ['a'.repeat(64), `${'b'.repeat(64)}.3`] }
    await scope.condemned.publish(list)
    expect(await scope.condemned.read(run.id)).toEqual(list)
    const second = await scope.condemned.begin()
    await scope.condemned.markSwept(run.id)
    const entries = await collect(scope.condemned.list())
    expect(entries).toEqual([
      { listId: run.id, runAt: run.now, storedAt: expect.any(Number), sweptAt: expect.any(Number) },
      { listId: second.id, runAt: second.now, storedAt: null, sweptAt: null },
    ])
  })

  it('hold pins until they are released', async () => {
    const scope = (await memoryRepository()).scope()
    const snapshotId = uuidv7()
    const [first, second] = [await scope.pins.pin(snapshotId), await scope.pins.pin(snapshotId)]
    expect((await collect(scope.pins.list())).map((pin) => pin.snapshotId)).toEqual([snapshotId, snapshotId])
    await first.release()
    await first.release()
    expect(await collect(scope.pins.list())).toHaveLength(1)
    await second.release()
    expect(await collect(scope.pins.list())).toEqual([])
  })

  it('note a referrer once', async () => {
    const scope = (await memoryRepository()).scope()
    const id = uuidv7()
    await Promise.all([scope.referrers.note(id), scope.referrers.note(id)])
    await scope.referrers.note(id)
    expect(await collect(scope.referrers.list())).toEqual([id])
  })
})
