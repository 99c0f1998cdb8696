import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { memoryStorage } from '../../adapters/memory/index.ts'
import { createHoldfast, definePlan, type Holdfast } from '../../src/index.ts'
import { collect } from '../support/collect.ts'
import { type DeclaredStore, openDeclared } from '../support/declared-tables.ts'
import { createLiveDatabase, type LiveDatabase } from '../support/end-to-end/live-database.ts'
import { settle } from '../support/postgres.ts'

const many = (count: number, row: (n: number) => string) => Array.from({ length: count }, (_, n) => `(${row(n + 1)})`).join(', ')
const SQL = [
  `CREATE TABLE orders (id INTEGER NOT NULL PRIMARY KEY, note VARCHAR(400) NOT NULL)`,
  `INSERT INTO orders (id, note) VALUES ${many(2000, (n) => `${n}, '${`order ${n}. `.repeat(14)}'`)}`,
]

describe.each(['postgres', 'mysql', 'sqlite'] as const)('an erased record at which a range begins, on %s', (dialect) => {
  let database: LiveDatabase
  let shop: DeclaredStore
  let holdfast: Holdfast

  async function backUp() {
    if (dialect === 'postgres') {
      const client = new pg.Client({ connectionString: database.location })
      await client.connect()
      await settle({ query: async (sql: string) => (await client.query(sql)).rows }).finally(() => client.end())
    }
    const { snapshotId } = await holdfast.backups.run('shop', { kind: 'incremental' })
    return holdfast.discovery.snapshot(snapshotId)
  }

  beforeAll(async () => {
    database = await createLiveDatabase(dialect)
    await database.carelessly(...SQL)
    shop = await openDeclared('TypeORM', dialect, database.location, [{ name: 'Order', table: 'orders', properties: { note: {} } }])
    const plan = definePlan({ id: 'shop', description: 'All', entities: [...shop.names], policy: { chunkBytes: 64 * 1024 } })
    holdfast = await createHoldfast({ stores: [shop.store], storage: memoryStorage(), plans: [plan] })
  })
  afterAll(async () => {
    await holdfast.close()
    await shop.close()
    await database.drop()
  })

  it('takes the place of no other that was deleted since: a range of as many old rows is not the same range', async () => {
    const before = await backUp()
    const bound = (JSON.parse(before.entities[0]!.ranges[1]!.from!) as [number])[0]
    const { rewrite } = await holdfast.erasures.erase('Order', bound, { rewrite: true })
    const manifest = await holdfast.discovery.snapshot(rewrite!.snapshots[0]!.replacement!)
    expect(manifest.entities[0]!.ranges[1]!.from).toBe(`[${bound + 1}]`)
    // The erased one is still live, and lies in the range before by now; another one went from there.
    await database.carelessly(`DELETE FROM orders WHERE id = ${bound - 1}`)
    const found = await collect(await holdfast.comparisons.compare({ before: manifest.snapshotId }))
    expect(found.map(({ key, change }) => [key, change])).toEqual([
      [`[${bound - 1}]`, 'removed'],
      [`[${bound}]`, 'added'],
    ])
    const look = await holdfast.restores.restore({ snapshot: manifest.snapshotId, policy: 'overwrite', dryRun: true })
    expect(look.totals).toMatchObject({ create: 1, identical: 1998 })
    const next = await backUp()
    expect(next).toMatchObject({ kind: 'incremental', parent: manifest.snapshotId })
    expect(next.entities[0]!.rows).toBe(1999)
    // Two ranges were rewritten, and no other is read.
    expect(next.entities[0]!.change).toMatchObject({ read: 2, reused: before.entities[0]!.ranges.length - 2 })
    expect((await holdfast.discovery.verify(next.snapshotId)).damages).toEqual([])
  })
})
