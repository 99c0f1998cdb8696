import { describe, expect, it } from 'vitest'
import { memoryStorage } from '../../adapters/memory/index.ts'
import { openRepository } from '../../src/archive/index.ts'
import type { StorageAdapter } from '../../src/contracts/index.ts'
import { migrateStorage } from '../../src/storage/index.ts'
import { memoryRepository, ordersChunk, ordersManifest } from '../support/archive-rig.ts'
import { collect } from '../support/collect.ts'
import { FaultyStorage } from '../support/faulty-storage.ts'

async function twoSnapshots() {
  const from = memoryStorage({ name: 'old' })
  const repository = await memoryRepository(from)
  const { chunks, writeManifest } = repository.scope()
  const manifests = []
  for (const first of [1, 101]) {
    const manifest = ordersManifest(repository, [await chunks.put(await ordersChunk(first, 20))])
    await writeManifest(manifest)
    manifests.push(manifest)
  }
  return { from, manifests }
}

async function image(storage: StorageAdapter): Promise<Record<string, string>> {
  const objects: Record<string, string> = {}
  for await (const { key } of storage.list('')) objects[key] = Buffer.from(await storage.get(key)).toString('base64')
  return objects
}

/** Each snapshot that is visible there is whole. */
async function assertWhole(storage: StorageAdapter): Promise<number> {
  const repository = await openRepository({ storage }).catch(() => null)
  const scope = repository?.scope()
  let seen = 0
  if (!scope) return seen
  for await (const { id } of scope.listSnapshots()) {
    seen++
    for (const { ranges } of (await scope.readManifest(id)).entities)
      for (const range of ranges) for (const layer of range.layers) await scope.chunks.verify(layer, { level: 'plain' })
  }
  return seen
}

describe('a migration', () => {
  it('brings everything over, byte by byte', async () => {
    const { from } = await twoSnapshots()
    const to = memoryStorage({ name: 'new' })
    const seen: number[] = []
    const objects = Object.keys(await image(from)).length
    const report = await migrateStorage({ from, to, onProgress: ({ copied }) => seen.push(copied) })
    expect(report).toMatchObject({ copied: objects, present: 0, extra: 0 })
    expect(seen).toEqual(Array.from({ length: objects }, (_, i) => i + 1))
    expect(await image(to)).toEqual(await image(from))
    expect(await migrateStorage({ from, to, check: 'all' })).toMatchObject({ copied: 0, copiedBytes: 0, present: objects })
  })

  it('that dies anywhere shows no snapshot or whole ones, and goes on where it was', async () => {
    const { from } = await twoSnapshots()
    const expected = await image(from)
    for (let at = 1; ; at++) {
      const to = memoryStorage()
      const dying = new FaultyStorage(to, ({ n }) => (n === at ? { kind: 'crash', when: at % 2 ? 'before' : 'after' } : undefined))
      const died = await migrateStorage({ from, to: dying }).then(
        () => false,
        () => true,
      )
      await assertWhole(to)
      const before = Object.keys(await image(to)).length
      const again = await migrateStorage({ from, to })
      expect(again.present).toBe(before)
      expect(await image(to)).toEqual(expected)
      expect(await assertWhole(to)).toBe(2)
      if (!died) return expect(at).toBeGreaterThan(10)
    }
  })

  it('writes manifests last', async () => {
    const { from } = await twoSnapshots()
    const to = new FaultyStorage(memoryStorage())
    await migrateStorage({ from, to })
    const puts = to.operations.filter(({ method }) => method === 'put').map(({ key }) => key.endsWith('/manifest'))
    expect(puts.indexOf(true)).toBe(puts.length - 2)
  })

  it('is refused where something else stands, before a manifest is written', async () => {
    const { from } = await twoSnapshots()
    const [key] = (await collect(from.list('s/-/chunks/'))).map(({ key }) => key)
    for (const body of [Buffer.from('other'), Buffer.alloc((await from.stat(key!))!.bytes)]) {
      const to = memoryStorage({ name: 'new' })
      await to.put(key!, body, { ifAbsent: true })
      await expect(migrateStorage({ from, to, check: 'all' })).rejects.toMatchObject({ code: 'E_STORAGE_EXISTS', details: { key } })
      expect((await collect(to.list(''))).some(({ key }) => key.endsWith('/manifest'))).toBe(false)
      expect(Buffer.from(await to.get(key!)).equals(body)).toBe(true)
    }
  })

  it('finds a target that stores something else than it acknowledges', async () => {
    const { from } = await twoSnapshots()
    const to = new FaultyStorage(memoryStorage(), ({ key, method }) => (method === 'put' && key.endsWith('.hfc') ? { kind: 'lie', how: 'short' } : undefined))
    await expect(migrateStorage({ from, to })).rejects.toMatchObject({ code: 'E_STORAGE' })
    expect(to.fired).toBeGreaterThan(0)
  })

  it('ends when it is aborted', async () => {
    const { from } = await twoSnapshots()
    const controller = new AbortController()
    const to = memoryStorage()
    const migration = migrateStorage({ from, to, signal: controller.signal, onProgress: ({ copied }) => copied === 3 && controller.abort() })
    await expect(migration).rejects.toMatchObject({ code: 'E_ABORTED' })
    expect(await assertWhole(to)).toBe(0)
    await migrateStorage({ from, to })
    expect(await assertWhole(to)).toBe(2)
  })

  it('is refused by a target that cannot create objects only once', async () => {
    const to = memoryStorage()
    const weak = { ...to, capabilities: { ...to.capabilities, conditionalPut: false } }
    await expect(migrateStorage({ from: memoryStorage(), to: weak })).rejects.toMatchObject({ code: 'E_CAPABILITY' })
  })
})
