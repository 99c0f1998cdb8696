import { describe, expect, it } from 'vitest'
import { openRepository } from '../../src/archive/index.ts'
import { retain, type RetainOptions } from '../../src/catalog/index.ts'
import { silentLogger } from '../../src/contracts/index.ts'
import { codeOf } from '../support/backup-rig.ts'
import { failure } from '../support/failure.ts'
import { DAY, type PruneRig, pruneRig } from '../support/prune-rig.ts'
import { orderRow } from '../support/shop-store.ts'

async function retaining(rig: PruneRig, options: RetainOptions) {
  return retain({ places: [{ bucket: 'main', repository: await rig.rig.open() }], clock: rig.clock, logger: silentLogger }, options)
}

/** One snapshot a day, oldest first, each with a change of its own. */
async function days(rig: PruneRig, count: number): Promise<string[]> {
  const ids: string[] = []
  for (let day = 0; day < count; day++) {
    rig.clock.move(DAY)
    rig.store.put('Order', orderRow(day, `of day ${day}`))
    ids.push(await rig.backUp(day === 0 ? 'full' : 'incremental'))
  }
  return ids
}

describe('retention', () => {
  it('hides what no rule keeps, says why the others stay, and what stays is whole and can be pruned around', async () => {
    const rig = pruneRig()
    const ids = await days(rig, 9)
    const dry = await retaining(rig, { keep: { last: 5 }, dryRun: true })
    expect(await rig.rig.snapshots()).toEqual(ids)
    const report = await retaining(rig, { keep: { last: 5 } })
    expect({ ...report, dryRun: true }).toEqual(dry)
    const [series] = report.series
    expect(series).toMatchObject({ bucket: 'main', scope: null, plan: 'shop', series: 'shop' })
    expect(series!.deleted.map(({ id }) => id)).toEqual(ids.slice(0, 4).toReversed())
    expect(series!.kept.map(({ id }) => id)).toEqual(ids.slice(4).toReversed())
    expect(series!.kept[0]!.reasons).toEqual(['newest', 'last 1'])
    expect(await rig.rig.snapshots()).toEqual(ids.slice(4))
    // Again: nothing more.
    expect((await retaining(rig, { keep: { last: 5 } })).series[0]!.deleted).toEqual([])
    await rig.prune()
    rig.clock.move(2 * DAY)
    expect((await rig.prune()).buckets[0]!.deleted.snapshots).toBe(4)
    expect(await rig.faults()).toEqual([])
  })

  it('case 25: refuses to take more than half of a series without being told to, and a policy that keeps nothing', async () => {
    const rig = pruneRig()
    const ids = await days(rig, 5)
    expect((await retaining(rig, { keep: { last: 1 }, dryRun: true })).refused).toContain('4 of 5 snapshots of the series "shop"')
    await failure(retaining(rig, { keep: { last: 1 } }), 'E_PRUNE_REFUSED')
    await failure(retaining(rig, { keep: {} }), 'E_CONFIG')
    await failure(retaining(rig, { keep: undefined as never }), 'E_CONFIG')
    expect(await rig.rig.snapshots()).toEqual(ids)
    await retaining(rig, { keep: { last: 1 }, allowMoreThanHalf: true })
    expect(await rig.rig.snapshots()).toEqual(ids.slice(4))
    // The last one stays, whatever happens.
    rig.clock.move(1000 * DAY)
    await retaining(rig, { keep: { within: { hours: 1 } }, allowMoreThanHalf: true })
    expect(await rig.rig.snapshots()).toEqual(ids.slice(4))
  })

  it('case 28: counts no snapshot whose chunks are lost, and deletes none that takes their place', async () => {
    const rig = pruneRig()
    const ids = await days(rig, 4)
    const newest = await rig.chunksOf(ids[3]!)
    const older = await rig.chunksOf(ids[1]!)
    const lost = [...newest].find((name) => !older.has(name))!
    await rig.storage.delete([`main/s/-/chunks/${lost.slice(0, 2)}/${lost}.hfc`])
    const holders: string[] = []
    for (const id of ids) if ((await rig.chunksOf(id)).has(lost)) holders.push(id)
    const whole = ids.filter((id) => !holders.includes(id))
    const report = await retaining(rig, { keep: { last: 1 }, dryRun: true })
    const reasons = new Map(report.series[0]!.kept.map(({ id, reasons: why }) => [id, why]))
    for (const id of holders) expect(reasons.get(id)).toEqual(['not-whole'])
    expect(reasons.get(whole.at(-1)!)).toEqual(['newest', 'last 1'])
  })

  it('case 24: deletes nothing when a manifest cannot be read; case 27: nor when clocks disagree', async () => {
    const rig = pruneRig()
    const ids = await days(rig, 4)
    const manifest = `main/s/-/snapshots/${ids[1]!}/manifest`
    const sound = await rig.storage.get(manifest)
    const bad = Buffer.from(sound)
    bad[bad.byteLength - 1]! ^= 1
    await rig.storage.put(manifest, bad, { ifAbsent: false })
    expect(await codeOf(retaining(rig, { keep: { last: 2 } }))).toBe('E_PRUNE_REFUSED')
    await rig.storage.put(manifest, sound, { ifAbsent: false })
    const wrong = { now: () => rig.clock.now() + DAY }
    const context = { places: [{ bucket: 'main', repository: await rig.rig.open() }], clock: wrong, logger: silentLogger }
    expect(await codeOf(retain(context, { keep: { last: 2 } }))).toBe('E_PRUNE_REFUSED')
    expect(await rig.rig.snapshots()).toEqual(ids)
    expect((await rig.objects('condemned/')).length).toBe(0)
  })

  it('keeps to a size: what rules keep goes from the oldest on, chunks that are shared counted once', async () => {
    const rig = pruneRig()
    // Each day's first chunk is of that day alone, the others of all.
    const ids: string[] = []
    for (let day = 0; day < 5; day++) {
      rig.clock.move(DAY)
      rig.store.put('Order', orderRow(0, `of day ${day}`))
      ids.push(await rig.backUp('full'))
    }
    const sizeOf = async (...some: readonly string[]) => {
      const chunks = new Map<string, number>()
      for (const id of some)
        for (const { ranges } of (await rig.rig.manifest(id)).entities)
          for (const { name, storedBytes, index } of ranges.flatMap(({ layers }) => layers)) chunks.set(name, storedBytes + index.storedBytes)
      return [...chunks.values()].reduce((sum, size) => sum + size, 0)
    }
    const maxBytes = await sizeOf(...ids.slice(2))
    expect(maxBytes).toBeLessThan(await sizeOf(...ids.slice(1)))
    const [series] = (await retaining(rig, { keep: { last: -1, maxBytes } })).series
    expect(series!.deleted).toMatchObject([
      { id: ids[1], limit: 'maxBytes' },
      { id: ids[0], limit: 'maxBytes' },
    ])
    expect(await rig.rig.snapshots()).toEqual(ids.slice(2))
  })

  it('keeps what is held, also one that is held while it decides, and so does a prune', async () => {
    const rig = pruneRig()
    const ids = await days(rig, 5)
    const { holds } = await rig.scope()
    const hold = await holds.place(ids[0]!, { reason: 'a case', at: new Date(rig.clock.now()).toISOString() })
    const [series] = (await retaining(rig, { keep: { last: 3 } })).series
    expect(series!.kept.at(-1)).toMatchObject({ id: ids[0], reasons: ['held'] })
    expect(series!.deleted.map(({ id }) => id)).toEqual([ids[1]])

    // It comes when the manifests were read, and before the tombstones are written.
    const late = Object.assign(Object.create(rig.storage) as typeof rig.storage, {
      async *list(...[prefix, options]: Parameters<typeof rig.storage.list>) {
        if (prefix.includes(`/holds/${ids[2]}`)) await holds.place(ids[2]!, { reason: 'late', at: new Date(rig.clock.now()).toISOString() })
        yield* rig.storage.list(prefix, options)
      },
    })
    const places = [{ bucket: 'main', repository: await openRepository({ storage: late, prefix: 'main/' }) }]
    expect(await codeOf(retain({ places, clock: rig.clock, logger: silentLogger }, { keep: { last: 2 } }))).toBe('E_SNAPSHOT_HELD')
    expect(await rig.rig.snapshots()).toEqual([ids[0], ...ids.slice(2)])

    // Hidden at the very time at which it was held: then its bytes stay.
    await rig.hide(ids[0]!)
    rig.clock.move(2 * DAY)
    await rig.prune({ allowMoreThanHalf: true })
    rig.clock.move(2 * DAY)
    expect((await rig.prune({ allowMoreThanHalf: true })).buckets[0]!.kept).toMatchObject({ held: 1 })
    await holds.release(hold)
    await rig.prune({ allowMoreThanHalf: true })
    rig.clock.move(2 * DAY)
    expect((await rig.prune({ allowMoreThanHalf: true })).buckets[0]!.deleted.snapshots).toBe(1)
    expect(await rig.faults()).toEqual([])
  })

  it('thins out what belongs to a plan alone when it is told so', async () => {
    const rig = pruneRig()
    const ids = await days(rig, 4)
    expect((await retaining(rig, { keep: { last: 2 }, plan: 'another' })).series).toEqual([])
    expect(await rig.rig.snapshots()).toEqual(ids)
  })
})
