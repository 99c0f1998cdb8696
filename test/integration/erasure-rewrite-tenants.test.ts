import { afterAll, beforeAll, expect, it } from 'vitest'
import { openRepository } from '../../src/archive/index.ts'
import { secretKey } from '../../src/crypto/encryption.ts'
import { TENANTS } from '../fixtures/tenants/tenant-shop.ts'
import { collect } from '../support/collect.ts'
import { failure } from '../support/failure.ts'
import { openTenantRig, type TenantRig } from '../support/tenant-rig.ts'

const [ACME, LOUD] = TENANTS
const encryption = { providers: [secretKey(Buffer.alloc(32, 3))] }

let rig: TenantRig
beforeAll(async () => {
  rig = await openTenantRig({ dialect: 'sqlite', orm: 'TypeORM' }, { encryption })
})
afterAll(() => rig.close())

it('rewrites the snapshots of one tenant, sealed as they were, and no others', async () => {
  const mine = await rig.backUp(ACME)
  const theirs = await rig.backUp(LOUD)
  const read = async (id: string, scope: string) => {
    const reader = await rig.holdfast.discovery.open(id, { scope })
    return { customers: await collect(reader.stream('Customer')), orders: await collect(reader.stream('Order')) }
  }
  const before = await read(mine, ACME)
  const { id: erased } = before.customers[0] as unknown as { id: number }
  const others = await read(theirs, LOUD)
  const old = await rig.holdfast.discovery.snapshot(mine, { scope: ACME })

  const dry = await rig.holdfast.erasures.erase('Customer', erased, { scope: ACME, rewrite: true, dryRun: true })
  expect(dry.rewrite!.snapshots).toMatchObject([{ id: mine, replacement: null }])
  const { rewrite, remains } = await rig.holdfast.erasures.erase('Customer', erased, { scope: ACME, rewrite: true })
  const [{ replacement }] = rewrite!.snapshots as unknown as [{ replacement: string }]
  expect(remains.join(' ')).toMatch(/Snapshots of other tenants/)
  expect((await failure(rig.holdfast.discovery.snapshot(mine, { scope: ACME }), 'E_SNAPSHOT_UNKNOWN')).details).toMatchObject({ replacedBy: replacement })
  const now = await rig.holdfast.discovery.snapshot(replacement, { scope: ACME })
  expect(now).toMatchObject({ tenant: ACME, scope: old.scope, requiredFeatures: old.requiredFeatures })
  expect((await rig.holdfast.discovery.verify(replacement, { scope: ACME })).damages).toEqual([])
  const after = await read(replacement, ACME)
  const left = (before.customers as unknown as { id: number }[]).filter(({ id }) => id !== erased)
  expect(after.customers).toEqual(left)
  expect(after.orders.length).toBeLessThan(before.orders.length)
  expect(await read(theirs, LOUD)).toEqual(others)

  await rig.holdfast.discovery.prune({ graceMs: 0 })
  const repository = await openRepository({ storage: rig.storage, encryption })
  const kept = new Set(now.entities.flatMap(({ ranges }) => ranges.flatMap(({ layers }) => layers.map(({ name }) => name))))
  const stored = (await collect(rig.storage.list(`s/${now.scope}/chunks/`))).filter(({ key }) => key.endsWith('.hfc'))
  expect(stored.map(({ key }) => key.split('/').at(-1)!.slice(0, -4)).toSorted()).toEqual([...kept].toSorted())
  const lines: string[] = []
  for (const layer of now.entities.flatMap(({ ranges }) => ranges.flatMap(({ layers }) => layers)))
    for await (const piece of repository.scope(now.scope).chunks.read(layer)) lines.push(...Buffer.from(piece).toString('utf8').split('\n'))
  expect(lines.some((line) => line.includes(`"name":"customer ${erased}"`) || line.includes(`"customer.id":${erased},`))).toBe(false)
  expect(await read(theirs, LOUD)).toEqual(others)
  expect((await rig.holdfast.backups.run('shop', { scope: ACME, kind: 'incremental' })).kind).toBe('incremental')
})
