import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { memoryStorage } from '../../adapters/memory/index.ts'
import { uuidv7 } from '../../src/kernel/ids.ts'
import { fastifyRig, type FastifyRig } from '../support/fastify-rig.ts'
import { orderRow, shopStore } from '../support/shop-store.ts'

let rig: FastifyRig
const ids: string[] = []

beforeAll(async () => {
  const store = shopStore(20)
  rig = await fastifyRig({ store, storage: memoryStorage() })
  for (let day = 0; day < 5; day++) {
    store.put('Order', orderRow(day, `of day ${day}`))
    ids.push((await rig.holdfast.backups.run('shop', { metadata: day === 1 ? { release: '2.4' } : {} })).snapshotId)
  }
})
afterAll(() => rig.close())

const visible = async (): Promise<string[]> => (await rig.holdfast.discovery.snapshots()).map(({ id }) => id).toReversed()

describe('retention over HTTP', () => {
  it('says what would go, without doing it, and refuses what takes more than half', async () => {
    const { status, body } = await rig.request('POST', '/retention', { body: { keep: { last: 2, tagged: ['release'] }, dryRun: true } })
    expect(status).toBe(200)
    expect(body).toMatchObject({ dryRun: true, refused: null, series: [{ plan: 'shop', series: 'shop', scope: null }] })
    const [series] = body.series as unknown as [{ kept: { id: string; reasons: string[] }[]; deleted: { id: string; limit: null }[] }]
    expect(series.kept.map(({ id, reasons }) => [id, reasons])).toEqual([
      [ids[4], ['newest', 'last 1']],
      [ids[3], ['last 2']],
      [ids[1], ['tagged release']],
    ])
    expect(series.deleted.map(({ id }) => id)).toEqual([ids[2], ids[0]])
    expect(await visible()).toEqual(ids)
    expect(await rig.request('POST', '/retention', { body: { keep: { last: 1 } } })).toMatchObject({ status: 409, body: { code: 'E_PRUNE_REFUSED' } })
    expect(await visible()).toEqual(ids)
  })

  it.each<[string, unknown]>([
    ['no rules', {}],
    ['an unknown rule', { keep: { dayly: 3 } }],
    ['a function', { keep: { strategy: 'x' } }],
    ['rules that keep nothing', { keep: {} }],
    ['a misspelt dry run', { keep: { last: 1 }, dryrun: true }],
  ])('takes no %s', async (_, body) => {
    expect((await rig.request('POST', '/retention', { body })).status).toBe(400)
    expect(await visible()).toEqual(ids)
  })

  it('is not for those who may only read; what is held may be read by them', async () => {
    for (const [method, path, body] of [
      ['POST', '/retention', { keep: { last: 5 } }],
      ['POST', `/snapshots/${ids[0]}/holds`, { reason: 'x' }],
      ['DELETE', `/holds/${uuidv7()}`, undefined],
    ] as const)
      expect((await rig.request(method, path, { body, as: 'reader' })).status, path).toBe(403)
    expect(await rig.request('GET', '/holds', { as: 'reader' })).toMatchObject({ status: 200, body: { holds: [] } })
  })

  it('keeps what is held, until it is released', async () => {
    const { status, body: hold } = await rig.request('POST', `/snapshots/${ids[0]}/holds`, { body: { reason: 'case 114' } })
    expect(status).toBe(201)
    expect(hold).toMatchObject({ snapshotId: ids[0], reason: 'case 114' })
    expect((await rig.request('GET', `/holds?snapshot=${ids[0]}`)).body).toEqual({ holds: [hold] })
    expect((await rig.request('GET', `/holds?snapshot=${ids[1]}`)).body).toEqual({ holds: [] })
    expect(await rig.request('DELETE', `/snapshots/${ids[0]}`, { body: { reason: 'mine' } })).toMatchObject({ status: 409, body: { code: 'E_SNAPSHOT_HELD' } })
    const { body } = await rig.request('POST', '/retention', { body: { keep: { last: 3 }, by: 'cy' } })
    expect((body.series as unknown as { deleted: { id: string }[] }[])[0]!.deleted.map(({ id }) => id)).toEqual([ids[1]])
    expect(await visible()).toEqual([ids[0], ...ids.slice(2)])
    expect((await rig.request('DELETE', `/holds/${hold.holdId}`, { body: { by: 'ada' } })).status).toBe(204)
    expect(await rig.request('DELETE', `/holds/${hold.holdId}`)).toMatchObject({ status: 404, body: { code: 'E_HOLD_UNKNOWN' } })
    expect((await rig.request('DELETE', `/snapshots/${ids[0]}`, { body: { reason: 'mine', by: 'bob' } })).status).toBe(204)
    const { entries } = (await rig.request('GET', '/audit?limit=3')).body as unknown as { entries: { act: string; by: string }[] }
    expect(entries.map(({ act, by }) => [act, by])).toEqual([
      ['snapshot-deleted', 'bob'],
      ['hold-released', 'ada'],
      ['snapshot-deleted', 'cy'],
    ])
    expect(await rig.request('POST', `/snapshots/${ids[0]}/holds`, { body: { reason: 'late' } })).toMatchObject({
      status: 404,
      body: { code: 'E_SNAPSHOT_UNKNOWN' },
    })
  })
})
