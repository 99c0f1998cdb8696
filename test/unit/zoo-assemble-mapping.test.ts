import { describe, expect, it } from 'vitest'
import { assembleMapping } from '../../adapters/sql/mapping/assemble-mapping.ts'
import type { TableDraft } from '../../adapters/sql/mapping/table-draft.ts'
import { isHoldfastError } from '../../src/kernel/errors.ts'
import { mappingText } from '../fixtures/zoo/mapping-text.ts'

/** `*id name customer.id=customer_id`: `*` marks the key, a dotted path a relation. */
function draft(name: string, columns: string, more: Partial<TableDraft> = {}): TableDraft {
  const parsed = columns.split(' ').map((word) => {
    const [path, column] = word.replace('*', '').split('=') as [string, string?]
    return { path, column: column ?? path, relation: path.includes('.'), key: word.startsWith('*') }
  })
  return {
    name,
    kind: 'entity',
    aliases: [],
    table: name.toLowerCase(),
    columns: parsed.map(({ path, column, relation }) => ({ path, column, relation })),
    key: parsed.filter(({ key }) => key).map(({ column }) => column),
    references: [],
    problems: [],
    ...more,
  }
}

const text = (...drafts: TableDraft[]) => mappingText(assembleMapping(drafts, { excluded: [] }))

function refusal(run: () => unknown) {
  try {
    run()
  } catch (error) {
    if (isHoldfastError(error)) return error
    throw error
  }
  throw new Error('was not refused')
}

describe('the mapping of a store', () => {
  it('puts key fields first, in key order', () => {
    const { entities } = assembleMapping([draft('Line', 'text *no *order.id=order_id', { key: ['order_id', 'no'] })], { excluded: [] })
    expect(entities[0]?.fields.map(({ path }) => path)).toEqual(['order.id', 'no', 'text'])
    expect(entities[0]?.key).toEqual(['order.id', 'no'])
  })

  it('has a column mapped by two properties once, by the scalar one', () => {
    expect(text(draft('Order', '*id customer.id=customer_id customerId=customer_id'))).toBe('Order order [id] customerId=customer_id')
  })

  it('tells two columns under one property path apart by the column name', () => {
    expect(text(draft('Pet', '*id value=dog_value value=cat_value'))).toBe('Pet pet [id] cat_value value=dog_value')
  })

  it('refuses a column whose name stands for another path already', () => {
    const error = refusal(() => text(draft('Pet', '*id value=dog_value cat_value=other value=cat_value')))
    expect(error.code).toBe('E_MAPPING')
    expect(error.message).toContain('Pet')
    expect(error.message).toContain('cat_value')
  })

  it('names the entity at the far end of a reference, or none when no entity maps it', () => {
    const customer = draft('Customer', '*id', { schema: 'shop' })
    const order = draft('Order', '*id customer.id=customer_id region.id=region_id', {
      references: [
        { columns: ['customer_id'], schema: 'shop', table: 'customer', targetColumns: ['id'] },
        { columns: ['customer_id'], schema: 'shop', table: 'customer', targetColumns: ['id'] },
        { columns: ['region_id'], table: 'region', targetColumns: ['id'] },
      ],
    })
    expect(assembleMapping([order, customer], { excluded: [] }).entities[0]?.references).toEqual([
      { fields: ['customer.id'], entity: 'Customer', schema: 'shop', table: 'customer', columns: ['id'] },
      { fields: ['region.id'], table: 'region', columns: ['id'] },
    ])
  })

  it('merges classes over one table into the one with most columns', () => {
    const summary = draft('Summary', '*id name extra', { table: 'customer', target: 'summary class' })
    const customer = draft('Customer', '*id name city phone', { target: 'customer class' })
    expect(text(summary, customer)).toBe('Customer customer [id] city extra name phone\n  also Summary')
  })

  it('lets a class over a junction table lead the junction', () => {
    const junction = draft('order_tag', '*order_id *tag_id', { kind: 'junction' })
    const orderTag = draft('OrderTag', '*orderId=order_id *tagId=tag_id note', { table: 'order_tag' })
    expect(text(junction, orderTag)).toBe('OrderTag order_tag [orderId=order_id tagId=tag_id] note\n  also order_tag')
  })

  it('refuses two classes over one table that disagree on its key', () => {
    const error = refusal(() => text(draft('A', '*id code', { table: 't' }), draft('B', 'id *code', { table: 't' })))
    expect(error.code).toBe('E_MAPPING')
    expect(error.message).toMatch(/B maps the same table t with another primary key/)
  })

  it('tells junction tables of one name apart by their schemas', () => {
    const junctions = ['a', 'b'].map((schema) => draft('x_y', '*x *y', { kind: 'junction', schema }))
    expect(text(...junctions)).toBe('a.x_y (junction) a.x_y [x y]\nb.x_y (junction) b.x_y [x y]')
  })

  it('refuses two tables of one entity name, naming both', () => {
    const error = refusal(() => text(draft('Order', '*id', { table: 'shop_order' }), draft('Order', '*id', { table: 'sort_order' })))
    expect(error.code).toBe('E_MAPPING')
    expect(error.message).toContain('shop_order and sort_order')
  })

  it('excludes an entity without a key, with the reason', () => {
    expect(text(draft('Log', 'line at'), draft('Tag', '*id'))).toBe('Tag tag [id]\nexcluded Log: no primary key')
  })

  it('lists every mapping that is not served in one refusal', () => {
    const error = refusal(() =>
      text(draft('A', '*id', { problems: ['cannot be this'] }), draft('B', '*id'), draft('C', '*id', { problems: ['cannot be that'] })),
    )
    expect(error.code).toBe('E_MAPPING')
    expect(error.details).toEqual({
      problems: [
        { entity: 'A', problem: 'cannot be this' },
        { entity: 'C', problem: 'cannot be that' },
      ],
    })
  })

  it('passes over what the caller excludes by name, with its aliases', () => {
    const pet = draft('Pet', '*id', { problems: ['cannot be this'], aliases: [{ name: 'Dog' }] })
    const mapping = assembleMapping([pet, draft('Tag', '*id')], { excluded: [], exclude: { Pet: 'rebuilt from elsewhere' } })
    expect(mappingText(mapping)).toBe('Tag tag [id]\nexcluded Dog: rebuilt from elsewhere\nexcluded Pet: rebuilt from elsewhere')
  })

  it('refuses an exclusion of nothing, and of one class of a shared table', () => {
    const pet = draft('Pet', '*id', { aliases: [{ name: 'Dog' }] })
    const unknown = refusal(() => assembleMapping([pet], { excluded: [], exclude: { Cat: 'typo' } }))
    expect([unknown.code, unknown.message]).toEqual(['E_ENTITY_UNKNOWN', expect.stringContaining('Pet')])
    const alias = refusal(() => assembleMapping([pet], { excluded: [], exclude: { Dog: 'only dogs' } }))
    expect([alias.code, alias.message]).toEqual(['E_CONFIG', expect.stringContaining('shares the table pet with Pet')])
  })
})
