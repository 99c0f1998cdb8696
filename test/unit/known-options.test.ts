import { expect, it } from 'vitest'
import { mikroOrmStore } from '../../adapters/mikro-orm/index.ts'
import { typeormStore } from '../../adapters/typeorm/index.ts'
import { memoryStorage } from '../../adapters/memory/index.ts'
import { createHoldfast, definePlan } from '../../src/index.ts'
import { shopStore } from '../support/shop-store.ts'

it.each([
  ['a misspelt option', { knd: 'full' }, 'a backup has no option `knd`; did you mean `kind`?'],
  ['a kind that is none', { kind: 'weekly' }, '`kind` is "weekly"; expected "full", "incremental", "differential", "auto"'],
  ['an empty series', { series: '' }, '`series` is ""; expected 1 to 128 characters'],
])('a backup refuses %s before anything is opened', async (_, options, message) => {
  const store = shopStore(1)
  const plans = [definePlan({ id: 'shop', description: 'Orders', entities: ['Order', 'OrderLine', 'Nothing'] })]
  const holdfast = await createHoldfast({ stores: [store], storage: memoryStorage(), plans })
  await expect(holdfast.backups.start('shop', options as object)).rejects.toMatchObject({ code: 'E_CONFIG', message: expect.stringContaining(message) })
  expect(store.seen.views).toBe(0)
  await expect(holdfast.backups.resume('token', { takover: true } as object)).rejects.toMatchObject({
    code: 'E_CONFIG',
    message: expect.stringContaining('did you mean `takeover`?'),
  })
  await holdfast.close()
})

it.each([
  ['typeormStore', typeormStore],
  ['mikroOrmStore', mikroOrmStore],
])('%s says what it takes', (name, store) => {
  expect(() => store(undefined as never)).toThrow(expect.objectContaining({ code: 'E_CONFIG', message: expect.stringContaining(`${name} takes a`) }))
})
