import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { BackupKind, BackupSession } from '../../src/export/index.ts'
import { isHoldfastError } from '../../src/kernel/errors.ts'
import { FaultyStorage } from '../support/faulty-storage.ts'
import { heldStorage } from '../support/held-storage.ts'
import { DAY, HOUR, type PruneRig, pruneRig } from '../support/prune-rig.ts'
import { orderRow, SHOP_ENTITIES } from '../support/shop-store.ts'

/** A backup that stands still in the middle of its work. */
interface Standing {
  readonly session: BackupSession
  readonly release: () => void
}

interface World {
  readonly rig: PruneRig
  /** What each committed snapshot must give back. */
  readonly truth: Map<string, string>
  readonly standing: Standing[]
  /** Tokens of sessions that ended without a snapshot. */
  readonly tokens: string[]
}

interface Command {
  readonly run: (world: World) => Promise<void>
  readonly [fc.toStringMethod]: () => string
}
const command = (name: string, run: Command['run']): Command => ({ run, [fc.toStringMethod]: () => name })

/** What may end a backup or a prune in this world; anything else is a defect. */
const EXPECTED = ['E_CONDEMNED', 'E_SESSION_CLOSED', 'E_ARCHIVE_MISSING', 'E_STORAGE', 'E_PRUNE_REFUSED', 'E_SESSION_FENCED'] as const

async function tolerated<T>(work: Promise<T>): Promise<T | null> {
  try {
    return await work
  } catch (error) {
    if (EXPECTED.some((code) => isHoldfastError(error, code))) return null
    throw error
  }
}

const image = ({ store }: PruneRig) => SHOP_ENTITIES.map((entity) => store.lines(entity)).join('\n')

async function settle(world: World, session: BackupSession): Promise<void> {
  const result = await tolerated(session.result())
  if (!result) {
    world.tokens.push(session.token)
    return
  }
  if (!(await world.rig.rig.snapshots()).includes(result.snapshotId)) return // deleted before it was let go on
  // The views were opened when it began, and the rows may have moved since: what it holds is pinned here, and must never change.
  world.truth.set(result.snapshotId, await imageOf(world.rig, result.snapshotId))
}

async function imageOf({ rig }: PruneRig, id: string): Promise<string> {
  const manifest = await rig.manifest(id)
  return (await Promise.all(SHOP_ENTITIES.map((entity) => rig.lines(manifest, entity)))).join('\n')
}

async function checkAll({ rig, truth }: World): Promise<void> {
  expect(await rig.faults()).toEqual([])
  for (const id of await rig.rig.snapshots()) if (truth.has(id)) expect(await imageOf(rig, id)).toBe(truth.get(id))
}

const backUp = (kind: BackupKind, failAt: number | null) =>
  command(`back up ${kind}${failAt === null ? '' : `, killed at ${failAt}`}`, async (world) => {
    const { rig } = world
    const over = new FaultyStorage(rig.storage, ({ n }) => (n === failAt ? { kind: 'crash', when: n % 2 === 0 ? 'before' : 'after' } : undefined))
    rig.clock.move(1000)
    const session = await tolerated(rig.start({ kind }, over))
    if (!session) return
    const expected = image(rig)
    await settle(world, session)
    if (session.state === 'done' && world.truth.has(session.id)) expect(world.truth.get(session.id)).toBe(expected)
  })

const change = (from: number, count: number, note: string) =>
  command(`change ${count} from ${from} to ${note}`, async ({ rig }) => {
    rig.store.put('Order', ...Array.from({ length: count }, (_, n) => orderRow(from + n, note)))
  })

const hide = (which: number) =>
  command(`delete ${which}`, async ({ rig }) => {
    const visible = await rig.rig.snapshots()
    if (visible.length > 0) await rig.hide(visible[which % visible.length]!)
  })

const wait = (ms: number) => command(`wait ${ms / HOUR} h`, async ({ rig }) => rig.clock.move(ms))

const prune = (failAt: number | null) =>
  command(`prune${failAt === null ? '' : `, killed at ${failAt}`}`, async ({ rig }) => {
    const over = new FaultyStorage(rig.storage, ({ n }) => (n === failAt ? { kind: 'crash', when: n % 2 === 0 ? 'before' : 'after' } : undefined))
    await tolerated(rig.prune({ allowMoreThanHalf: true }, over))
  })

const stand = (kind: BackupKind) =>
  command(`begin ${kind} and stand`, async (world) => {
    if (world.standing.length > 1) return
    const held = heldStorage(world.rig.storage)
    held.hold()
    const session = await tolerated(world.rig.start({ kind }, held.storage))
    if (!session) return
    const ended = session.result().catch(() => {})
    // Until it waits with a new chunk, or is done because everything was in place.
    while (held.waiting === 0 && session.state === 'running') await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 1))])
    world.standing.push({ session, release: () => held.release() })
  })

const goOn = command('let one go on', async (world) => {
  const one = world.standing.shift()
  if (!one) return
  one.release()
  await settle(world, one.session)
})

const resume = command('resume one', async (world) => {
  const token = world.tokens.shift()
  if (token === undefined) return
  const session = await tolerated(world.rig.rig.resume(token, world.rig.storage, { clock: world.rig.clock, takeover: true }))
  if (session) await settle(world, session)
})

const kinds = fc.constantFrom<BackupKind>('full', 'incremental', 'differential', 'auto')
const failAt = fc.option(fc.integer({ min: 1, max: 80 }), { freq: 3 })
const notes = fc.constantFrom('a', 'b', 'c')
const commands: fc.Arbitrary<Command> = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(kinds, failAt).map(([kind, at]) => backUp(kind, at)) },
  {
    weight: 4,
    arbitrary: fc.tuple(fc.integer({ min: 0, max: 50 }), fc.integer({ min: 1, max: 20 }), notes).map(([from, count, note]) => change(from, count, note)),
  },
  { weight: 3, arbitrary: fc.nat({ max: 5 }).map(hide) },
  { weight: 4, arbitrary: fc.constantFrom(HOUR / 2, 2 * HOUR, 13 * HOUR, 25 * HOUR, 3 * DAY).map(wait) },
  { weight: 6, arbitrary: failAt.map(prune) },
  { weight: 2, arbitrary: kinds.map(stand) },
  { weight: 2, arbitrary: fc.constant(goOn) },
  { weight: 1, arbitrary: fc.constant(resume) },
)

it('whatever comes in whatever order: visible snapshots stay whole, and what nothing refers to goes', async () => {
  let deleted = 0
  await fc.assert(
    fc.asyncProperty(fc.array(commands, { minLength: 8, maxLength: 40 }), async (series) => {
      const world: World = { rig: pruneRig({ orders: 50 }), truth: new Map(), standing: [], tokens: [] }
      for (const { run } of series) {
        await run(world)
        await checkAll(world)
      }
      while (world.standing.length > 0) await goOn.run(world)
      await checkAll(world)

      const { rig } = world
      const before = (await rig.objects('chunks/')).length
      rig.clock.move(10 * DAY)
      for (let run = 0; run < 4; run++) {
        await rig.prune({ allowMoreThanHalf: true })
        rig.clock.move(25 * HOUR)
      }
      await checkAll(world)
      const manifests = (await rig.objects('snapshots/')).filter((object) => object.endsWith('/manifest')).map((object) => object.split('/')[1]!)
      const visible = await rig.rig.snapshots()
      // All visible ones; without any, the last good one.
      expect(manifests).toEqual(visible.length > 0 ? visible : manifests.slice(0, 1))
      const needed = new Set<string>()
      for (const id of manifests)
        for (const name of await rig.chunksOf(id)) for (const end of ['hfc', 'hfx']) needed.add(`chunks/${name.slice(0, 2)}/${name}.${end}`)
      expect(new Set(await rig.objects('chunks/'))).toEqual(needed)
      for (const folder of ['sessions/', 'condemned/', 'pins/']) expect(await rig.objects(folder)).toEqual([])
      deleted += before - needed.size
    }),
    { numRuns: 60, timeout: 20_000 },
  )
  expect(deleted).toBeGreaterThan(0)
}, 300_000)
