import { describe, expect, it } from 'vitest'
import type { EntityDescriptor, EntityMapping, EntityStore, FieldMapping, ReferenceDescriptor } from '../../src/contracts/index.ts'
import { masks } from '../../src/index.ts'
import { maskRules, type MaskRule, planMasks } from '../../src/masking/index.ts'
import { failure } from '../support/failure.ts'

const entity = (name: string, fields: readonly FieldMapping[], references: readonly ReferenceDescriptor[] = []): EntityMapping => {
  return { name, kind: 'entity', aliases: [], table: name.toLowerCase(), fields, key: [fields[0]!.path], references }
}
const to = (parent: string, path: string, column: string): ReferenceDescriptor => ({
  fields: [path],
  entity: parent,
  table: parent.toLowerCase(),
  columns: [column],
})
const field = (path: string, sensitive = false): FieldMapping => ({ path, column: path.replaceAll('.', '_'), ...(sensitive ? { sensitive } : {}) })

// Keys that mean something: what refers to them holds them, too.
const ENTITIES = [
  entity('Member', [field('email')]),
  entity('Profile', [field('member.email')], [to('Member', 'member.email', 'email')]),
  entity('Agent', [field('alias')]),
  entity('Country', [field('code')]),
  entity(
    'Post',
    [field('id'), field('author.email'), field('profile.email'), field('agent.alias'), field('country.code')],
    [
      to('Member', 'author.email', 'email'),
      to('Profile', 'profile.email', 'member_email'),
      to('Agent', 'agent.alias', 'alias'),
      to('Country', 'country.code', 'code'),
    ],
  ),
]
const described = (name: string, sensitive: readonly string[] = []): EntityDescriptor => {
  const { fields, ...rest } = ENTITIES.find((one) => one.name === name)!
  const type = { type: { kind: 'text' }, dbType: 'text', nullable: false, optional: false } as const
  return {
    ...rest,
    store: 'default',
    uniques: [],
    fields: fields.map((one) => ({ ...one, ...type, ...(sensitive.includes(one.path) ? { sensitive: true } : {}) })),
  }
}
const mapping = { entities: ENTITIES, excluded: [] }

function plan(chosen: readonly string[], rules: readonly MaskRule[], beside: readonly EntityDescriptor[] = []) {
  const entities = chosen.map((name) => ({ entity: name, record: described(name), live: described(name) }))
  return planMasks('default', mapping, entities, maskRules({ key: '0123456789abcdef', rules }, [{ name: 'default', mapping } as unknown as EntityStore]), {
    beside,
  })
}
const of = (name: string, path: string, masker: MaskRule['masks'][string]): MaskRule => ({ of: name, masks: { [path]: masker } })

describe('keys of a person in what refers to them', () => {
  it('go nowhere unmasked when the entity itself is not among what goes', async () => {
    const { details } = await failure(
      Promise.resolve().then(() => plan(['Post'], [], [described('Agent', ['alias'])])),
      'E_MASKING',
    )
    expect(details.problems).toEqual([
      'Post.author.email refers to Member.email, which looks sensitive, and is neither masked nor declared plain',
      'Post.profile.email refers to Member.email, which looks sensitive, and is neither masked nor declared plain',
      'Post.agent.alias refers to Agent.alias, which is sensitive, and is neither masked nor declared plain',
    ])
    expect(plan(['Country'], []).get('Country')).toEqual([])
  })

  it('are masked as the entity says, or left when something says that they may be', () => {
    const agent = [described('Agent', ['alias'])]
    const masked = plan(['Post'], [of('Member', 'email', masks.email()), of('Agent', 'alias', masks.fake())], agent)
    expect(masked.get('Post')!.map((one) => [one.field.path, one.masker])).toEqual([
      ['author.email', 'email'],
      ['profile.email', 'email'],
      ['agent.alias', 'fake'],
    ])
    expect(plan(['Post'], [of('Member', 'email', masks.plain()), of('Agent', 'alias', masks.plain())], agent).get('Post')).toEqual([])
  })
})
