import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { generateKeyFile, keyFile } from '../../../src/crypto/encryption.ts'
import { pick, resolver, type RestoreRequest } from '../../../src/index.ts'
import { failure } from '../../support/failure.ts'
import { openStory, STORY_PLACES, type Story } from '../../support/story.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

describe.each(STORY_PLACES)('rows of $dialect under $orm that differ', (place) => {
  let story: Story
  beforeAll(async () => {
    story = await openStory(place)
  })
  afterAll(() => story?.close())
  const restore = (more: Partial<RestoreRequest>) => story.holdfast.restores.restore({ snapshot: story.snapshot, ...more })

  it('are decided by code, which sees both sides, beside rows that the policy decides', async () => {
    await story.run(
      "UPDATE orders SET status = 'sent', price = 1 WHERE id <= 4; UPDATE customer SET name = 'other' WHERE id = 1; DELETE FROM order_line WHERE id = 9",
    )
    const seen: unknown[] = []
    const orders = resolver<{ id: number; status: string; price: number; customer: { id: number } }>('Order', ({ key, live, record }) => {
      seen.push([key, live.status, record.status, record.customer])
      return live.id === 2 ? 'live' : 'record'
    })
    const result = await restore({ policy: 'overwrite', resolvers: [orders], undo: true })
    expect(result.entities.find(({ entity }) => entity === 'Order')).toMatchObject({ update: 3, keep: 1 })
    expect(result.totals).toMatchObject({ create: 1, update: 4, keep: 1 })
    expect(seen).toContainEqual(['[3]', 'sent', 'paid', { id: 4 }])
    expect(await story.rows("SELECT id FROM orders WHERE status = 'sent'")).toEqual([{ id: 2 }])
    const undone = await story.holdfast.restores.undo(result.restoreId)
    expect(undone.totals).toMatchObject({ update: 4, delete: 1 })
    expect(await story.rows("SELECT id FROM orders WHERE status = 'sent' ORDER BY id")).toHaveLength(4)
    await failure(restore({ resolvers: [resolver('Order', () => 'fail')], policy: 'overwrite' }), 'E_RESTORE_CONFLICT')
    await failure(restore({ resolvers: [resolver('Order', () => 'maybe' as never)] }), 'E_CONFIG')
    await failure(story.holdfast.restores.plan({ snapshot: story.snapshot, resolvers: [orders] }), 'E_CONFIG')
    expect(await story.rows("SELECT id FROM orders WHERE status = 'sent' ORDER BY id")).toHaveLength(4)
    await restore({ policy: 'overwrite' })
  })

  it('are not left to the policy because a resolver is misspelt, chosen away or there twice', async () => {
    await story.run('UPDATE orders SET price = 1 WHERE id = 1')
    const live = () => 'live' as const
    const misspelt = await failure(restore({ policy: 'overwrite', resolvers: [resolver('Ordr', live)] }), 'E_CONFIG')
    expect([misspelt.message, misspelt.hint].join(' ')).toMatch(/"Ordr" would never be asked.*Customer, .*Order/)
    await failure(restore({ policy: 'overwrite', entities: ['Customer'], resolvers: [resolver('Order', live)] }), 'E_CONFIG')
    await failure(restore({ policy: 'overwrite', resolvers: [resolver('Order', live), resolver('main.Order', live)] }), 'E_CONFIG')
    expect(await story.rows('SELECT price FROM orders WHERE id = 1')).toEqual([{ price: 1 }])
    await restore({ policy: 'overwrite', resolvers: [resolver(story.entity('Order'), () => 'record')] })
  })

  it('are not restored when none of them is there and none may be created', async () => {
    await story.run('DELETE FROM order_line WHERE id IN (7, 8)')
    const fields = { select: [pick('OrderLine', { keys: [7, 8], fields: ['article'] })], policy: 'overwrite' } as const
    expect((await restore({ ...fields, dryRun: true })).totals).toMatchObject({ absent: 2 })
    expect((await failure(restore(fields), 'E_RESTORE_EMPTY')).hint).toMatch(/`create: false`/)
    await failure(restore({ select: [pick('OrderLine', { keys: [7, 8] })], create: false, policy: 'overwrite' }), 'E_RESTORE_EMPTY')
    expect((await restore({ ...fields, select: [pick('OrderLine', { keys: [7, 9], fields: ['article'] })] })).totals).toMatchObject({ absent: 1, identical: 1 })
    await restore({ entities: ['OrderLine'] })
  })

  it('are decided by their version, and refused where that does not tell', async () => {
    await story.run('UPDATE orders SET price = 1, version = 2 WHERE id = 1; UPDATE orders SET price = 1, version = 0 WHERE id = 2')
    const { entities } = await restore({ policy: 'newer-version-wins' })
    expect(entities.find(({ entity }) => entity === 'Order')).toMatchObject({ update: 1, keep: 1 })
    await story.run('UPDATE orders SET price = 1 WHERE id = 3')
    await failure(restore({ policy: 'newer-version-wins' }), 'E_RESTORE_CONFLICT')
    await restore({ policy: 'overwrite' })
    await story.run("UPDATE tag SET name = 'x' WHERE id = 1")
    await failure(restore({ policy: 'newer-version-wins' }), 'E_RESTORE_CONFLICT')
    await restore({ policy: 'overwrite' })
  })
})

describe('a plan', () => {
  const folder = temporaryFolder()
  let story: Story
  let now = Date.now()
  let refuse: (key: string) => boolean = () => false
  beforeAll(async () => {
    await generateKeyFile(join(folder.path, 'key'))
    story = await openStory(
      { dialect: 'sqlite', orm: 'TypeORM' },
      { clock: { now: () => now }, encryption: { providers: [await keyFile(join(folder.path, 'key'))] } },
      (key) => refuse(key),
    )
  })
  afterAll(async () => {
    await story?.close()
    folder.remove()
  })
  const request = () => ({ snapshot: story.snapshot, policy: 'overwrite' }) as const

  it('is refused when it is too old', async () => {
    await story.run('UPDATE orders SET price = 1 WHERE id = 1')
    const plan = await story.holdfast.restores.plan(request(), { expiresAfterMs: 60_000 })
    now += 60_000
    await failure(story.holdfast.restores.apply(plan), 'E_PLAN_EXPIRED')
    await failure(story.holdfast.restores.plan(request(), { expiresAfterMs: 1 }), 'E_CONFIG')
  })

  it('changes nothing when what undoes it cannot be stored', async () => {
    const before = await story.image()
    const plan = await story.holdfast.restores.plan(request())
    for (const part of ['/undo-rows/', '/undo/']) {
      refuse = (key) => key.includes(part)
      await failure(story.holdfast.restores.apply(plan), 'E_STORAGE')
      expect(await story.image()).toEqual(before)
    }
    refuse = () => false
    const [latest] = await story.holdfast.restores.history()
    expect(latest).toBeUndefined()
  })

  it('is sealed in an encrypted repository, as is what undoes it', async () => {
    const { restoreId } = await story.holdfast.restores.apply(await story.holdfast.restores.plan({ ...request(), select: [pick('Order', { keys: [1] })] }))
    const { storage } = story.meter
    let objects = 0
    for await (const { key } of storage.list('')) {
      if (!key.includes('/restores/')) continue
      objects++
      expect(Buffer.from(await storage.get(key)).toString('latin1')).not.toMatch(/Order|price|customer/)
    }
    expect(objects).toBeGreaterThan(4)
    await story.holdfast.restores.undo(restoreId)
    expect(await story.rows('SELECT price FROM orders WHERE id = 1')).toEqual([{ price: 1 }])
  })
})
