import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import type { Logger } from '../../src/contracts/index.ts'
import { createTestDatabase } from '../support/postgres.ts'
import { stagingShop } from '../support/staging-shop.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const CHILD = fileURLToPath(new URL('../support/staging-child.ts', import.meta.url))
const ROWS = 3000

it('kill -9 while records are staged: all is as it was, and the same restore goes on with what is there', async () => {
  const database = await createTestDatabase()
  const folder = temporaryFolder()
  const said: { readonly facts: object; readonly message: string }[] = []
  const logger = new Proxy({} as Logger, { get: () => (facts: object, message: string) => void said.push({ facts, message }) })
  let shop: Awaited<ReturnType<typeof stagingShop>> | null = null
  try {
    await database.query(`
      CREATE TABLE customer (id int PRIMARY KEY, name text NOT NULL);
      CREATE TABLE orders (id int PRIMARY KEY, customer_id int NOT NULL REFERENCES customer, note text NOT NULL);
      INSERT INTO customer SELECT i, 'c' || i FROM generate_series(1, ${ROWS}) i;
      INSERT INTO orders SELECT i, i, 'n' || i FROM generate_series(1, ${ROWS}) i`)
    shop = await stagingShop(database.url, folder.path, { logger })
    const { snapshotId } = await shop.holdfast.backups.run('shop')
    const image = () =>
      database.query<{ text: string }>(
        `SELECT (SELECT md5(string_agg(c::text, '' ORDER BY id)) FROM customer c) || (SELECT md5(string_agg(o::text, '' ORDER BY id)) FROM orders o) AS text`,
      )
    const whole = await image()
    await database.query(`UPDATE customer SET name = 'lost'; UPDATE orders SET note = 'lost'`)
    const damaged = await image()

    // Where the first chunk of the orders is asked for, the customers are staged.
    const { entities } = await shop.holdfast.discovery.snapshot(snapshotId)
    const object = entities.find(({ descriptor }) => descriptor.name === 'Order')!.ranges[0]!.layers[0]!.name
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', CHILD, database.url, folder.path, snapshotId, `${object}.hfc`], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const ended = once(child, 'exit')
    let output = ''
    for await (const bytes of child.stdout) if ((output += String(bytes)).includes('stopped')) break
    child.kill('SIGKILL')
    await ended
    expect(output).toContain('stopped')
    expect(await image()).toEqual(damaged)
    const locks = () =>
      database.query(`SELECT FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`)
    for (const deadline = Date.now() + 60_000; (await locks()).length > 0; await sleep(20))
      if (Date.now() > deadline) throw new Error('the server holds the lock of a dead restore')

    const { totals } = await shop.holdfast.restores.restore({ snapshot: snapshotId, policy: 'overwrite' })
    expect(totals).toMatchObject({ update: 2 * ROWS })
    expect(said.filter(({ message }) => message.includes('taken up')).map(({ facts }) => facts)).toMatchObject([{ entity: 'Customer', records: ROWS }])
    expect(await image()).toEqual(whole)
    expect(await database.query(`SELECT FROM pg_namespace WHERE nspname = 'holdfast_staging'`)).toEqual([])
  } finally {
    await shop?.close()
    await database.drop()
    folder.remove()
  }
})
