import { expect, it } from 'vitest'
import type { ErasureEntry } from '../../src/archive/index.ts'
import type { EntityDescriptor } from '../../src/contracts/index.ts'
import { findErased } from '../../src/erasure/erased-rows.ts'
import { keySpellings } from '../../src/erasure/key-spellings.ts'

it('a key of integers is spelt in every way that columns write it', () => {
  expect(keySpellings('[5]')).toEqual(['[5]', '["5"]'])
  expect(keySpellings('["-50"]')).toEqual(['["-50"]', '[-50]'])
  expect(keySpellings('["aa","1",2]')).toEqual(['["aa","1",2]', '["aa","1","2"]', '["aa",1,2]', '["aa",1,"2"]'])
  expect(keySpellings('["01"]')).toEqual(['["01"]'])
  expect(keySpellings('[1.5]')).toEqual(['[1.5]'])
})

it('who was erased by a wider key is erased in snapshots of the narrower one, and the other way round', async () => {
  const subject = (of: { readonly store: string; readonly entity: string }, key: string) => `${of.store} ${of.entity} ${key}`
  const found = async (erased: string, lines: string) => {
    const descriptor = { store: 'default', name: 'Person', table: 'person', key: ['id'], references: [], fields: [{ path: 'id', column: 'id' }] } as never
    const searched = {
      descriptor: descriptor as EntityDescriptor,
      today: 'Person',
      async *lines() {
        yield Buffer.from(lines)
      },
    }
    const entry = { store: 'default', entity: 'Person', table: 'person', subject: subject({ store: 'default', entity: 'Person' }, erased) } as ErasureEntry
    return [...(await findErased([searched], { subject }, [entry])).of('default', 'Person')]
  }
  expect(await found('["2"]', '{"id":1}\n{"id":2}\n')).toEqual(['[2]'])
  expect(await found('[2]', '{"id":"1"}\n{"id":"2"}\n')).toEqual(['["2"]'])
  expect(await found('["3"]', '{"id":1}\n{"id":2}\n')).toEqual([])
})
