import { describe, expect, it } from 'vitest'
import { memoryStorage } from '../../adapters/memory/index.ts'
import { HoldfastError } from '../../src/kernel/errors.ts'
import { uuidv7 } from '../../src/kernel/ids.ts'
import { ordersChunk } from '../support/archive-rig.ts'
import { codeOf } from '../support/backup-rig.ts'
import { failure } from '../support/failure.ts'
import { FaultyStorage } from '../support/faulty-storage.ts'
import { orderRow } from '../support/shop-store.ts'
import { DAY, HOUR, type PruneRig, pruneRig } from '../support/prune-rig.ts'

/** Three snapshots, all different, the first deleted. */
async function threeWithFirstHidden(rig: PruneRig): Promise<{ gone: string; kept: readonly string[] }> {
  const gone = await rig.backUp()
  rig.store.put('Order', ...Array.from({ length: 15 }, (_, id) => orderRow(id, 'second')))
  const second = await rig.backUp()
  rig.store.put('Order', orderRow(3, 'third'))
  const third = await rig.backUp('incremental')
  await rig.hide(gone)
  return { gone, kept: [second, third] }
}

/** Chunks that only the first of them refers to. */
async function onlyOf(rig: PruneRig, id: string, others: readonly string[]): Promise<string[]> {
  const shared = new Set<string>()
  for (const other of others) for (const name of await rig.chunksOf(other)) shared.add(name)
  return [...(await rig.chunksOf(id))].filter((name) => !shared.has(name))
}

describe('prune', () => {
  it('condemns first, and deletes after the grace period what is still not needed', async () => {
    const rig = pruneRig()
    const { gone, kept } = await threeWithFirstHidden(rig)
    const only = await onlyOf(rig, gone, kept)
    expect(only.length).toBeGreaterThan(0)
    const before = await rig.objects()
    rig.clock.move(2 * HOUR)

    const first = await rig.prune()
    expect(first.bytesFreed).toBe(0)
    expect(first.buckets[0]).toMatchObject({ condemned: { snapshots: 1, chunks: only.length }, deleted: { snapshots: 0, chunks: 0 }, before: { snapshots: 3 } })
    expect(await rig.objects()).toEqual(expect.arrayContaining(before))

    rig.clock.move(23 * HOUR)
    const early = await rig.prune()
    expect(early.buckets[0]).toMatchObject({ kept: { grace: only.length + 1 }, condemned: { chunks: 0 }, deleted: { chunks: 0 } })

    rig.clock.move(HOUR)
    const second = await rig.prune()
    expect(second.buckets[0]!.deleted).toMatchObject({ snapshots: 1, chunks: only.length })
    expect(second.bytesFreed).toBeGreaterThan(0)
    const left = await rig.objects()
    for (const name of only) expect(left.some((object) => object.includes(name))).toBe(false)
    for (const folder of ['snapshots', 'sessions', 'tombstones'])
      expect(left.filter((object) => object.startsWith(`${folder}/`) && object.includes(gone))).toEqual([])
    expect(await rig.rig.snapshots()).toEqual(kept)
    expect(await rig.faults()).toEqual([])

    rig.clock.move(DAY)
    await rig.prune()
    expect(await rig.objects('condemned/')).toEqual([])
    expect((await rig.prune()).buckets[0]).toMatchObject({ deleted: { snapshots: 0, chunks: 0 }, condemned: { chunks: 0 }, kept: {} })
  })

  it('says in a dry run what it would do, and touches nothing', async () => {
    const rig = pruneRig()
    const { gone } = await threeWithFirstHidden(rig)
    rig.clock.move(2 * HOUR)
    const before = await rig.objects()
    const planned = await rig.prune({ dryRun: true })
    expect(await rig.objects()).toEqual(before)
    expect(planned).toMatchObject({ dryRun: true, refused: null, bytesFreed: 0 })
    const real = await rig.prune()
    expect(planned.buckets).toEqual(real.buckets)
    expect(planned.buckets[0]!.items).toContainEqual(expect.objectContaining({ kind: 'snapshot', name: gone, action: 'condemn', reason: 'hidden' }))
    rig.clock.move(DAY)
    const dry = await rig.prune({ dryRun: true })
    expect((await rig.prune()).bytesFreed).toBe(dry.bytesFreed)
    expect(dry.bytesFreed).toBeGreaterThan(0)
  })

  it('finds chunks in every bucket', async () => {
    const rig = pruneRig({ buckets: { OrderLine: 'other' } })
    const first = await rig.backUp()
    const second = await rig.backUp()
    rig.store.put('OrderLine', { region: 'aa', no: 1, text: 'changed' })
    const third = await rig.backUp()
    await rig.hide(first, second)
    rig.clock.move(2 * HOUR)
    expect((await rig.prune({ allowMoreThanHalf: true })).buckets.map(({ condemned }) => condemned.chunks)).toEqual([0, 1])
    rig.clock.move(DAY)
    expect((await rig.prune({ allowMoreThanHalf: true })).buckets.map(({ deleted }) => deleted.chunks)).toEqual([0, 1])
    expect(await rig.rig.snapshots()).toEqual([third])
    expect(await rig.faults()).toEqual([])
  })

  it('takes two buckets that are one place for one', async () => {
    const rig = pruneRig()
    await threeWithFirstHidden(rig)
    rig.clock.move(2 * HOUR)
    const { buckets } = await rig.prune({}, rig.storage, ['main', 'main'])
    expect(buckets.map(({ condemned }) => condemned.snapshots)).toEqual([1])
    expect((await rig.objects('condemned/')).filter((object) => object.endsWith('/list'))).toHaveLength(1)
  })

  it('refuses when the manifests that refer to a bucket are out of its sight', async () => {
    const rig = pruneRig({ buckets: { OrderLine: 'other' } })
    await rig.backUp()
    const refused = await failure(rig.prune({ allowMoreThanHalf: true }, rig.storage, ['other']), 'E_PRUNE_REFUSED')
    expect(refused).toMatchObject({ code: 'E_PRUNE_REFUSED', message: expect.stringContaining((await rig.rig.open()).id) })
    expect((await rig.prune({ dryRun: true }, rig.storage, ['other'])).refused).toContain('"other"')
  })

  it('case 25: keeps the last whole snapshot of a series, although it is deleted', async () => {
    const rig = pruneRig()
    const older = await rig.backUp()
    const newest = await rig.backUp()
    await rig.hide(older, newest)
    for (let run = 0; run < 3; run++) {
      rig.clock.move(25 * HOUR)
      const { buckets } = await rig.prune({ allowMoreThanHalf: true })
      expect(buckets[0]!.kept).toMatchObject({ 'newest-of-series': 1 })
    }
    expect((await rig.objects('snapshots/')).map((object) => object.split('/')[1])).toEqual([newest])
    const manifest = await (await rig.scope()).readManifest(newest, { evenHidden: true })
    expect(await rig.rig.lines(manifest, 'Order')).toBe(rig.store.lines('Order'))
    // A new snapshot takes its place.
    await rig.backUp()
    for (let run = 0; run < 2; run++) {
      rig.clock.move(25 * HOUR)
      await rig.prune({ allowMoreThanHalf: true })
    }
    expect((await rig.objects('snapshots/')).join()).not.toContain(newest)
    expect(await rig.faults()).toEqual([])
  })

  it('lets the last one of a series go that was given up, and no other', async () => {
    const rig = pruneRig()
    const kept = await rig.backUp()
    const endedSeries = ['shop']
    expect(await rig.rig.manifest(kept)).toMatchObject({ series: 'shop' })
    rig.clock.move(2 * HOUR)
    const refused = await failure(rig.prune({ endedSeries }), 'E_PRUNE_REFUSED')
    expect(refused.message).toMatch(new RegExp(`"shop" is to be given up, and 1 of its snapshots is still there \\(${kept}\\)`))
    expect(await rig.rig.snapshots()).toEqual([kept])
    await rig.hide(kept)
    // Half of a bucket is guarded as ever.
    await failure(rig.prune({ endedSeries }), 'E_PRUNE_REFUSED')
    for (let run = 0; run < 2; run++) {
      rig.clock.move(25 * HOUR)
      expect((await rig.prune({ endedSeries: ['another'], allowMoreThanHalf: true })).buckets[0]!.kept).toMatchObject({ 'newest-of-series': 1 })
    }
    for (let run = 0; run < 2; run++) {
      rig.clock.move(25 * HOUR)
      await rig.prune({ endedSeries, allowMoreThanHalf: true })
    }
    expect([...(await rig.objects('snapshots/')), ...(await rig.objects('chunks/'))]).toEqual([])
    await failure(rig.prune({ endedSeries: [] }), 'E_CONFIG')
  })

  it('case 28: keeps a deleted one while the only visible one of its series is not whole', async () => {
    const rig = pruneRig()
    const good = await rig.backUp()
    rig.store.put('Order', orderRow(1, 'changed'))
    const broken = await rig.backUp()
    const [lost] = await onlyOf(rig, broken, [good])
    await rig.storage.delete([`main/${(await rig.scope()).objects.names.chunk(lost!)}`])
    await rig.hide(good)
    rig.clock.move(2 * HOUR)
    expect((await rig.prune()).buckets[0]).toMatchObject({ kept: { 'newest-of-series': 1 }, condemned: { chunks: 0, snapshots: 0 } })
  })

  it('case 25: refuses to take more than half without being told to', async () => {
    const rig = pruneRig()
    const ids = [await rig.backUp(), await rig.backUp(), await rig.backUp()]
    await rig.hide(ids[0]!, ids[1]!)
    rig.clock.move(2 * HOUR)
    const refused = await failure(rig.prune(), 'E_PRUNE_REFUSED')
    expect(refused).toMatchObject({ code: 'E_PRUNE_REFUSED', retryable: false })
    expect(String(refused)).toContain('2 of 3 snapshots')
    expect(await rig.objects('condemned/')).toEqual([])
    expect((await rig.prune({ dryRun: true })).refused).toContain('more than half')
    expect((await rig.prune({ allowMoreThanHalf: true })).buckets[0]!.condemned.snapshots).toBe(2)
  })

  it('case 24: deletes nothing when a manifest cannot be read, until that snapshot is deleted', async () => {
    const rig = pruneRig()
    const { kept } = await threeWithFirstHidden(rig)
    rig.clock.move(2 * HOUR)
    await rig.prune()
    rig.clock.move(DAY)
    const object = `main/s/-/snapshots/${kept[0]}/manifest`
    const sound = await rig.storage.get(object)
    await rig.storage.put(object, sound.subarray(0, 300), { ifAbsent: false })
    const before = await rig.objects()
    const refused = await failure(rig.prune(), 'E_PRUNE_REFUSED')
    expect(refused).toMatchObject({ code: 'E_PRUNE_REFUSED', details: { code: 'E_ARCHIVE_CORRUPT' } })
    expect(String(refused)).toContain(kept[0])
    expect(await rig.objects()).toEqual(before)
    await rig.hide(kept[0]!)
    rig.clock.move(HOUR)
    expect((await rig.prune({ allowMoreThanHalf: true })).buckets[0]!.deleted.snapshots).toBe(1)
  })

  it('deletes nothing when the journal of an open session cannot be read', async () => {
    const rig = pruneRig()
    await threeWithFirstHidden(rig)
    const session = await rig.start()
    await session.pause()
    await session.result().catch(() => {})
    rig.clock.move(2 * HOUR)
    await rig.prune()
    rig.clock.move(DAY)
    const object = (await rig.objects('sessions/')).findLast((name) => name.endsWith('/journal/00000001'))!
    await rig.storage.put(`main/s/-/${object}`, Buffer.from('rubbish'), { ifAbsent: false })
    const refused = await failure(rig.prune(), 'E_PRUNE_REFUSED')
    expect(refused).toMatchObject({ code: 'E_PRUNE_REFUSED' })
    expect(String(refused)).toContain(object)
    expect(await rig.rig.snapshots()).toHaveLength(session.state === 'done' ? 3 : 2)
  })

  it('deletes nothing when a condemned list cannot be read while another prune may go by it; later that list goes, and what it named is condemned anew', async () => {
    const rig = pruneRig()
    const { gone, kept } = await threeWithFirstHidden(rig)
    const only = await onlyOf(rig, gone, kept)
    rig.clock.move(2 * HOUR)
    await rig.prune()
    const list = (await rig.objects('condemned/')).find((name) => name.endsWith('/list'))!
    await rig.storage.put(`main/s/-/${list}`, Buffer.from('rubbish'), { ifAbsent: false })
    const mark = `main/s/-/condemned/${uuidv7()}/run`
    await rig.storage.put(mark, Buffer.from('of a prune that is at work'), { ifAbsent: true })
    rig.clock.move(HOUR)
    const before = await rig.objects()
    const refused = await failure(rig.prune(), 'E_PRUNE_REFUSED')
    expect(String(refused)).toContain(list)
    expect(await rig.objects()).toEqual(before)
    const stopped = await failure(rig.backUp(), 'E_ARCHIVE_CORRUPT')
    expect(stopped.hint).toContain('holdfast prune')
    expect(stopped.message.split('E_ARCHIVE_CORRUPT')).toHaveLength(2)

    rig.clock.move(12 * HOUR) // nobody deletes any more by what was read that long ago
    const { buckets } = await rig.prune()
    expect(buckets[0]).toMatchObject({ deleted: { snapshots: 0, chunks: 0 }, condemned: { snapshots: 1, chunks: only.length } })
    expect(buckets[0]!.items).toContainEqual(expect.objectContaining({ kind: 'list', action: 'delete', reason: 'damaged' }))
    expect(await rig.objects('condemned/')).not.toContain(list)
    await rig.backUp()
    rig.clock.move(DAY)
    expect((await rig.prune()).buckets[0]).toMatchObject({ deleted: { snapshots: 1, chunks: only.length } })
  })

  it('takes a damaged list away that was swept: writers read it all the same', async () => {
    const rig = pruneRig()
    await threeWithFirstHidden(rig)
    rig.clock.move(2 * HOUR)
    await rig.prune()
    rig.clock.move(DAY)
    expect((await rig.prune()).buckets[0]!.deleted.snapshots).toBe(1)
    const list = (await rig.objects('condemned/')).find((name) => name.endsWith('/list'))!
    expect(await rig.objects('condemned/')).toContain(list.replace('/list', '/swept'))
    await rig.storage.put(`main/s/-/${list}`, Buffer.from('rubbish'), { ifAbsent: false })
    await failure(rig.backUp(), 'E_ARCHIVE_CORRUPT')
    await rig.prune()
    await rig.backUp()
  })

  it('reads a condemned list twice before it takes it for damaged', async () => {
    const rig = pruneRig()
    await threeWithFirstHidden(rig)
    rig.clock.move(2 * HOUR)
    await rig.prune()
    rig.clock.move(DAY)
    const get = rig.storage.get.bind(rig.storage)
    let flips = 1
    rig.storage.get = async (key, options) => (key.endsWith('/list') && flips-- > 0 ? Buffer.from('changed on the way') : get(key, options))
    expect((await rig.prune()).buckets[0]!.deleted.snapshots).toBe(1)
    expect(flips).toBeLessThan(1)
  })

  it('keeps what an unfinished session has stored, and what it builds on, until it has expired', async () => {
    const rig = pruneRig()
    await rig.backUp()
    await rig.backUp()
    const parent = await rig.backUp()
    rig.store.put('Order', ...Array.from({ length: 60 }, (_, id) => orderRow(id, 'changed')))
    let batches = 0
    rig.store.step = ({ call }) => {
      if (call === 'read' && ++batches === 3) void started.then((session) => session.pause())
    }
    const started = rig.start({ kind: 'incremental' })
    const session = await started
    expect(await codeOf(session.result())).toBe('E_SESSION_PAUSED')
    rig.store.step = () => {}
    rig.store.put('Order', ...Array.from({ length: 120 }, (_, id) => orderRow(id, 'later')))
    const latest = await rig.backUp()
    await rig.hide(parent)
    for (let days = 0; days < 6; days++) {
      rig.clock.move(DAY)
      const { buckets } = await rig.prune({ allowMoreThanHalf: true })
      expect(buckets[0]).toMatchObject({ deleted: { chunks: 0 }, kept: { 'open-session': 1 } })
    }
    rig.store.put('Order', ...Array.from({ length: 60 }, (_, id) => orderRow(id, 'changed')))
    const resumed = await (await rig.rig.resume(session.token, rig.storage, { clock: rig.clock })).result()
    expect(await rig.faults()).toEqual([])
    expect(await rig.rig.snapshots()).toContain(resumed.snapshotId)
    expect(await rig.rig.snapshots()).toContain(latest)
  })

  it('keeps the chunks that only the journal of a paused session names, so that resuming finds them', async () => {
    const rig = pruneRig()
    await rig.backUp()
    rig.store.put('Order', ...Array.from({ length: 120 }, (_, id) => orderRow(id, 'changed')))
    let batches = 0
    rig.store.step = ({ call }) => {
      if (call === 'read' && ++batches === 9) void started.then((session) => session.pause())
    }
    const started = rig.start()
    const session = await started
    expect(await codeOf(session.result())).toBe('E_SESSION_PAUSED')
    rig.store.step = () => {}
    const stored = await rig.objects('chunks/')
    for (let days = 0; days < 5; days++) {
      rig.clock.move(DAY)
      expect((await rig.prune({ allowMoreThanHalf: true })).buckets[0]).toMatchObject({ condemned: { chunks: 0 }, deleted: { chunks: 0 } })
    }
    expect(await rig.objects('chunks/')).toEqual(stored)
    const result = await (await rig.rig.resume(session.token, rig.storage, { clock: rig.clock })).result()
    expect(result.entities.reduce((sum, { reusedChunks }) => sum + reusedChunks, 0)).toBeGreaterThan(0)
    expect(await rig.faults()).toEqual([])
  })

  it('lets no slow prune delete what a backup has stored under a name that another prune had freed', async () => {
    const rig = pruneRig()
    const lines = rig.store.rows('Order')
    const gone = await rig.backUp()
    rig.store.put('Order', ...Array.from({ length: 30 }, (_, id) => orderRow(id, 'changed')))
    const kept = await rig.backUp()
    const only = await onlyOf(rig, gone, [kept])
    await rig.hide(gone)
    rig.clock.move(2 * HOUR)
    await rig.prune()
    rig.clock.move(DAY)

    const gate = Promise.withResolvers<void>()
    const reached = Promise.withResolvers<void>()
    const slow = rig.prune(
      {},
      {
        ...rig.storage,
        async delete(keys, options) {
          reached.resolve()
          await gate.promise
          await rig.storage.delete(keys, options)
        },
      },
    )
    await reached.promise
    expect((await rig.prune()).buckets[0]!.deleted.chunks).toBe(only.length)
    await rig.prune()
    rig.store.put('Order', ...lines)
    const again = await rig.backUp()
    gate.resolve()
    await slow
    expect([...(await rig.chunksOf(again))].filter((name) => only.includes(name))).toEqual([])
    expect(await rig.rig.snapshots()).toContain(again)
    expect(await rig.faults()).toEqual([])
  })

  it('does not take a chunk for the condemned one of that name when it was stored later', async () => {
    const rig = pruneRig()
    await rig.backUp()
    await rig.backUp()
    const scope = await rig.scope()
    const chunk = await ordersChunk(1, 20)
    await scope.chunks.put(chunk)
    rig.clock.move(2 * HOUR)
    expect((await rig.prune()).buckets[0]!.condemned.chunks).toBe(1)
    await rig.storage.delete([chunk.id].flatMap((name) => [`main/${scope.objects.names.chunk(name)}`, `main/${scope.objects.names.chunkIndex(name)}`]))
    rig.clock.move(2 * HOUR)
    await scope.chunks.put(chunk)
    rig.clock.move(23 * HOUR)
    expect((await rig.prune()).buckets[0]).toMatchObject({ deleted: { chunks: 0 }, condemned: { chunks: 1 } })
    rig.clock.move(DAY)
    expect((await rig.prune()).buckets[0]!.deleted.chunks).toBe(1)
  })

  it('leaves no session that could be taken up again when it is killed behind the manifest', async () => {
    const rig = pruneRig()
    const session = await rig.start()
    const { snapshotId } = await session.result()
    await rig.backUp()
    await rig.hide(snapshotId)
    rig.clock.move(2 * HOUR)
    await rig.prune()
    rig.clock.move(DAY)
    const dying = new FaultyStorage(rig.storage, ({ method }) => (method === 'delete' ? { kind: 'crash', when: 'after' } : undefined))
    await rig.prune({}, dying).catch(() => {})
    expect(await rig.objects('snapshots/')).not.toContain(`snapshots/${snapshotId}/manifest`)
    expect(await rig.objects('sessions/')).toContain(`sessions/${snapshotId}/session`)
    expect(await codeOf(rig.rig.resume(session.token, rig.storage, { clock: rig.clock }))).toBe('E_SESSION_CLOSED')
    await rig.prune()
    expect((await rig.objects()).join()).not.toContain(`${snapshotId}/`)
    expect(await codeOf(rig.rig.resume(session.token, rig.storage, { clock: rig.clock }))).toBe('E_SESSION_CLOSED')
  })

  it('clears away what dead and cancelled backups have left', async () => {
    const rig = pruneRig()
    await rig.backUp()
    const before = await rig.objects()
    rig.store.put('Order', ...Array.from({ length: 40 }, (_, id) => orderRow(id, 'changed')))
    let reads = 0
    rig.store.step = ({ call }) => {
      if (call === 'read' && ++reads === 8) throw new Error('the database went away')
    }
    const session = await rig.start()
    await expect(session.result()).rejects.toThrow('went away')
    rig.store.step = () => {}
    expect((await rig.objects()).length).toBeGreaterThan(before.length)
    rig.clock.move(9 * DAY)
    await rig.prune()
    rig.clock.move(DAY)
    await rig.prune()
    rig.clock.move(DAY)
    await rig.prune()
    expect((await rig.objects()).filter((object) => !object.startsWith('sessions/'))).toEqual(before.filter((object) => !object.startsWith('sessions/')))
    expect(await rig.objects('sessions/')).toEqual([])
    expect(await codeOf(rig.rig.resume(session.token, rig.storage, { clock: rig.clock }))).toBe('E_SESSION_CLOSED')
    expect(await rig.faults()).toEqual([])
  })

  it('case 27: keeps what is dated in the future, and refuses when clocks disagree', async () => {
    const rig = pruneRig()
    rig.clock.move(30 * DAY)
    const { gone } = await threeWithFirstHidden(rig)
    rig.clock.move(-30 * DAY)
    const { buckets } = await rig.prune()
    expect(buckets[0]).toMatchObject({ condemned: { snapshots: 0, chunks: 0 }, deleted: { snapshots: 0, chunks: 0 }, kept: { future: 1 } })
    expect(await rig.rig.snapshots()).toHaveLength(2)
    expect((await rig.objects('snapshots/')).join()).toContain(gone)

    const ahead = pruneRig({ base: memoryStorage() })
    await ahead.backUp()
    const dated = { ...ahead.storage, stat: async (key: string) => ({ key, bytes: 1, modifiedAt: ahead.clock.now() + 2 * DAY }) }
    expect(await failure(ahead.prune({}, dated), 'E_PRUNE_REFUSED')).toMatchObject({ code: 'E_PRUNE_REFUSED', message: expect.stringContaining('clock') })
  })

  it('says what the storage would not let go of, and keeps the chunks of such a manifest', async () => {
    const rig = pruneRig()
    const { gone, kept } = await threeWithFirstHidden(rig)
    const only = await onlyOf(rig, gone, kept)
    rig.clock.move(2 * HOUR)
    await rig.prune()
    rig.clock.move(DAY)
    const locked = (what: string) => ({
      ...rig.storage,
      delete: async (keys: readonly string[]) => {
        if (keys.some((key) => key.includes(what))) throw new HoldfastError('E_PERMISSION', 'the object is locked')
        await rig.storage.delete(keys)
      },
    })
    expect((await rig.prune({}, locked(`${gone}/manifest`))).buckets[0]).toMatchObject({
      deleted: { chunks: 0 },
      kept: { denied: 1, 'manifest-denied': only.length },
    })
    expect(await rig.objects('chunks/')).toEqual(expect.arrayContaining(only.map((name) => `chunks/${name.slice(0, 2)}/${name}.hfc`)))

    await rig.prune()
    rig.clock.move(DAY)
    expect((await rig.prune({}, locked(only[0]!))).buckets[0]).toMatchObject({ deleted: { snapshots: 1, chunks: only.length - 1 }, kept: { denied: 1 } })
    expect(await rig.faults()).toEqual([])
    rig.clock.move(DAY)
    await rig.prune()
    rig.clock.move(DAY)
    expect((await rig.prune()).buckets[0]!.deleted.chunks).toBe(1)
  })

  it('spares a chunk that came back into use after it was condemned', async () => {
    const rig = pruneRig()
    const { gone } = await threeWithFirstHidden(rig)
    const scope = await rig.scope()
    rig.clock.move(2 * HOUR)
    await rig.prune()
    // What a backup does that looked at the lists before: its commit and the prune's publication crossed.
    const manifest = await scope.readManifest(gone, { evenHidden: true })
    const late = uuidv7()
    await scope.writeManifest({ ...manifest, snapshotId: late })
    rig.clock.move(DAY)
    expect((await rig.prune()).buckets[0]!.deleted).toMatchObject({ snapshots: 1, chunks: 0 })
    expect(await rig.rig.snapshots()).toContain(late)
    expect(await rig.faults()).toEqual([])
  })

  it('case 22: keeps what a pinned snapshot refers to, until the pin is released or has expired', async () => {
    const rig = pruneRig()
    const { gone } = await threeWithFirstHidden(rig)
    const pin = await (await rig.scope()).pins.pin(gone)
    for (let run = 0; run < 3; run++) {
      rig.clock.move(25 * HOUR)
      expect((await rig.prune()).buckets[0]).toMatchObject({ kept: { pinned: 1 }, condemned: { snapshots: 0, chunks: 0 } })
    }
    rig.clock.move(5 * DAY)
    expect((await rig.prune()).buckets[0]!.condemned.snapshots).toBe(1)
    expect(await rig.objects('pins/')).toEqual([])
    await pin.release()
  })

  it('takes no option that it does not understand', async () => {
    const rig = pruneRig()
    await rig.backUp()
    for (const graceMs of [-1, Number.NaN, Number.POSITIVE_INFINITY]) expect(await codeOf(rig.prune({ graceMs }))).toBe('E_CONFIG')
    expect(await codeOf(rig.prune({ signal: AbortSignal.abort() }))).toBe('E_ABORTED')
  })
})
