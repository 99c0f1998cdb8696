import { join } from 'node:path'
import libsql from 'libsql'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TENANTS, tenantShop } from '../fixtures/tenants/tenant-shop.ts'
import { type CliApp, cliApp } from '../support/cli-app.ts'

const [ACME, LOUD, , ODD] = TENANTS

let app: CliApp
let mine: string
let theirs: string

beforeAll(async () => {
  app = await cliApp({
    config: 'tenants/cli-tenants-config.ts',
    make: async (folder) => {
      const database = new libsql(join(folder, 'shop.sqlite'))
      database.exec(tenantShop('sqlite').join(';\n'))
      database.close()
    },
  })
  const backUp = async (scope: string) => String((await app.run(['backup', 'shop', '--scope', scope, '--json'])).line('summary').snapshotId)
  mine = await backUp(ACME)
  theirs = await backUp(LOUD)
})
afterAll(() => app.remove())

const image = () =>
  JSON.stringify(['customer', 'tag', 'orders', 'order_line', 'order_tag', 'country'].map((table) => app.sql(`SELECT * FROM ${table} ORDER BY 1, 2`)))

describe('--scope', () => {
  it("is asked for, and leads to what is that tenant's alone", async () => {
    const bare = await app.run(['backup', 'shop'])
    expect(bare).toMatchObject({ exitCode: 2 })
    expect(bare.stderr).toContain('E_SCOPE')
    const listed = async (...more: string[]) => (await app.run(['list', '--json', ...more])).lines.filter(({ type }) => type === 'snapshot').map(({ id }) => id)
    expect(await listed('--scope', ACME)).toEqual([mine])
    expect(await listed('--scope', LOUD)).toEqual([theirs])
    expect(await listed()).toEqual([])
    const looks = [['show'], ['verify'], ['compare'], ['check-restorable'], ['restore', '--dry-run'], ['plan'], ['delete', '--reason', 'a try']]
    for (const [command, ...more] of looks) {
      for (const scope of [[], ['--scope', LOUD]]) {
        const run = await app.run([command!, mine, ...more, ...scope])
        expect(run.exitCode, `${command} ${scope.join(' ')}`).toBe(10)
        expect(run.stderr).toContain('E_SNAPSHOT_UNKNOWN')
      }
      if (command !== 'delete') expect((await app.run([command!, mine, ...more, '--scope', ACME])).exitCode, command).toBe(0)
    }
    const told = async (scope: string) =>
      (await app.run(['history', 'Customer', '2', '--scope', scope, '--json'])).lines.filter(({ type }) => type === 'version')
    expect(await told(LOUD)).toHaveLength(1)
    expect(await told(ACME)).toEqual([])
  })

  it('holds from the plan to the undo, and is printed in what is to be typed next', async () => {
    app.sql(`UPDATE customer SET name = 'bad' WHERE id IN (1, 2)`)
    const bad = image()
    const planned = await app.run(['plan', mine, '--scope', ACME, '--policy', 'overwrite'])
    expect(planned.exitCode).toBe(0)
    const [, plan] = /Apply it: holdfast apply (\S+) --scope acme\n/.exec(planned.stdout)!
    expect((await app.run(['apply', plan!, '--scope', LOUD])).exitCode).toBe(10)
    const applied = await app.run(['apply', plan!, '--scope', ACME, '--by', 'ada'])
    const [, restore] = /Undo it: holdfast undo (\S+) --scope acme\n/.exec(applied.stdout)!
    expect(app.sql('SELECT name FROM customer WHERE id IN (1, 2) ORDER BY id')).toEqual([{ name: 'customer 1' }, { name: 'bad' }])
    const restores = async (...more: string[]) => (await app.run(['restores', '--json', ...more])).lines.filter(({ type }) => type === 'restore')
    expect(await restores('--scope', ACME)).toMatchObject([{ restoreId: restore, by: 'ada', scope: ACME, targetScope: ACME }])
    expect(await restores('--scope', LOUD)).toEqual([])
    expect((await app.run(['undo', restore!])).exitCode).toBe(10)
    expect((await app.run(['undo', restore!, '--scope', ACME])).exitCode).toBe(0)
    expect(image()).toBe(bad)
    const refused = await app.run(['restore', mine, '--scope', ACME, '--yes'])
    expect(refused.exitCode).toBe(3)
    expect(refused.stderr).toContain('main.Customer [1] conflict')
    app.sql(`UPDATE customer SET name = 'customer ' || id`)
  })

  it('may be another where rows go to', async () => {
    const clash = await app.run(['restore', mine, '--scope', ACME, '--target-scope', ODD, '--yes'])
    expect(clash.exitCode).toBe(3)
    expect(clash.stderr).toContain('E_SCOPE_ROWS')
    expect((await app.run(['restore', mine, '--target-scope', ODD, '--yes'])).exitCode).toBe(2)
    for (const [table, id] of [
      ['order_tag', 'order_id'],
      ['order_line', 'order_id'],
      ['orders', 'id'],
      ['tag', 'id'],
      ['customer', 'id'],
    ])
      app.sql(`DELETE FROM ${table} WHERE ${id} % 4 = 1`)
    const done = await app.run(['restore', mine, '--scope', ACME, '--target-scope', ODD, '--undo', '--yes'])
    const [, restore, scope] = /Undo it: holdfast undo (\S+) --scope (.+)\n/.exec(done.stdout)!
    expect(scope).toBe(`'${ODD.replaceAll("'", String.raw`'\''`)}'`)
    expect(app.sql(`SELECT count(*) AS n FROM customer WHERE id % 4 = 1 AND tenant = '${ODD.replaceAll("'", "''")}'`)).toEqual([{ n: 20 }])
    expect((await app.run(['undo', restore!, '--scope', ODD])).exitCode).toBe(0)
    expect(app.sql('SELECT count(*) AS n FROM customer')).toEqual([{ n: 60 }])
    expect((await app.run(['restore', mine, '--scope', ACME, '--yes'])).exitCode).toBe(0)
  })

  it('is in the ledger, and goes before a session that is resumed', async () => {
    expect((await app.run(['erase', 'Customer', '1', '--scope', 'nobody'])).exitCode).toBe(2)
    const bare = await app.run(['erase', 'Customer', '1'])
    expect(bare.exitCode).toBe(2)
    expect(bare.stderr).toMatch(/E_SCOPE[^]*nothing was erased[^]*--scope/)
    expect((await app.run(['erase', 'Customer', '1', '--scope', ACME])).exitCode).toBe(0)
    const look = async (id: string, scope: string) => (await app.run(['restore', id, '--scope', scope, '--dry-run'])).stdout
    expect(await look(mine, ACME)).toContain('left out as erased: 1 record of Customer')
    expect(await look(theirs, LOUD)).not.toContain('left out')
    expect((await app.run(['resume', '--last', '--scope', ACME])).exitCode).toBe(10)
  })

  it("prunes what is that tenant's alone", async () => {
    expect((await app.run(['backup', 'shop', '--scope', ACME, '--kind', 'full'])).exitCode).toBe(0)
    expect((await app.run(['delete', mine, '--reason', 'done with', '--scope', ACME])).exitCode).toBe(0)
    expect((await app.run(['prune', '--scope', 'nobody'])).exitCode).toBe(2)
    const buckets = async (...more: string[]) => (await app.run(['prune', '--dry-run', '--json', ...more])).lines.filter(({ type }) => type === 'bucket')
    expect(await buckets('--scope', ACME)).toMatchObject([{ before: { snapshots: 2 } }])
    expect((await buckets()).length).toBeGreaterThan(2)
  })
})
