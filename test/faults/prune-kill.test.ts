import { describe, expect, it } from 'vitest'
import { memoryStorage } from '../../adapters/memory/index.ts'
import type { StorageAdapter } from '../../src/contracts/index.ts'
import { FaultyStorage } from '../support/faulty-storage.ts'
import { DAY, HOUR, type PruneRig, pruneRig } from '../support/prune-rig.ts'
import { orderRow } from '../support/shop-store.ts'

const WHEN = ['before', 'after'] as const

/** One object a call, so that a kill can come between any two of them. */
function oneByOne(storage: StorageAdapter): StorageAdapter {
  const { name, capabilities } = storage
  return {
    name,
    capabilities,
    put: (key, body, options) => storage.put(key, body, options),
    get: (key, options) => storage.get(key, options),
    stat: (key, options) => storage.stat(key, options),
    list: (prefix, options) => storage.list(prefix, options),
    close: () => storage.close(),
    async delete(keys, options) {
      for (const key of keys) await storage.delete([key], options)
    },
  }
}

/** Four snapshots, two of them deleted, an expired session, chunks in two buckets. */
async function prepared(): Promise<PruneRig> {
  const rig = pruneRig({ orders: 40, base: memoryStorage(), buckets: { OrderLine: 'other' } })
  const ids: string[] = []
  for (let n = 0; n < 4; n++) {
    rig.store.put('Order', orderRow(n, `round ${n}`))
    rig.store.put('OrderLine', { region: 'aa', no: 1, text: `round ${n}` })
    ids.push(await rig.backUp(n === 2 ? 'incremental' : 'full'))
  }
  let reads = 0
  rig.store.put('Order', orderRow(30, 'unfinished'))
  rig.store.step = ({ call }) => {
    if (call === 'read' && ++reads === 5) throw new Error('the database went away')
  }
  await (await rig.start()).result().catch(() => {})
  rig.store.step = () => {}
  rig.clock.move(9 * DAY)
  await rig.hide(ids[0]!, ids[2]!)
  return rig
}

async function everything(rig: PruneRig): Promise<string[]> {
  const all = [...(await rig.objects('', 'main')), ...(await rig.objects('', 'other')).map((object) => `other: ${object}`)]
  // Each prune that begins to sweep notes it: one that died has done so, too.
  return all.filter((object) => !object.includes('audit/')).map((object) => object.replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, '<id>'))
}

async function settled(rig: PruneRig): Promise<string[]> {
  for (let run = 0; run < 4; run++) {
    rig.clock.move(25 * HOUR)
    await rig.prune()
  }
  return everything(rig)
}

/** The storage operations of the n-th prune, and then a kill at each of them. */
async function killed(runsBefore: number): Promise<void> {
  const ready = async () => {
    const rig = await prepared()
    for (let run = 0; run < runsBefore; run++) {
      await rig.prune()
      rig.clock.move(25 * HOUR)
    }
    return rig
  }
  const clean = await ready()
  const over = new FaultyStorage(clean.storage)
  await clean.prune({}, oneByOne(over))
  const operations = over.operations.length
  const outcome = await settled(clean)
  const visible = (await clean.rig.snapshots()).length
  expect(visible).toBe(2)

  for (let n = 1; n <= operations; n++) {
    for (const when of WHEN) {
      const rig = await ready()
      const dying = new FaultyStorage(rig.storage, (operation) => (operation.n === n ? { kind: 'crash', when } : undefined))
      await rig.prune({}, oneByOne(dying)).catch(() => {})
      expect(dying.fired, `operation ${n}`).toBe(1)
      expect(await rig.rig.snapshots(), `operation ${n}`).toHaveLength(visible)
      expect(await rig.faults(), `operation ${n}`).toEqual([])
      expect(await settled(rig), `operation ${n} ${when}`).toEqual(outcome)
      expect(await rig.faults(), `operation ${n}`).toEqual([])
    }
  }
}

describe('a prune that is killed at any of its operations', () => {
  it('while it condemns: the next one finds all that it would have found', () => killed(0), 120_000)
  it('case 23: while it sweeps: no snapshot is harmed, and the next one finishes', () => killed(1), 120_000)
  it('while it retires lists: the next one finishes', () => killed(2), 120_000)
})
