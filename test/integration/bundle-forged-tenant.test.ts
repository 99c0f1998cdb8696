import { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { memoryStorage } from '../../adapters/memory/index.ts'
import { openRepository } from '../../src/archive/index.ts'
import type { Holdfast } from '../../src/index.ts'
import { TENANTS } from '../fixtures/tenants/tenant-shop.ts'
import { bundleOf } from '../support/bundle-rig.ts'
import { failure } from '../support/failure.ts'
import { openTenantRig, TENANT_PLACES, type TenantRig } from '../support/tenant-rig.ts'

const [ACME, LOUD] = TENANTS

// A plain bundle is proved by no key: whoever makes one may write any tenant's name on any rows.
describe.each(TENANT_PLACES.filter(({ dialect, orm }) => (dialect === 'sqlite') === (orm === 'TypeORM')))(
  'a forged bundle, of one tenant by its name and of another by its rows, for $dialect under $orm',
  (place) => {
    let rig: TenantRig
    let other: Holdfast
    let theirs: string

    beforeAll(async () => {
      rig = await openTenantRig(place)
      theirs = await rig.backUp(LOUD)
      other = await rig.again({ storage: memoryStorage() })
      const scope = (await openRepository({ storage: rig.storage })).scopeOf(LOUD)
      const manifest = await scope.readManifest(theirs)
      const forged = await bundleOf({ ...manifest, tenant: ACME }, scope)
      await other.bundles.import(Readable.from([forged]), { scope: ACME })
    })
    afterAll(async () => {
      await other.close()
      await rig.close()
    })

    it('brings no row of that other into the database, nor changes or deletes one', async () => {
      await rig.database.carelessly(`UPDATE customer SET name = 'spoilt' WHERE id IN (1, 2, 3)`)
      const live = await rig.database.image()
      for (const request of [
        { policy: 'overwrite' },
        { policy: 'overwrite', deleteExtra: true },
        { create: false, policy: 'overwrite' },
        { continueOnError: 10_000, policy: 'overwrite' },
      ] as const) {
        await failure(other.restores.restore({ snapshot: theirs, scope: ACME, ...request }), 'E_SCOPE_ROWS')
        expect(await rig.database.image()).toEqual(live)
      }
      await failure(other.restores.plan({ snapshot: theirs, scope: ACME, policy: 'overwrite' }), 'E_SCOPE_ROWS')
    })

    it('is not found by that other, and cannot be taken in as theirs', async () => {
      expect(await other.discovery.snapshots({ scope: LOUD })).toEqual([])
      await failure(other.restores.restore({ snapshot: theirs, scope: LOUD, dryRun: true }), 'E_SNAPSHOT_UNKNOWN')
    })
  },
)
