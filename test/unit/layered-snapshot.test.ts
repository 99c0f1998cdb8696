import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { memoryStorage } from '../../adapters/memory/index.ts'
import { foldLayers, readRange, type RepositoryScope } from '../../src/archive/index.ts'
import { scopeNames } from '../../src/archive/object-names.ts'
import { filledRanges, snapshotLines } from '../../src/restore/snapshot-lines.ts'
import { validateRanges } from '../../src/restore/validate-ranges.ts'
import { verifySnapshot } from '../../src/service/verify-snapshot.ts'
import { memoryRepository } from '../support/archive-rig.ts'
import { deltaBetween, layer, type LayeredEntry, linesOf, newDelta, storeBase, type Thing, thingsManifest, upsert } from '../support/layer-rig.ts'
import { joined } from '../support/record-batches.ts'

const thing = (id: number, note = `thing ${id}`): Thing => ({ id, owner: null, note })
const BEFORE = Array.from({ length: 40 }, (_, i) => thing(i))
const AFTER = BEFORE.toSpliced(20, 3, thing(20, 'changed'), thing(100))
const LATER = Array.from({ length: 10 }, (_, i) => thing(200 + i))

async function layeredSnapshot() {
  const storage = memoryStorage()
  const repository = await memoryRepository(storage)
  const scope = repository.scope()
  const first = { ...(await layer(scope.chunks, await storeBase(scope.chunks, BEFORE), (await deltaBetween(BEFORE, AFTER))!)), to: '[200]' }
  const second = { ...(await storeBase(scope.chunks, LATER)), from: '[200]' }
  const manifestOf = (ranges: readonly LayeredEntry[]) => thingsManifest(repository, ranges)
  const verify = (ranges: readonly LayeredEntry[], level: 'stored' | 'plain' = 'plain') =>
    verifySnapshot(manifestOf(ranges), () => Promise.resolve(scope satisfies RepositoryScope), level, {})
  return { storage, scope, first, second, manifestOf, verify }
}

describe('a snapshot with layered ranges', () => {
  test('is committed, read back and restored as merged lines', async () => {
    const { scope, first, second, manifestOf } = await layeredSnapshot()
    const manifest = manifestOf([first, second])
    await scope.writeManifest(manifest)
    const read = await scope.readManifest(manifest.snapshotId)
    expect(read).toEqual(manifest)
    expect(read.requiredFeatures).toEqual(['delta'])
    let stored = 0
    const source = snapshotLines(filledRanges(read.entities[0]!), scope.chunks, (bytes) => (stored += bytes))
    for (let again = 0; again < 2; again++) expect((await joined(source.open())).equals(linesOf([...AFTER, ...LATER]))).toBe(true)
    expect([source.rows, stored]).toEqual([AFTER.length + LATER.length, 2 * read.totals.storedBytes])
  })

  test('is verified layer by layer, and the layers together', async () => {
    const { storage, scope, first, second, verify } = await layeredSnapshot()
    const [base, delta] = first.layers
    const bytes = [base!, delta!, second.layers[0]!].reduce((sum, ref) => sum + ref.storedBytes + ref.index.storedBytes, 0)
    expect(await verify([first, second])).toMatchObject({ chunks: 3, bytes, damages: [] })

    const stranger = newDelta()
    await stranger.delete('[999]')
    await stranger.delete('[998]')
    await upsert(stranger, thing(3, 'x'))
    const { ref } = await scope.chunks.put(await stranger.finish())
    const misfit = { ...first, layers: [base!, ref] }
    expect((await verify([misfit, second], 'stored')).damages).toEqual([])
    expect((await verify([misfit, second])).damages).toEqual([expect.objectContaining({ object: ref.name, code: 'E_ARCHIVE_CORRUPT' })])
    const range = { ...misfit, evidence: 0 }
    await expect(validateRanges([{ chunks: scope.chunks, range, done: () => {} }])).rejects.toMatchObject({ code: 'E_ARCHIVE_CORRUPT' })

    const key = scopeNames(null).chunk(base!.name)
    const sound = await storage.get(key)
    await storage.put(key, sound.subarray(1), { ifAbsent: false })
    await storage.delete([scopeNames(null).chunkIndex(delta!.name)])
    expect((await verify([first, second])).damages).toEqual([
      expect.objectContaining({ object: base!.name, code: 'E_ARCHIVE_CORRUPT' }),
      expect.objectContaining({ object: delta!.name, code: 'E_ARCHIVE_MISSING' }),
    ])
  })
})

describe('memory', () => {
  test('stays that of a few frames, whatever the size of the base', async () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const held = () => {
      collect()
      return process.memoryUsage().arrayBuffers
    }
    const { chunks } = (await memoryRepository()).scope()
    const rows = 24_000
    const things = Array.from({ length: rows }, (_, i) => thing(i, `${i}${'abcdefgh'.repeat(256)}`))
    const base = await storeBase(chunks, things, { frameRows: 500 })
    const delta = newDelta()
    for (let id = 0; id < rows; id += 1000) await upsert(delta, thing(id, 'changed'))
    const range = await layer(chunks, base, delta)
    expect(base.layers[0]!.plainBytes).toBeGreaterThan(40 * 2 ** 20)

    const before = held()
    let most = 0
    let count = 0
    for await (const _ of readRange(chunks, range)) if (count++ % 8 === 0) most = Math.max(most, held() - before)
    expect(count).toBeGreaterThan(30)
    expect(most).toBeLessThan(16 * 2 ** 20)

    const folded = await foldLayers(chunks, range, { compression: 'zstd', level: 1, references: ['owner'], keyFields: 1, chunkBytes: 8 * 2 ** 20 })
    expect(folded.length).toBe(5)
  }, 60_000)
})
