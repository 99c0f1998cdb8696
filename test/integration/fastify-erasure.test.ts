import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { memoryStorage } from '../../adapters/memory/index.ts'
import { fastifyRig, type FastifyRig } from '../support/fastify-rig.ts'
import { shopStore } from '../support/shop-store.ts'

let rig: FastifyRig
let snapshot: string

beforeAll(async () => {
  rig = await fastifyRig({ store: shopStore(20), storage: memoryStorage() })
  snapshot = (await rig.holdfast.backups.run('shop')).snapshotId
})
afterAll(() => rig.close())

const keys = async (id: string): Promise<unknown[]> => {
  const found: unknown[] = []
  for await (const { id: key } of (await rig.holdfast.discovery.open(id)).stream('Order')) found.push(String(key))
  return found
}
const erase = (body: unknown, as = 'operator') => rig.request('POST', '/erasures', { body, as })

describe('erasures and the audit over HTTP', () => {
  it.each<[string, unknown, number, string]>([
    ['without `confirm`', { entity: 'Order', key: 3 }, 400, 'E_REQUEST'],
    ['with another `confirm`', { entity: 'Order', key: 3, confirm: 'Customer' }, 400, 'E_REQUEST'],
    ['without a key', { entity: 'Order', confirm: 'Order' }, 400, 'E_REQUEST'],
    ['by a misspelt option', { entity: 'Order', key: 3, confirm: 'Order', dryrun: true }, 400, 'E_REQUEST'],
    ['by a dry run of nothing', { entity: 'Order', key: 3, dryRun: true }, 400, 'E_CONFIG'],
    ['of what is no key', { entity: 'Order', key: { nr: 3 }, confirm: 'Order' }, 400, 'E_CONFIG'],
    ['of an entity that nobody knows', { entity: 'Ordre', key: 3, confirm: 'Ordre' }, 404, 'E_ENTITY_UNKNOWN'],
  ])('erases nothing %s', async (_, body, status, code) => {
    expect(await erase(body)).toMatchObject({ status, body: { code } })
    expect(await rig.request('GET', '/erasures')).toMatchObject({ status: 200, body: { erasures: [] } })
  })

  it('is not for those who may only read; they may see what was done', async () => {
    expect((await erase({ entity: 'Order', key: 3, confirm: 'Order' }, 'reader')).status).toBe(403)
    for (const path of ['/erasures', '/audit']) expect((await rig.request('GET', path, { as: 'reader' })).status, path).toBe(200)
  })

  it('keeps a record out of what is read, and says what remains', async () => {
    expect(await keys(snapshot)).toContain('3')
    const { status, body } = await erase({ entity: 'Order', key: 3, reason: 'GDPR-88', by: 'ops', confirm: 'Order' })
    expect(status).toBe(200)
    expect(body).toMatchObject({ entity: 'Order', found: { snapshots: [snapshot], looked: 1 }, rewrite: null })
    expect(body.remains!.length).toBeGreaterThan(0)
    expect(await keys(snapshot)).not.toContain('3')
    const listed = await rig.request('GET', '/erasures')
    expect(listed.body).toEqual({ erasures: [{ id: body.id, at: body.at, store: 'default', entity: 'Order', table: 'order', by: 'ops', reason: 'GDPR-88' }] })
  })

  it('rewrites what holds it once that was looked at, and the audit tells of the old one', async () => {
    const dry = await erase({ entity: 'Order', key: 3, rewrite: true, dryRun: true })
    expect(dry).toMatchObject({ status: 200, body: { id: null, rewrite: { dryRun: true, snapshots: [{ id: snapshot, replacement: null }] } } })
    expect((await rig.request('GET', '/audit')).body).toEqual({ entries: [] })
    const { status, body } = await erase({ entity: 'Order', key: 3, rewrite: true, by: 'dpo', confirm: 'Order' })
    expect(status).toBe(200)
    const [{ replacement }] = body.rewrite!.snapshots as unknown as [{ replacement: string }]
    expect(await keys(replacement)).not.toContain('3')
    expect((await rig.request('GET', '/audit?limit=1')).body).toMatchObject({ entries: [{ act: 'snapshot-deleted', snapshots: [snapshot], by: 'dpo' }] })
    expect((await rig.request('GET', '/audit?limit=0')).status).toBe(400)
  })
})
