import { chmodSync, cpSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fsStorage } from '../../adapters/fs/index.ts'
import { openRepository, readRange, type Repository } from '../../src/archive/index.ts'
import { keyFile } from '../../src/crypto/encryption.ts'
import { createLineConverter, unchangedEntity } from '../../src/evolution/index.ts'
import { createHoldfast, type Holdfast, upcast } from '../../src/index.ts'
import { ROOT } from '../architecture/source-files.ts'
import { collect } from '../support/collect.ts'
import { type DeclaredEntity, type DeclaredStore, openDeclared, type TestDialect } from '../support/declared-tables.ts'
import { createLiveDatabase, type LiveDatabase } from '../support/end-to-end/live-database.ts'
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

interface Thing {
  readonly id: number
  readonly owner: number | null
  readonly note: string
}
type Golden = 'format-1' | 'format-1-deltas' | 'format-1-encrypted'
const golden = (name: Golden, ...path: readonly string[]) => join(ROOT, 'test/fixtures/golden', name, ...path)
const facts = <T>(name: Golden) => JSON.parse(readFileSync(golden(name, 'expected/facts.json'), 'utf8')) as T

/** On a copy: nothing may touch the golden bytes, whatever the code under test does. And a checkout does not keep the mode of a key file. */
async function copyOf(name: Golden) {
  const folder = temporaryFolder()
  cpSync(golden(name), folder.path, { recursive: true })
  const storage = fsStorage({ root: join(folder.path, 'repository') })
  if (name !== 'format-1-encrypted') return { folder, storage }
  const file = join(folder.path, 'keys/key-file')
  chmodSync(file, 0o600)
  return { folder, storage, encryption: { providers: [await keyFile(file)] } }
}

/** The entity two migrations after the archives were written. */
const TODAY: DeclaredEntity = {
  name: 'Thing',
  table: 'things',
  properties: { title: {}, length: { type: 'integer' }, ownedBy: { column: 'owned_by', nullable: true } },
}
const PLACES = [
  ['format-1-deltas', 'TypeORM'],
  ['format-1-deltas', 'MikroORM'],
  ['format-1-encrypted', 'MikroORM'],
] as const

// The archives were written once, and are never written again: what an up-caster meets there it meets in every repository of that time.
describe.each(PLACES)('up-casters over the golden archives of %s, %s', (name, orm) => {
  const { snapshots } = facts<{ readonly snapshots: readonly { readonly id: string; readonly name: string; readonly file: string }[] }>(name)
  let copy: Awaited<ReturnType<typeof copyOf>>
  let database: TestDatabase
  let store: DeclaredStore
  let holdfast: Holdfast
  const things = (file: string) =>
    readFileSync(golden(name, 'expected', file), 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Thing)
  const titled = ({ id, note, owner }: Thing) => ({ id, title: note, length: note.length, ownedBy: owner === null ? null : `owner ${owner}` })

  beforeAll(async () => {
    copy = await copyOf(name)
    database = await createTestDatabase()
    await database.query('CREATE TABLE things (id integer PRIMARY KEY, title text NOT NULL, length integer NOT NULL, owned_by text)')
    store = await openDeclared(orm, 'postgres', database.url, [TODAY])
    holdfast = await createHoldfast({
      stores: [store.store],
      storage: { main: copy.storage },
      ...(copy.encryption ? { encryption: copy.encryption } : {}),
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
    copy.folder.remove()
  })

  it.each(snapshots)('$name comes back as the records of today', async ({ id, file }) => {
    const expected = things(file).map(titled)
    await database.query('TRUNCATE things')
    const { schema, totals } = await holdfast.restores.restore({ snapshot: id })
    expect(totals.create).toBe(expected.length)
    expect(schema.filter(({ kind }) => kind === 'upcast').map(({ to }) => to)).toEqual(['Titles2', 'Owners3'])
    const rows = await database.query('SELECT id, title, length, owned_by AS "ownedBy" FROM things ORDER BY id')
    expect(rows).toEqual(expected.toSorted((a, b) => a.id - b.id))
  })

  it.each(snapshots)('$name is read as the records of today', async ({ id, file }) => {
    const expected = things(file).map(titled)
    const reader = await holdfast.discovery.open(id)
    expect(await collect(reader.stream('Thing'))).toEqual(expected)
    expect(await collect(reader.stream('Thing', { where: { length: { gt: 23 }, ownedBy: 'owner 1' } }))).toEqual(
      expected.filter(({ length, ownedBy }) => length > 23 && ownedBy === 'owner 1'),
    )
    for (const one of expected.slice(-2)) expect(await reader.findOne('Thing', one.id)).toEqual(one)
    expect(await collect((await holdfast.discovery.open(id, { as: 'archived' })).stream('Thing'))).toEqual(things(file))
  })

  it('every one is known to be restorable', async () => {
    const reports = await collect(holdfast.restores.checkRestorable())
    expect(reports.map(({ restorable }) => restorable)).toEqual(snapshots.map(() => true))
  })
})

describe.each([
  ['golden-sqlite', 'sqlite', 'lite'],
  ['golden-postgres', 'postgres', 'server'],
] as const)('an up-caster over the golden archive %s of format 1', (plan, dialect: TestDialect, name) => {
  const { snapshots } = facts<{ readonly snapshots: readonly { readonly id: string; readonly plan: string }[] }>('format-1')
  const { id } = snapshots.find((snapshot) => snapshot.plan === plan)!
  const archived = readFileSync(golden('format-1', 'expected', `${plan}.Parent.ndjson`), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { readonly id: number; readonly name?: string })
  let database: LiveDatabase

  beforeAll(async () => {
    database = await createLiveDatabase(dialect)
    await database.carelessly('CREATE TABLE parents (id INTEGER NOT NULL PRIMARY KEY, label VARCHAR(100) NOT NULL)')
  })
  afterAll(() => database.drop())

  it('makes records of today, to read and to restore', async () => {
    const copy = await copyOf('format-1')
    const store = await openDeclared('TypeORM', dialect, database.location, [{ name: 'Parent', table: 'parents', properties: { label: {} } }], name)
    const change = ({ id: key, name: label = null }: Readonly<Record<string, unknown>>) => ({ id: key, label: `${String(key)}: ${String(label)}` })
    const holdfast = await createHoldfast({
      stores: [store.store],
      storage: { default: copy.storage },
      schema: [upcast('Parent', { from: null, to: 'Labels', change })],
    })
    try {
      const expected = archived.map(({ id: key, name: label = null }) => ({ id: key, label: `${key}: ${label}` }))
      const reader = await holdfast.discovery.open(id)
      expect(await collect(reader.stream('Parent'))).toEqual(expected)
      expect(await reader.findOne('Parent', expected[0]!.id)).toEqual(expected[0])
      expect((await holdfast.restores.restore({ snapshot: id, entities: ['Parent'] })).totals).toMatchObject({ create: expected.length })
      expect(await database.count({ table: 'parents' }, expected.map(({ id: key, label }) => `(id = ${key} AND label = '${label}')`).join(' OR '))).toBe(
        expected.length,
      )
    } finally {
      await holdfast.close()
      await store.close()
      copy.folder.remove()
    }
  })
})

describe.each(['format-1', 'format-1-deltas', 'format-1-encrypted'] as const)('the golden archives of %s', (name) => {
  it('keep every byte under an up-caster that touches nothing, whatever the kinds of values', async () => {
    const { folder, storage, encryption } = await copyOf(name)
    try {
      const repository: Repository = await openRepository({ storage, ...(encryption ? { encryption } : {}) })
      const scope = repository.scope()
      let lines = 0
      for await (const { id } of scope.listSnapshots()) {
        for (const { descriptor: archived, ranges } of (await scope.readManifest(id)).entities) {
          const upcaster = { from: null, to: 'same', change: (record: object) => ({ ...record }) as never }
          const evolution = { ...unchangedEntity(archived), upcasters: [upcaster], converts: true }
          for (const range of ranges) {
            const before = Buffer.concat(await collect(readRange(scope.chunks, range)))
            const probe = before.byteLength === 0 ? null : before.subarray(0, before.indexOf(0x0a) + 1)
            const { convert, record } = createLineConverter({ archived, evolution, live: archived, probe, keyStays: true })
            expect(Buffer.concat(await collect(convert(readRange(scope.chunks, range)))).toString()).toBe(
              record.fields.length === archived.fields.length ? before.toString() : withoutComputed(before, archived),
            )
            lines += range.rows
          }
        }
      }
      expect(lines).toBeGreaterThan(100)
    } finally {
      folder.remove()
    }
  })
})

/** A computed column is in no up-cast record: it would be what the older schema made of it. */
function withoutComputed(lines: Buffer, { fields }: { readonly fields: readonly { readonly path: string; readonly generation?: string }[] }): string {
  const left = fields.filter(({ generation }) => generation === 'computed').map(({ path }) => path)
  return left.reduce((text, path) => text.replaceAll(new RegExp(`,"${path}":("(?:[^"\\\\]|\\\\.)*"|[^,}]*)`, 'g'), ''), lines.toString())
}
