import { expect, it } from 'vitest'
import { masks, Sensitive } from '../../src/index.ts'
import { maskRules } from '../../src/masking/index.ts'
import type { EntityMapping, EntityStore } from '../../src/contracts/index.ts'

class Address {
  city = ''
}
class Customer {
  email = ''
  address = new Address()
}
const masked = (target: { readonly prototype: object }, property: string, mask = masks.fake()) => Sensitive({ mask })(target.prototype, property)
masked(Address, 'city')
masked(Customer, 'email', masks.email())

const mapping: EntityMapping = {
  name: 'Customer',
  kind: 'entity',
  target: Customer,
  aliases: [],
  embedded: [{ path: 'address', target: Address }],
  table: 'customer',
  fields: ['id', 'email', 'address.city'].map((path) => ({ path, column: path })),
  key: ['id'],
  references: [],
}
const store = { name: 'default', mapping: { entities: [mapping], excluded: [] } } as unknown as EntityStore

it('takes maskers from @Sensitive, also inside of what is embedded, and rules before them', () => {
  const named = (rules: Parameters<typeof maskRules>[0]['rules'] = []) =>
    Object.fromEntries([...maskRules({ key: '0123456789abcdef', rules }, [store]).of('default', 'Customer')].map(([path, { name }]) => [path, name]))
  expect(named()).toEqual({ email: 'email', 'address.city': 'fake' })
  expect(named([{ of: Customer, masks: { address: masks.plain() } }])).toEqual({ email: 'email', 'address.city': 'plain' })
})

it('refuses a key that is too short, and properties that are not there', () => {
  expect(() => maskRules({ key: 'short' }, [store])).toThrow('`masking.key` is no text or bytes of at least 16')
  expect(() => maskRules({ key: '0123456789abcdef', rules: [{ of: Customer, masks: { mail: masks.fake() } }] }, [store])).toThrow('has no property "mail"')
})
