import { describe, expect, it } from 'vitest'
import { memoryStorage } from '../../adapters/memory/index.ts'
import { openRepository, type RepositoryScope } from '../../src/archive/index.ts'
import { prune, retain } from '../../src/catalog/index.ts'
import { silentLogger, type StorageAdapter } from '../../src/contracts/index.ts'
import { HoldfastError } from '../../src/kernel/errors.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { successorOf, uuidv7 } from '../../src/kernel/ids.ts'
import { mirrorStorage } from '../../src/storage/index.ts'
import { backupRig, codeOf, planOf } from '../support/backup-rig.ts'
import { collect } from '../support/collect.ts'
import { failure } from '../support/failure.ts'
import { Prng } from '../model/prng.ts'
import { BUCKETS, contentOf, eraseAll, erasuresOver, marksIn, pruneAll, rewriteRig, rigOver } from '../support/rewrite-rig.ts'
import { orderRow, shopStore } from '../support/shop-store.ts'

const scopeIn = async (storage: StorageAdapter, bucket = 'main'): Promise<RepositoryScope> => (await openRepository({ storage, prefix: `${bucket}/` })).scope()
const placesIn = async (storage: StorageAdapter) =>
  Promise.all(BUCKETS.map(async (bucket) => ({ bucket, repository: await openRepository({ storage, prefix: `${bucket}/` }) })))

describe('the id of what stands in the place of a snapshot', () => {
  it('stands right behind it, and before every later one', () => {
    let id = uuidv7()
    const later = uuidv7()
    for (let n = 0; n < 3; n++) {
      const next = successorOf(id)
      expect(next).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
      expect(next > id && next < later).toBe(true)
      id = next
    }
    expect(successorOf('01a20000-0000-7000-bfff-ffffffffffff')).toBe('01a20000-0000-7000-8000-000000000000')
  })
})

describe('a rewrite of snapshots', () => {
  it('moves bounds that are keys of the erased, and what is live is read again', async () => {
    for (let seed = 1; seed <= 12; seed++) {
      const { store, base } = await rewriteRig()
      const rig = rigOver(store, base)
      const before = await rig.manifest((await rig.snapshots()).at(-1)!)
      const lines = before.entities.find(({ descriptor }) => descriptor.name === 'OrderLine')!
      const random = new Prng(seed)
      const bounds = lines.ranges.flatMap(({ from }) => (from === null ? [] : [from]))
      const keys = lines.ranges.flatMap(({ firstKey, lastKey }) => [firstKey!, lastKey!])
      const chosen = new Set([random.pick(bounds), random.pick(bounds), random.pick(keys), keys.at(-1)!, ...(seed % 3 === 0 ? keys.slice(2, 6) : [])])
      for (const key of chosen) await erasuresOver(store, base).erase('OrderLine', JSON.parse(key) as never, { rewrite: true })
      const isGone = (line: string) => line !== '' && chosen.has(`[${JSON.stringify(JSON.parse(line).region)},${JSON.parse(line).no}]`)
      const live = store.lines('OrderLine')
      for (const id of await rig.snapshots()) {
        const manifest = await rig.manifest(id)
        const { ranges } = manifest.entities.find(({ descriptor }) => descriptor.name === 'OrderLine')!
        const named = ranges.flatMap(({ from, to, firstKey, lastKey }) => [from, to, firstKey, lastKey])
        expect(
          named.filter((key) => key !== null && chosen.has(key)),
          `seed ${seed}`,
        ).toEqual([])
        await contentOf(rig, manifest)
      }
      const newest = await rig.lines(await rig.manifest((await rig.snapshots()).at(-1)!), 'OrderLine')
      expect(newest, `seed ${seed}`).toBe(
        live
          .split('\n')
          .filter((line) => !isGone(line))
          .join('\n'),
      )
      // Nobody deleted them in the database: a backup that took a rewritten range for unchanged would lose rows that are there.
      const { snapshotId } = await (await rig.start(undefined, { kind: 'incremental' })).result()
      const next = await rig.manifest(snapshotId)
      expect(next.kind).toBe('incremental')
      expect(await rig.lines(next, 'OrderLine'), `seed ${seed}`).toBe(live)
    }
  })

  it('makes a backup that is under way store anew what it would refer to', async () => {
    const { store, base } = await rewriteRig()
    const rig = rigOver(store, base)
    store.put('Order', orderRow(1, 'another'))
    let goOn = () => {}
    const waiting = new Promise<void>((resolve) => (goOn = resolve))
    let reached = () => {}
    const reading = new Promise<void>((resolve) => (reached = resolve))
    store.step = async ({ call }) => {
      if (call !== 'read') return
      reached()
      await waiting
    }
    const session = await rig.start(undefined, { kind: 'incremental' })
    const ending = codeOf(session.result())
    await reading
    await eraseAll(erasuresOver(store, base))
    goOn()
    expect(await ending).toBe('E_CONDEMNED')
    store.step = () => {}
    const { snapshotId } = await (await rig.resume(session.token)).result()
    expect(await rig.lines(await rig.manifest(snapshotId), 'Order')).toBe(store.lines('Order'))
    const [again] = await eraseAll(erasuresOver(store, base))
    expect(again!.rewrite!.snapshots).toEqual([])
    await pruneAll(base)
    expect(await marksIn(base)).toEqual([])
  })

  it('finds what was committed while it ran, and leaves what is held meanwhile', async () => {
    const { store, base, ids } = await rewriteRig()
    let held = false
    const over: StorageAdapter = {
      ...base,
      async put(key, body, options) {
        await base.put(key, body, options)
        if (held || !key.includes('/condemned/')) return
        held = true
        await (await scopeIn(base)).holds.place(ids[1]!, { reason: 'just now', at: new Date().toISOString() })
      },
    }
    const report = await erasuresOver(store, over).erase('Order', 7, { rewrite: true })
    expect(report.rewrite!.snapshots.map(({ id }) => id)).toEqual([ids[0], ids[2]])
    expect(report.rewrite!.retained.map(({ id }) => id)).toEqual([ids[1]])
    expect(report.remains.join(' ')).toContain(`The held snapshots ${ids[1]}, whole`)
    // Both are there, and one of them counts.
    const scope = await scopeIn(base)
    expect((await collect(scope.listSnapshots())).map(({ id }) => id)).toEqual([successorOf(ids[0]!), ids[1], successorOf(ids[1]!), successorOf(ids[2]!)])
    const context = { places: await placesIn(base), clock: systemClock, logger: silentLogger }
    const { series } = await retain(context, { keep: { last: 3 }, dryRun: true })
    expect(series.flatMap(({ kept, deleted }) => [kept.length, deleted.length])).toEqual([3, 0])
    const kept = await erasuresOver(store, base).erase('Order', 7, { rewrite: true, keepHeld: true })
    expect(kept.rewrite).toMatchObject({ snapshots: [], retained: [{ id: ids[1] }] })
    await prune(context, { graceMs: 0 })
    expect(await marksIn(base)).not.toEqual([])
    for await (const hold of scope.holds.names()) await scope.holds.release(hold)
    const last = await erasuresOver(store, base).erase('Order', 7, { rewrite: true })
    expect(last.rewrite!.snapshots).toMatchObject([{ id: ids[1], replacement: successorOf(ids[1]!) }])
    await pruneAll(base)
    expect((await marksIn(base)).filter((line) => !line.includes('line'))).toEqual([])
  })

  it('is refused before anything is changed when a snapshot cannot be read', async () => {
    const { store, base } = await rewriteRig()
    const objects = async () => (await collect(base.list(''))).map(({ key }) => key)
    const index = (await objects()).find((key) => key.startsWith('main/') && key.endsWith('.hfx'))!
    const bytes = await base.get(index)
    await base.delete([index])
    await base.put(index, Buffer.from(bytes).fill(0xa5, bytes.byteLength - 8), { ifAbsent: true })
    const before = await objects()
    const error = await failure(erasuresOver(store, base).erase('Order', 7, { rewrite: true }), 'E_ARCHIVE_CORRUPT')
    expect(error).toBeInstanceOf(HoldfastError)
    expect(await objects()).toEqual(before)
  })

  it('reads back what it stores in each bucket, also where another has the same chunk', async () => {
    const base = memoryStorage()
    const store = shopStore(40)
    for (const plan of [planOf([store], { buckets: { OrderLine: 'other' } }), planOf([store])])
      await (await backupRig({ stores: [store], plan, storage: base }).start()).result()
    const before = await collect((await scopeIn(base)).listSnapshots())
    let spoilt = 0
    const over: StorageAdapter = {
      ...base,
      put(key, body, options) {
        if (!key.startsWith('main/s/-/chunks/') || !key.endsWith('.hfc')) return base.put(key, body, options)
        spoilt++
        const bytes = Buffer.concat(body instanceof Uint8Array ? [body] : body)
        return base.put(key, bytes.fill(0, bytes.byteLength - 1), { ifAbsent: options.ifAbsent }) // no sum: it gets lost after that was looked at
      },
    }
    await failure(erasuresOver(store, over).erase('OrderLine', ['aa', 10], { rewrite: true }), 'E_ARCHIVE_CORRUPT')
    expect(spoilt).toBe(1)
    const left = (await collect((await scopeIn(base)).listSnapshots())).map(({ id }) => id)
    expect(left).toEqual(expect.arrayContaining(before.map(({ id }) => id)))
  })

  it('tells who comes with the token or the id of an old one where it is', async () => {
    const { store, base } = await rewriteRig()
    const rig = rigOver(store, base)
    const session = await rig.start()
    const { snapshotId } = await session.result()
    store.put('Order', orderRow(7, 'SUBJECT third'))
    await erasuresOver(store, base).erase('Order', 8, { rewrite: true })
    const error = await failure(rig.resume(session.token), 'E_SESSION_CLOSED')
    expect(error.details).toMatchObject({ replacedBy: successorOf(snapshotId) })
    expect(error.hint).toContain(successorOf(snapshotId))
    const gone = await failure((await scopeIn(base)).readManifest(snapshotId), 'E_SNAPSHOT_UNKNOWN')
    expect(gone.details).toMatchObject({ snapshotId, replacedBy: successorOf(snapshotId) })
  })

  it('passes an id by that is taken, or hidden', async () => {
    const { store, base, ids } = await rewriteRig()
    const scope = await scopeIn(base)
    const manifest = await scope.readManifest(ids[0]!)
    const taken = successorOf(ids[0]!)
    await scope.writeManifest({ ...manifest, snapshotId: taken, series: 'another' })
    await scope.hide(taken, 'a test')
    await scope.writeManifest({ ...manifest, snapshotId: successorOf(taken), series: 'another', entities: manifest.entities })
    const { rewrite } = await erasuresOver(store, base).erase('Order', 7, { rewrite: true })
    expect(rewrite!.snapshots[0]).toMatchObject({ id: ids[0], replacement: successorOf(successorOf(taken)) })
    expect(await collect(scope.listSnapshots())).toHaveLength(4)
  })

  it('does not count as too much for a prune, however often it is done', async () => {
    const { store, base, truths } = await rewriteRig()
    for (const id of [1, 2, 3]) await erasuresOver(store, base).erase('Order', id, { rewrite: true })
    await eraseAll(erasuresOver(store, base))
    const places = await placesIn(base)
    const report = await prune({ places, clock: systemClock, logger: silentLogger }, { graceMs: 0 })
    expect(report.buckets[0]!.deleted.snapshots).toBeGreaterThan(report.buckets[0]!.before.snapshots / 2)
    const rig = rigOver(store, base)
    for (const [n, id] of (await rig.snapshots()).entries()) {
      const content = await contentOf(rig, await rig.manifest(id))
      expect(content.Order).toBe(
        truths[n]!.Order!.split('\n')
          .filter((line) => !/"id":[123],/.test(line))
          .join('\n'),
      )
    }
    expect(await marksIn(base)).toEqual([])
  })

  it('counts as too much for a prune when what stands in its place is damaged', async () => {
    const { store, base } = await rewriteRig()
    for (const id of [1, 2]) await erasuresOver(store, base).erase('Order', id, { rewrite: true })
    const names: Set<string>[] = []
    for (const id of await rigOver(store, base).snapshots()) {
      const manifest = await rigOver(store, base).manifest(id)
      names.push(
        new Set(manifest.entities.flatMap(({ bucket, ranges }) => (bucket === 'other' ? ranges.flatMap(({ layers }) => layers.map(({ name }) => name)) : []))),
      )
    }
    const [common] = [...names[0]!].filter((name) => names.every((some) => some.has(name)))
    await base.delete([`other/s/-/chunks/${common!.slice(0, 2)}/${common!}.hfc`])
    const error = await failure(pruneAll(base), 'E_PRUNE_REFUSED')
    expect(error.message).toContain('6 of 9 snapshots')
  })

  it('is done by two processes at once as by one', async () => {
    for (let round = 0; round < 5; round++) {
      const { store, base, ids, truths } = await rewriteRig()
      const outcomes = await Promise.allSettled([eraseAll(erasuresOver(store, base)), eraseAll(erasuresOver(store, base))])
      // One that meets what the other has just replaced once more may end, and says with what it can go on.
      for (const outcome of outcomes) if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ name: 'HoldfastError' })
      await eraseAll(erasuresOver(store, base))
      const rig = rigOver(store, base)
      const left = await rig.snapshots()
      expect(left).toHaveLength(ids.length)
      for (const [n, id] of left.entries()) expect(await contentOf(rig, await rig.manifest(id))).toEqual(truths[n])
      await pruneAll(base)
      expect(await marksIn(base)).toEqual([])
    }
  })

  it('goes to every copy of a mirror', async () => {
    const copies = [memoryStorage(), memoryStorage()]
    const { store, base, truths } = await rewriteRig(mirrorStorage({ copies: copies.map((storage) => ({ storage })) }))
    await eraseAll(erasuresOver(store, base))
    await pruneAll(base)
    for (const copy of copies) {
      expect(await marksIn(copy)).toEqual([])
      const rig = rigOver(store, copy)
      for (const [n, id] of (await rig.snapshots()).entries()) expect(await contentOf(rig, await rig.manifest(id))).toEqual(truths[n])
    }
  })
})
