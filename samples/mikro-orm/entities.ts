import { defineEntity, p } from '@mikro-orm/core'

/** MikroORM entities without decorators: a plan names the schemas themselves. */
export const Author = defineEntity({
  name: 'Author',
  properties: {
    id: p.integer().primary(),
    name: p.string(),
    books: () => p.oneToMany(Book).mappedBy('author'),
  },
})

export const Book = defineEntity({
  name: 'Book',
  properties: {
    id: p.integer().primary(),
    title: p.string(),
    author: () => p.manyToOne(Author),
    tags: () => p.manyToMany(Tag),
  },
})

export const Tag = defineEntity({
  name: 'Tag',
  properties: { id: p.integer().primary(), label: p.string().unique() },
})
