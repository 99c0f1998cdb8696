import { describe, expect, it } from 'vitest'
import type { Manifest } from '../../src/archive/index.ts'
import { type HeldMemory, type HeldRecords, heldRecords, rewriteSnapshot } from '../../src/erasure/index.ts'
import { successorOf, uuidv7 } from '../../src/kernel/ids.ts'
import { backupRig } from '../support/backup-rig.ts'
import { failure } from '../support/failure.ts'
import { shopStore } from '../support/shop-store.ts'

describe('what is remembered of chunks that were looked at', () => {
  it('is not taken for an entity of another table, which other entries of the ledger may mean', async () => {
    const rig = backupRig({ stores: [shopStore(20)] })
    const { snapshotId } = await (await rig.start()).result()
    const manifest = await rig.manifest(snapshotId)
    const scope = (await rig.open()).scope()
    const erase = async (entity: string, table: string, key: string) => {
      const subject = scope.erasures.subject({ store: 'default', entity }, key)
      await scope.erasures.write({ id: uuidv7(), at: new Date().toISOString(), store: 'default', entity, table, subject, by: null, reason: null })
    }
    const { table } = manifest.entities.find(({ descriptor }) => descriptor.name === 'Order')!.descriptor
    await erase('Order', table, '[99]')
    await erase('Sale', 'sales', '[7]')
    const memory: HeldMemory = new Map()
    const look = (of: Manifest) => heldRecords({ manifest: of, chunks: async () => scope.chunks, erasures: scope.erasures }, memory)
    const moved: Manifest = {
      ...manifest,
      entities: manifest.entities.map((entity) =>
        entity.descriptor.name === 'Order' ? { ...entity, descriptor: { ...entity.descriptor, table: 'sales' } } : entity,
      ),
    }
    expect(await look(manifest)).toBeNull()
    expect((await look(moved))?.erased.counts).toEqual([{ store: 'default', entity: 'Order', records: 1 }])
  })
})

it('a rewrite that would leave other records than those that are not erased is refused', async () => {
  const rig = backupRig({ stores: [shopStore(20)] })
  const { snapshotId } = await (await rig.start()).result()
  const manifest = await rig.manifest(snapshotId)
  const { chunks } = (await rig.open()).scope()
  // Erased by its word, and in no range that holds anything erased.
  const held: HeldRecords = {
    erased: { counts: [], of: (_store, entity) => new Set(entity === 'Order' ? ['[7]'] : []) },
    rangesOf: () => new Set(),
    isErased: () => false,
  }
  const rest = { known: new Map(), renamed: new Map(), snapshotId: successorOf(snapshotId), at: new Date().toISOString() }
  const error = await failure(rewriteSnapshot(manifest, { held, from: async () => chunks, to: async () => chunks, ...rest }), 'E_ARCHIVE_CORRUPT')
  expect(error.message).toContain('20 records would be left of 20, of which 1 are erased')
})
