import { randomBytes } from 'node:crypto'
import libsql from 'libsql'
import mysql from 'mysql2/promise'
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { RowWatch } from '../../src/contracts/index.ts'
import { uuidv7 } from '../../src/kernel/ids.ts'
import type { ChinookDialect } from '../fixtures/chinook/chinook-names.ts'
import { TENANTS } from '../fixtures/tenants/tenant-shop.ts'
import { openTypeormTenants } from '../fixtures/tenants/typeorm-tenants.ts'
import { failure } from '../support/failure.ts'
import { openTenantRig, type TenantRig } from '../support/tenant-rig.ts'

const [ACME] = TENANTS

/** Somebody else's statement, which gives up where it would have to wait. */
async function isHeldOff(dialect: ChinookDialect, location: string, sql: string): Promise<boolean> {
  const outcome = async (work: () => Promise<unknown>, blocked: RegExp) => {
    try {
      await work()
      return false
    } catch (error) {
      if (blocked.test(String(error))) return true
      throw error
    }
  }
  if (dialect === 'sqlite') {
    const database = new libsql(location)
    try {
      database.exec('PRAGMA busy_timeout = 0')
      return await outcome(async () => database.exec(sql), /locked|busy/i)
    } finally {
      database.close()
    }
  }
  if (dialect === 'mysql') {
    const connection = await mysql.createConnection(location)
    try {
      await connection.query('SET SESSION innodb_lock_wait_timeout = 1')
      return await outcome(() => connection.query(sql), /Lock wait timeout/)
    } finally {
      await connection.end()
    }
  }
  const client = new pg.Client({ connectionString: location })
  await client.connect()
  try {
    await client.query(`SET lock_timeout = '500ms'`)
    return await outcome(() => client.query(sql), /lock timeout/)
  } finally {
    await client.end()
  }
}

// Orders lead to their tenant by customers, which are not restored: they must not move while it is made sure of whose the orders are.
describe.each(['postgres', 'sqlite', 'mysql'] as const)('parents outside of a restore of one tenant, on %s', (dialect) => {
  let rig: TenantRig
  beforeEach(async () => {
    rig = await openTenantRig({ dialect, orm: 'TypeORM' })
  })
  afterEach(() => rig?.close())

  const merge = async (entity: 'Order' | 'OrderLine', record: Record<string, unknown>, watch: RowWatch) => {
    const { owner } = rig.holdfast.plans.resolved('shop').entities.find((each) => each.entity === entity)!
    const target = await rig.store.openTarget({ restoreId: uuidv7(), entities: [{ entity, filter: { ...owner!, value: ACME } }] })
    const [descriptor] = target.entities
    const line = Buffer.from(`${JSON.stringify(Object.fromEntries(descriptor!.fields.map(({ path }) => [path, record[path] ?? null])))}\n`)
    const lines = {
      rows: 1,
      open: async function* () {
        yield await Promise.resolve(line)
      },
    }
    const item = { record: descriptor!, entity, policy: 'overwrite' as const, lines }
    try {
      expect((await target.stage(item)).problems).toEqual([])
      return await target.merge([{ ...item, mode: 'staged' }], { sequences: [], watch })
    } finally {
      await target.close()
    }
  }
  const move = `UPDATE customer SET tenant = 'ACME' WHERE id = 1`

  it.each([
    ['an order that is written', 'Order', { id: 1, 'customer.id': 1, note: 'changed' }],
    ['an order that is made', 'Order', { id: 3001, 'customer.id': 1, note: 'new' }],
    ['a line, over two of them', 'OrderLine', { orderId: 1, no: 1, text: 'changed' }],
  ] as const)('stay where they are until %s is committed', async (_, entity, record) => {
    const held: boolean[] = []
    const report = await merge(entity, record, {
      judge: async () => [],
      // All is written and looked at; only COMMIT is left.
      settled: async () => void held.push(await isHeldOff(dialect, rig.database.location, move)),
    })
    expect(report.entities[0]!.created + report.entities[0]!.updated).toBe(1)
    expect(held).toEqual([true])
    expect(await isHeldOff(dialect, rig.database.location, move)).toBe(false)
    expect(await rig.database.count({ table: 'customer' }, `id = 1 AND tenant = 'ACME'`)).toBe(1)
  })

  it('that moved just before are seen', async () => {
    await rig.database.carelessly(move)
    const live = await rig.database.image()
    for (const record of [
      { id: 1, 'customer.id': 1, note: 'changed' },
      { id: 3001, 'customer.id': 1, note: 'new' },
    ])
      await failure(merge('Order', record, { judge: async () => [] }), 'E_SCOPE_ROWS')
    expect(await rig.database.image()).toEqual(live)
  })
})

describe('a parent that is moving while a restore begins, on PostgreSQL', () => {
  it('is waited for', async () => {
    const rig = await openTenantRig({ dialect: 'postgres', orm: 'TypeORM' })
    const client = new pg.Client({ connectionString: rig.database.location })
    try {
      const snapshot = await rig.backUp(ACME)
      await rig.database.carelessly(`UPDATE order_line SET text = 'bad' WHERE order_id = 1`)
      const live = await rig.database.image()
      await client.connect()
      await client.query('BEGIN')
      await client.query(`UPDATE customer SET tenant = 'ACME' WHERE id = 1`)
      const restoring = failure(rig.holdfast.restores.restore({ snapshot, scope: ACME, entities: ['OrderLine'], policy: 'overwrite' }), 'E_SCOPE_ROWS')
      const waits = `SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`
      for (;;) {
        const { rows } = await client.query<{ n: number }>(waits)
        if (rows[0]!.n > 0) break
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
      await client.query('COMMIT')
      await restoring
      await rig.database.carelessly(`UPDATE customer SET tenant = 'acme' WHERE id = 1`)
      expect(await rig.database.image()).toEqual(live)
    } finally {
      await client.end()
      await rig.close()
    }
  })

  it('needs the right to lock it, and says which', async () => {
    const rig = await openTenantRig({ dialect: 'postgres', orm: 'TypeORM' })
    const role = `holdfast_role_${randomBytes(6).toString('hex')}`
    const client = new pg.Client({ connectionString: rig.database.location })
    try {
      const snapshot = await rig.backUp(ACME)
      await rig.database.carelessly(`UPDATE orders SET note = 'bad' WHERE id = 1`)
      await client.connect()
      const database = new URL(rig.database.location).pathname.slice(1)
      await client.query(`CREATE ROLE ${role}; GRANT CREATE ON DATABASE "${database}" TO ${role}; GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${role};
        GRANT INSERT, UPDATE, DELETE, TRUNCATE ON orders TO ${role}; ALTER TABLE orders OWNER TO ${role}`)
      const url = new URL(rig.database.location)
      url.searchParams.set('options', `-c role=${role}`)
      const opened = await openTypeormTenants('postgres', url.href)
      const holdfast = await rig.again({ stores: [opened.store] })
      try {
        const restore = () => holdfast.restores.restore({ snapshot, scope: ACME, entities: ['Order'], policy: 'overwrite' })
        const { hint } = await failure(restore(), 'E_PERMISSION')
        expect(hint).toMatch(/GRANT UPDATE ON ("?public"?\.)?"?customer"? TO/)
        await client.query(`GRANT UPDATE (name) ON customer TO ${role}`)
        expect((await restore()).totals).toMatchObject({ update: 1 })
      } finally {
        await holdfast.close()
        await opened.close()
      }
    } finally {
      await client.query(`DROP OWNED BY ${role} CASCADE; DROP ROLE ${role}`)
      await client.end()
      await rig.close()
    }
  })
})
