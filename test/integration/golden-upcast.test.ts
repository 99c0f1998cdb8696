import { cpSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fsStorage } from '../../adapters/fs/index.ts'
import { createHoldfast, type Holdfast, upcast } from '../../src/index.ts'
import { ROOT } from '../architecture/source-files.ts'
import { collect } from '../support/collect.ts'
import { type DeclaredEntity, type DeclaredStore, openDeclared } from '../support/declared-tables.ts'
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

interface Thing {
  readonly id: number
  readonly owner: number | null
  readonly note: string
}
const GOLDEN = join(ROOT, 'test/fixtures/golden/format-1-deltas')
const { snapshots } = JSON.parse(readFileSync(join(GOLDEN, 'expected/facts.json'), 'utf8')) as {
  readonly snapshots: readonly { readonly id: string; readonly name: string; readonly file: string }[]
}
/** The entity two migrations after the archives were written. */
const TODAY: DeclaredEntity = {
  name: 'Thing',
  table: 'things',
  properties: { title: {}, length: { type: 'integer' }, ownedBy: { column: 'owned_by', nullable: true } },
}

// The archives were written once, and are never written again: what an up-caster meets there it meets in every repository of that time.
describe.each(['TypeORM', 'MikroORM'] as const)('up-casters over the golden archives with deltas, %s', (orm) => {
  const copy = temporaryFolder()
  let database: TestDatabase
  let store: DeclaredStore
  let holdfast: Holdfast

  beforeAll(async () => {
    cpSync(join(GOLDEN, 'repository'), copy.path, { recursive: true })
    database = await createTestDatabase()
    await database.query('CREATE TABLE things (id integer PRIMARY KEY, title text NOT NULL, length integer NOT NULL, owned_by text)')
    store = await openDeclared(orm, 'postgres', database.url, [TODAY])
    holdfast = await createHoldfast({
      stores: [store.store],
      storage: { main: fsStorage({ root: copy.path }) },
      schema: [
        upcast('Thing', { from: 'Init1', to: 'Titles2', change: ({ note, ...thing }) => ({ ...thing, title: note, length: (note as string).length }) }),
        upcast('Thing', {
          from: 'Titles2',
          to: 'Owners3',
          change: ({ owner, ...thing }) => ({ ...thing, ownedBy: owner === null ? null : `owner ${owner as number}` }),
        }),
      ],
    })
  })
  afterAll(async () => {
    await holdfast.close()
    await store.close()
    await database.drop()
    copy.remove()
  })

  it.each(snapshots)('$name comes back as the records of today', async ({ id, file }) => {
    const lines = readFileSync(join(GOLDEN, 'expected', file), 'utf8').split('\n')
    const things = lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Thing)
    const expected = things.map(({ id: key, owner, note }) => ({
      id: key,
      title: note,
      length: note.length,
      owned_by: owner === null ? null : `owner ${owner}`,
    }))
    await database.query('TRUNCATE things')
    const { schema, totals } = await holdfast.restores.restore({ snapshot: id })
    expect(totals.create).toBe(things.length)
    expect(schema.filter(({ kind }) => kind === 'upcast').map(({ to }) => to)).toEqual(['Titles2', 'Owners3'])
    const rows = await database.query('SELECT id, title, length, owned_by FROM things ORDER BY id')
    expect(rows).toEqual(expected.toSorted((a, b) => a.id - b.id))
  })

  it('every one is known to be restorable', async () => {
    const reports = await collect(holdfast.restores.checkRestorable())
    expect(reports.map(({ restorable }) => restorable)).toEqual(snapshots.map(() => true))
  })
})
