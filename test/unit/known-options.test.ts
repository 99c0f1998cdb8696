import { expect, it } from 'vitest'
import { mikroOrmStore } from '../../adapters/mikro-orm/index.ts'
import { typeormStore } from '../../adapters/typeorm/index.ts'
import { memoryStorage } from '../../adapters/memory/index.ts'
import { createHoldfast, definePlan } from '../../src/index.ts'
import { isHoldfastError } from '../../src/kernel/errors.ts'
import { collect } from '../support/collect.ts'
import { failure } from '../support/failure.ts'
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

it('no service passes over an option that it does not know', async () => {
  const plans = [definePlan({ id: 'shop', description: 'Orders', entities: ['Order', 'OrderLine', 'Nothing'] })]
  const whole = { stores: [shopStore(1)], storage: memoryStorage(), plans }
  const refused = (meant: string) => ({ code: 'E_CONFIG', message: expect.stringContaining(`did you mean \`${meant}\`?`) })
  await expect(createHoldfast({ ...whole, registrar: [] } as never)).rejects.toMatchObject(refused('registrars'))
  const { discovery, comparisons, restores, close } = await createHoldfast(whole)
  await expect(discovery.prune({ dryrun: true } as never)).rejects.toMatchObject(refused('dryRun'))
  await expect(discovery.snapshots({ limt: 1 } as never)).rejects.toMatchObject(refused('limit'))
  await expect(discovery.verify('x', { levl: 'stored' } as never)).rejects.toMatchObject(refused('level'))
  await expect(discovery.delete('x', { reasn: 'old' } as never)).rejects.toMatchObject(refused('reason'))
  await expect(comparisons.compare({ before: 'x', entites: [] } as never)).rejects.toMatchObject(refused('entities'))
  const versions = comparisons.history('Order', 1, { ordr: 'oldest-first' } as never)
  await expect(collect(versions)).rejects.toMatchObject(refused('order'))
  await expect(restores.start({ snapshot: 'x' }, { dryRun: true } as never)).rejects.toMatchObject({ code: 'E_CONFIG' })
  await close()
})

it.each([
  ['typeormStore', typeormStore],
  ['mikroOrmStore', mikroOrmStore],
])('%s says what it takes', (name, store) => {
  expect(() => store(undefined as never)).toThrow(expect.objectContaining({ code: 'E_CONFIG', message: expect.stringContaining(`${name} takes a`) }))
})

it('no service answers a missing argument with an error of JavaScript', async () => {
  const plans = [definePlan({ id: 'shop', description: 'Orders', entities: ['Order', 'OrderLine', 'Nothing'] })]
  const holdfast = await createHoldfast({ stores: [shopStore(1)], storage: memoryStorage(), plans })
  const raw: string[] = []
  let calls = 0
  for (const name of ['backups', 'restores', 'discovery', 'comparisons', 'bundles', 'erasures', 'keys', 'storages'] as const) {
    const service = holdfast[name] as unknown as Readonly<Record<string, unknown>>
    for (const [method, call] of Object.entries(service)) {
      // These do something without an argument.
      if (typeof call !== 'function' || ['check', 'checkRestorable', 'released'].includes(method)) continue
      for (const given of [[], ['shop']]) {
        calls++
        try {
          const outcome: unknown = call.apply(service, given)
          if (typeof outcome === 'object' && outcome !== null && Symbol.asyncIterator in outcome) await collect(outcome as AsyncIterable<unknown>)
          else await outcome
        } catch (error) {
          if (!isHoldfastError(error)) raw.push(`${name}.${method}(${given.join()}): ${String(error)}`)
        }
      }
    }
  }
  expect(raw).toEqual([])
  expect(calls).toBeGreaterThan(60)
  expect((await failure(holdfast.restores.restore(undefined as never), 'E_CONFIG')).message).toContain(
    'a restore takes its options as an object, and got undefined',
  )
  await failure(createHoldfast(undefined as never), 'E_CONFIG')
  await holdfast.close()
})
