import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CliApp, cliApp } from '../support/cli-app.ts'

// One accident, from the first backup to the last clean-up, as an operator types it.

let app: CliApp
let snapshot: string
let before: string

function image(): string {
  const hash = createHash('sha256')
  for (const table of ['customer', 'orders', 'order_line']) hash.update(JSON.stringify(app.sql(`SELECT * FROM ${table} ORDER BY id`)))
  return hash.digest('hex')
}

beforeAll(async () => {
  app = await cliApp()
  before = image()
})
afterAll(() => app.remove())

describe('an accident, by the command line', () => {
  it('plans shows what is covered', async () => {
    const text = await app.run(['plans'])
    expect(text).toMatchObject({ exitCode: 0, stderr: '' })
    expect(text.stdout).toContain('Plan shop: Orders, lines and customers')
    const { lines } = await app.run(['plans', '--json'])
    expect(text.stdout).toContain('Restore lost-lines: Lines that are missing, with their orders (plan shop)')
    expect(lines.map(({ type }) => type)).toEqual(['plan', 'named-restore', 'summary'])
    expect(lines[1]).toMatchObject({ id: 'lost-lines', plan: 'shop' })
    expect(lines[2]).toMatchObject({ command: 'plans', exitCode: 0, plans: 1, restores: 1, uncovered: 0 })
  })

  it('list says that there is nothing yet', async () => {
    const run = await app.run(['list'])
    expect(run).toMatchObject({ exitCode: 0, stdout: '', stderr: 'There are no snapshots.\n' })
  })

  it('backup takes a snapshot, also from a folder below', async () => {
    const run = await app.run(['backup', 'shop', '--meta', 'ticket=4711', '--tag', 'by=ada=b'], { cwd: join(app.folder, 'below') })
    expect(run.exitCode).toBe(0)
    expect(run.stdout).toMatch(
      /^Snapshot [0-9a-f-]{36}\n {2}plan shop, full \(the series has no snapshot to build on\), consistency snapshot, in .*\n {2}6,050 records of 3 entities/,
    )
    expect(readdirSync(join(app.folder, 'below'))).toEqual([])
  })

  it('backup --json ends with a summary', async () => {
    const run = await app.run(['backup', 'shop', '--json', '--kind', 'incremental', '--max-bytes-per-second', '1GiB', '--max-rows-per-second', '1000000'])
    expect(run.exitCode).toBe(0)
    expect(run.stderr).toBe('')
    expect(run.line('status')).toMatchObject({ operation: 'backup' })
    expect(run.lines.at(-1)).toMatchObject({ type: 'summary', command: 'backup', exitCode: 0, kind: 'incremental', planId: 'shop', totals: { rows: 6050 } })
  })

  it('list gives both, newest first', async () => {
    const run = await app.run(['list', 'shop', '--json'])
    expect(run.lines.map(({ type, kind, metadata }) => [type, kind, metadata])).toEqual([
      ['snapshot', 'incremental', {}],
      ['snapshot', 'full', { ticket: '4711', by: 'ada=b' }],
      ['summary', undefined, undefined],
    ])
    snapshot = String(run.lines[0]!.id)
    expect((await app.run(['list', '--limit', '1'])).stdout).toContain(snapshot)
  })

  it('show tells what is in it', async () => {
    const run = await app.run(['show', snapshot])
    expect(run.exitCode).toBe(0)
    expect(run.stdout).toMatch(/Order +2,000 /)
    const json = await app.run(['show', snapshot, '--json'])
    expect(json.lines.filter(({ type }) => type === 'entity').map(({ entity, rows }) => [entity, rows])).toEqual([
      ['Customer', 50],
      ['Order', 2000],
      ['OrderLine', 4000],
    ])
  })

  it('verify reads it back', async () => {
    const run = await app.run(['verify', snapshot, '--level', 'stored'])
    expect(run).toMatchObject({ exitCode: 0, stderr: '' })
    expect(run.stdout).toMatch(/^Sound: .* level stored\n$/)
  })

  it('restore --dry-run shows the damage, with 3 where the policy refuses', async () => {
    app.sql("UPDATE orders SET status = 'lost' WHERE id <= 7")
    app.sql('DELETE FROM order_line WHERE id > 3990')
    const refused = await app.run(['restore', snapshot, '--dry-run'])
    expect(refused.exitCode).toBe(3)
    expect(refused.stdout).toContain('conflict Order [1]  status "lost" → "paid"')
    expect(refused.stderr).toContain('7 records cannot be restored like this; nothing was written. Say what becomes of rows that differ: --policy overwrite')
    const run = await app.run(['restore', snapshot, '--dry-run', '--policy', 'overwrite', '--json'])
    expect(run.exitCode).toBe(0)
    expect(run.lines.at(-1)).toMatchObject({ type: 'summary', status: 'planned', totals: { create: 10, update: 7, identical: 6033 } })
    expect(image()).not.toBe(before)
  })

  it('show, verify and compare take latest and a time in place of an id', async () => {
    const { id: newest, committedAt } = (await app.run(['show', 'latest', '--json'])).line('snapshot')
    expect((await app.run(['list', 'shop', '--json'])).lines[0]).toMatchObject({ id: newest })
    expect((await app.run(['verify', String(committedAt), '--of-plan', 'shop', '--level', 'presence'])).stdout).toContain(`snapshot ${String(newest)},`)
    expect((await app.run(['compare', 'latest', '--json'])).lines.at(-1)).toMatchObject({ before: newest, after: 'live' })
    const early = await app.run(['show', '2020-01-01'])
    expect(early).toMatchObject({ exitCode: 10 })
    expect(early.stderr).toContain('E_SNAPSHOT_UNKNOWN: there is no snapshot at or before 2020-01-01T00:00:00.000Z')
    expect((await app.run(['verify', 'latest', '--of-plan', 'shpo'])).stderr).toContain('Did you mean "shop"')
    expect((await app.run(['show', 'yesterday'])).stderr).toContain('there is no snapshot "yesterday"')
  })

  it('compare lists what changed since, history the life of a record', async () => {
    const run = await app.run(['compare', snapshot])
    expect(run).toMatchObject({ exitCode: 0, stderr: '' })
    expect(run.stdout).toContain('changed  Order [1]  status "paid" → "lost"')
    expect(run.stdout).toMatch(/OrderLine +0 +10 +0/)
    const json = await app.run(['compare', snapshot, 'live', '--entity', 'Order', '--json'])
    expect(json.lines.filter(({ type }) => type === 'difference')).toHaveLength(7)
    expect(json.lines.at(-1)).toMatchObject({ type: 'summary', after: 'live', complete: true, totals: { added: 0, removed: 0, changed: 7 } })
    const limited = await app.run(['compare', snapshot, '--limit', '3'])
    expect(limited.stdout.match(/^(changed|removed) /gm)).toHaveLength(3)
    expect(limited.stderr).toContain('14 more differences are not shown; --limit shows more.')

    const versions = await app.run(['history', 'Order', '1', '--json'])
    expect(versions.lines.map(({ type, change }) => [type, change])).toEqual([
      ['version', 'appeared'],
      ['summary', undefined],
    ])
    expect((await app.run(['history', 'shop.Order', '[1]', '--oldest-first'])).stdout).toMatch(/appeared +[0-9a-f-]{36}/)
    expect((await app.run(['history', 'Order', '[1, 2]'])).exitCode).toBe(2)
    expect((await app.run(['history', 'Ordr', '1'])).stderr).toMatch(/E_ENTITY_UNKNOWN: no snapshot has "Ordr"\nhint: .*OrderLine/)
  })

  it('compare and history show records as up-casters make them, or as they were stored', async () => {
    const loud = { env: { SHOP_UPCAST: '1' } }
    const today = await app.run(['compare', snapshot, '--entity', 'Order'], loud)
    expect(today.stdout).toContain('changed  Order [1]  status "paid!" → "lost"')
    expect(today.stdout).toContain('schema: Order upcast (any version → Loud1)')
    const stored = await app.run(['compare', snapshot, '--entity', 'Order', '--as-archived'], loud)
    expect(stored.stdout).toContain('changed  Order [1]  status "paid" → "lost"')
    expect((await app.run(['history', 'Order', '1'], loud)).stdout).toContain('paid!')
    expect((await app.run(['history', 'Order', '1', '--as-archived'], loud)).stdout).not.toContain('paid!')
  })

  it('restore asks nobody where there is no terminal', async () => {
    const run = await app.run(['restore', snapshot, '--policy', 'overwrite'])
    expect(run).toMatchObject({ exitCode: 2, stdout: '' })
    expect(run.stderr).toContain('E_USAGE: there is nobody to ask here\nhint: Look first with --dry-run, then restore with --yes.')
    expect((await app.run(['restore', snapshot, '--dry-run', '--yes'])).exitCode).toBe(2)
  })

  it('restore --yes with policy fail ends in 3 and writes nothing', async () => {
    const run = await app.run(['restore', snapshot, '--yes', '--json'])
    expect(run.exitCode).toBe(3)
    expect(run.line('error')).toMatchObject({ code: 'E_RESTORE_CONFLICT', exitCode: 3 })
    expect(run.lines.at(-1)).toMatchObject({ type: 'summary', exitCode: 3 })
    expect(image()).not.toBe(before)
  })

  it('restore of an entity whose parents are gone lists the records', async () => {
    app.sql('DELETE FROM order_line WHERE id <= 2')
    app.sql('DELETE FROM orders WHERE id = 1')
    const run = await app.run(['restore', snapshot, '--entity', 'OrderLine', '--yes', '--json'])
    expect(run.exitCode).toBe(3)
    expect(run.line('problem')).toMatchObject({ store: 'shop', entity: 'OrderLine', cause: 'missing-parent' })
    expect(run.line('error')).toMatchObject({ code: 'E_RESTORE_REJECTED' })
    const text = await app.run(['restore', snapshot, '--entity', 'OrderLine', '--dry-run'])
    expect(text.exitCode).toBe(3)
    expect(text.stdout).toMatch(/2 problems:\n {2}OrderLine \[1\] missing-parent/)
  })

  it('restore on a terminal looks, asks, and takes only yes for yes', async () => {
    const restore = ['restore', snapshot, '--policy', 'overwrite']
    const no = await app.converse(restore, 'n')
    expect(no.exitCode).toBe(1)
    expect(no.stdout).toContain('Dry run: ')
    expect(no.stderr).toContain('Create 13 records and change 6 records? [y/N] ')
    expect(no.stderr).toContain('Nothing was written.')
    const interrupted = await app.converse(restore, null)
    expect(interrupted.exitCode).toBe(130)
    expect(interrupted.stderr).toContain('E_ABORTED: ')
    expect(image()).not.toBe(before)
    const yes = await app.converse([...restore, '--entity', 'Customer', 'Order'], 'y')
    expect(yes.exitCode).toBe(0)
    expect(yes.stdout).toMatch(/Dry run: (.*\n)*Restored: /)
  })

  it('restore --yes brings everything back', async () => {
    const run = await app.run(['restore', snapshot, '--policy', 'overwrite', '--yes'])
    expect(run.exitCode).toBe(0)
    expect(run.stdout).toMatch(/^Restored: snapshot .* policy overwrite/)
    expect(image()).toBe(before)
  })

  it('restore --named runs what the configuration declares, and takes nothing that it says itself', async () => {
    app.sql('DELETE FROM order_line WHERE id > 3990')
    app.sql("UPDATE orders SET status = 'lost' WHERE id = 1")
    const look = await app.run(['restore', '--named', 'lost-lines', '--dry-run', '--json'])
    expect(look.lines.at(-1)).toMatchObject({ type: 'summary', name: 'lost-lines', snapshotId: snapshot, status: 'planned', totals: { create: 10, update: 0 } })
    const planned = await app.run(['plan', 'latest', '--named', 'lost-lines', '--json'])
    expect(planned.lines.at(-1)).toMatchObject({ rows: 10, totals: { create: 10 } })
    const done = await app.run(['restore', new Date(Date.now() + 60_000).toISOString(), '--named', 'lost-lines', '--yes', '--by', 'ada', '--json'])
    expect(done.lines.at(-1)).toMatchObject({ status: 'completed', name: 'lost-lines', by: 'ada', totals: { create: 10, update: 0 } })
    expect((await app.run(['restores', '--limit', '1', '--json'])).lines[0]).toMatchObject({ type: 'restore', name: 'lost-lines', by: 'ada' })
    expect((await app.run(['restores', '--limit', '1'])).stdout).toContain(`lost-lines: snapshot ${snapshot}`)
    app.sql("UPDATE orders SET status = 'paid' WHERE id = 1")
    expect(image()).toBe(before)
    const refused = await app.run(['restore', snapshot, '--named', 'lost-lines', '--policy', 'overwrite', '--no-create', '--delete-extra', '--dry-run'])
    expect(refused.exitCode).toBe(2)
    expect(refused.stderr).toContain('E_USAGE: --named is given, and --delete-extra, --policy, --no-create as well')
    expect((await app.run(['restore', snapshot, '--named', 'lost-lines', '--dry-run'])).stderr).toContain('is neither latest nor a time')
    expect((await app.run(['restore', '--dry-run'])).stderr).toContain('E_USAGE: no snapshot is given')
    const unknown = await app.run(['restore', '--named', 'lost-line', '--dry-run'])
    expect(unknown).toMatchObject({ exitCode: 10 })
    expect(unknown.stderr).toContain('Did you mean "lost-lines"?')
  })

  it('plan shows it, apply does exactly that, undo takes it back, restores lists it', async () => {
    app.sql("UPDATE orders SET status = 'lost' WHERE id <= 3")
    const broken = image()
    const refused = await app.run(['plan', snapshot])
    expect(refused.exitCode).toBe(3)
    expect(refused.stderr).toContain(
      '3 records cannot be restored like this, so the plan cannot be applied. Say what becomes of rows that differ: --policy overwrite',
    )
    const shown = await app.run(['plan', snapshot, '--policy', 'overwrite', '--by', 'ada'])
    expect(shown.exitCode).toBe(0)
    expect(shown.stdout).toMatch(/^Plan .* 3 rows to touch, until (.*\n)* {2}update +Order \[1\] {2}status "lost" → "paid"(.*\n)* {2}Apply it: holdfast apply /)
    const planned = (await app.run(['plan', snapshot, '--policy', 'overwrite', '--json'])).lines.at(-1)!
    expect(planned).toMatchObject({ type: 'summary', rows: 3, problems: 0, totals: { update: 3 } })
    const rows = await app.run(['rows', String(planned.planId), '--json'])
    expect(rows.lines.map(({ type, key, action }) => [type, key, action])).toEqual([
      ...[1, 2, 3].map((id) => ['row', `[${id}]`, 'update']),
      ['summary', undefined, undefined],
    ])
    const first = await app.run(['rows', String(planned.planId), '--limit', '1'])
    expect(first.stdout).toMatch(/3 rows to touch(.*\n)* {2}update {3}Order \[1\]\n$/)
    expect(first.stderr).toBe('2 more rows are not shown; --limit shows more.\n')
    const nobodys = await app.run(['rows', snapshot])
    expect(nobodys).toMatchObject({ exitCode: 10, stdout: '' })
    expect(nobodys.stderr).toMatch(/E_RESTORE_UNKNOWN: there is no plan .*\nhint: .*--scope.*plan again/)
    app.sql("UPDATE orders SET status = 'other' WHERE id = 3")
    const stale = await app.run(['apply', String(planned.planId)])
    expect(stale.exitCode).toBe(3)
    expect(stale.stderr).toContain('E_PLAN_STALE: not as the plan saw them: 1 row (Order [3] changed)')
    app.sql("UPDATE orders SET status = 'lost' WHERE id = 3")
    const applied = await app.run(['apply', String(planned.planId), '--by', 'ada', '--json'])
    expect(applied.lines.at(-1)).toMatchObject({ applies: planned.planId, by: 'ada', undoable: true, totals: { update: 3 } })
    const again = await app.run(['apply', String(planned.planId)])
    expect(again.exitCode).toBe(3)
    expect(again.stderr).toContain(`was applied already, by restore ${String(applied.lines.at(-1)!.restoreId)}`)
    expect(image()).toBe(before)
    const undone = await app.run(['undo', String(applied.lines.at(-1)!.restoreId)])
    expect(undone).toMatchObject({ exitCode: 0 })
    expect(undone.stdout).toMatch(/^Undone: /)
    expect(image()).toBe(broken)
    const list = await app.run(['restores', '--limit', '2', '--json'])
    expect(list.lines.slice(0, 2).map(({ undoes, applies }) => [undoes, applies])).toEqual([
      [applied.lines.at(-1)!.restoreId, null],
      [null, planned.planId],
    ])
    expect(list.lines[0]).toMatchObject({ by: 'operator' }) // nobody was named: the account's name
    expect((await app.run(['restores'])).stdout).toContain(`plan ${String(planned.planId)}`)
    expect((await app.run(['undo', snapshot])).exitCode).toBe(10)
    const picked = await app.run([
      'plan',
      'latest',
      '--of-plan',
      'shop',
      '--key',
      'Order=1',
      '--key',
      'Order=2',
      '--fields',
      'Order=status',
      '--policy',
      'overwrite',
      '--json',
    ])
    expect(picked.lines.at(-1)).toMatchObject({ rows: 2, totals: { records: 2, update: 2 } })
    const related = await app.run([
      'restore',
      snapshot,
      '--where',
      'Order={"id":{"lte":2}}',
      '--children',
      'OrderLine',
      '--policy',
      'overwrite',
      '--dry-run',
      '--json',
    ])
    expect(related.lines.at(-1)).toMatchObject({ totals: { update: 2 } })
    expect(related.lines.filter(({ type }) => type === 'entity').map(({ entity }) => entity)).toEqual(['Customer', 'Order', 'OrderLine'])
    expect((await app.run(['plan', snapshot, '--where', 'Order=paid'])).exitCode).toBe(2)
    await app.run(['restore', snapshot, '--policy', 'overwrite', '--yes'])
    expect(image()).toBe(before)
  })

  it('delete hides it and prune gives its space back', async () => {
    expect((await app.run(['delete', snapshot])).exitCode).toBe(2)
    expect((await app.run(['hold', snapshot])).exitCode).toBe(2)
    const held = await app.run(['hold', snapshot, '--reason', 'case 114', '--json'])
    const { holdId } = held.lines.at(-1) as unknown as { holdId: string }
    expect((await app.run(['holds'])).stdout).toContain('case 114')
    expect((await app.run(['holds', snapshot, '--json'])).line('hold')).toMatchObject({ holdId, snapshotId: snapshot, reason: 'case 114' })
    const refused = await app.run(['delete', snapshot, '--reason', 'taken by mistake'])
    expect(refused.exitCode).toBe(1)
    expect(refused.stderr).toMatch(/^E_SNAPSHOT_HELD: /)
    expect((await app.run(['release', holdId])).exitCode).toBe(0)
    expect((await app.run(['release', holdId])).exitCode).toBe(10)
    expect((await app.run(['holds'])).stdout).not.toContain('case 114')
    expect((await app.run(['delete', snapshot, '--reason', 'taken by mistake'])).exitCode).toBe(0)
    const audit = (await app.run(['audit', '--json'])).lines.filter(({ type }) => type === 'audit')
    expect(audit).toMatchObject([
      { act: 'snapshot-deleted', snapshots: [snapshot], reason: 'taken by mistake', by: expect.stringMatching(/./) },
      { act: 'hold-released', snapshots: [snapshot], holdId, reason: 'case 114', by: expect.stringMatching(/./) },
    ])
    expect((await app.run(['audit', '--limit', '1'])).stdout).toMatch(/snapshot-deleted .*taken by mistake/)
    const gone = await app.run(['show', snapshot])
    expect(gone.exitCode).toBe(10)
    expect(gone.stderr).toMatch(/^E_SNAPSHOT_UNKNOWN: /)
    const dry = await app.run(['prune', '--dry-run', '--grace', '1h'])
    expect(dry).toMatchObject({ exitCode: 0, stderr: '' })
    expect(dry.stdout).toContain('nothing was written')
    const retained = await app.run(['retain', '--last', '1', '--daily', 'all', '--within', '1y6mo', '--zone', 'Europe/Berlin', '--dry-run', '--json'])
    expect(retained.exitCode).toBe(0)
    expect(retained.line('series')).toMatchObject({
      bucket: 'default',
      plan: 'shop',
      kept: [{ reasons: expect.arrayContaining(['newest', 'last 1', 'within']) }],
      deleted: [],
    })
    const limited = await app.run([
      'retain',
      '--tagged',
      'release',
      '--tagged',
      'by=ada',
      '--max-age',
      '2y',
      '--max-count',
      '5',
      '--max-bytes',
      '1GiB',
      '--json',
    ])
    expect(limited.line('series')).toMatchObject({ kept: [{ reasons: ['newest'], limit: null }], deleted: [] })
    expect((await app.run(['retain', '--weekly', '4'])).stdout).toContain('0 snapshots deleted')
    for (const wrong of [[], ['--last', '-3'], ['--within', 'soon'], ['--max-age', '0d'], ['--max-bytes', 'much'], ['--last', '1', '--zone', 'Middle/Earth']])
      expect((await app.run(['retain', ...wrong])).exitCode, wrong.join(' ')).toBe(2)
    const run = await app.run(['prune', '--json'])
    expect(run.exitCode).toBe(0)
    expect(run.line('bucket')).toMatchObject({ bucket: 'default', before: { snapshots: 2 } })
    expect((await app.run(['prune', '--grace', 'soon'])).exitCode).toBe(2)
    expect((await app.run(['prune', '--grace', '0m', '--allow-more-than-half'])).exitCode).toBe(0)
    expect((await app.run(['audit', '--limit', '1', '--json'])).line('audit')).toMatchObject({
      act: 'pruned',
      snapshots: [snapshot],
      by: expect.stringMatching(/./),
    })
  })

  it('verify finds damage and ends with 13, restore refuses it with 13', async () => {
    const [{ id }] = (await app.run(['list', '--json'])).lines as [{ id: string }]
    const chunks = join(app.folder, 'backups', 's', '-', 'chunks')
    const [chunk] = readdirSync(chunks, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.hfc'))
    const bytes = readFileSync(join(chunks, chunk!))
    const sound = Buffer.from(bytes)
    bytes[bytes.length - 1]! ^= 1
    writeFileSync(join(chunks, chunk!), bytes)
    const run = await app.run(['verify', id])
    expect(run.exitCode).toBe(13)
    expect(run.stdout).toMatch(/^DAMAGED: .*1 damage in /)
    expect(run.stdout).toContain('E_ARCHIVE_CORRUPT')
    expect((await app.run(['verify', id, '--json'])).line('damage')).toMatchObject({ store: 'shop', code: 'E_ARCHIVE_CORRUPT' })
    // What is live as it is needs no chunk.
    expect((await app.run(['restore', id, '--dry-run'])).exitCode).toBe(0)
    for (const table of ['order_line', 'orders', 'customer']) app.sql(`DELETE FROM ${table}`)
    app.sql(`INSERT INTO customer (id, name, email) VALUES (999, 'n', 'e')`)
    expect((await app.run(['restore', id, '--dry-run'])).exitCode).toBe(13)
    app.sql('DELETE FROM customer')
    writeFileSync(join(chunks, chunk!), sound)
    expect((await app.run(['restore', id, '--yes'])).exitCode).toBe(0)
  })

  it('a schema that does not fit ends with 14', async () => {
    const [{ id }] = (await app.run(['list', '--json'])).lines as [{ id: string }]
    app.sql('ALTER TABLE customer RENAME COLUMN email TO mail')
    const run = await app.run(['restore', id, '--dry-run'])
    expect(run.exitCode).toBe(14)
    expect(run.stderr).toMatch(/^E_SCHEMA_DRIFT: /)
    app.sql('ALTER TABLE customer RENAME COLUMN mail TO email')
  })
})

describe('what ends otherwise', () => {
  it.each([
    ['an unknown command', ['bakup'], "E_USAGE: unknown command 'bakup'; did you mean backup?"],
    ['an unknown option', ['backup', 'shop', '--knd', 'full'], "E_USAGE: unknown option '--knd'; did you mean --kind?"],
    [
      'a choice that there is not',
      ['backup', 'shop', '--kind', 'half'],
      "E_USAGE: option '--kind <kind>' argument 'half' is invalid. Allowed choices are full",
    ],
    ['a fact without a value', ['backup', 'shop', '--meta', 'ticket'], 'Expected name=value.'],
    [
      'an amount without a unit that there is',
      ['backup', 'shop', '--max-bytes-per-second', '20MB'],
      'Expected a number of bytes, or with a unit: 512KiB, 20MiB, 1GiB.',
    ],
    [
      'a rate of nothing',
      ['backup', 'shop', '--max-rows-per-second', '0'],
      'E_CONFIG: source.maxRowsPerSecond = 0: not a whole number in range. Give a whole number from 1 to 1000000000.',
    ],
    ['a missing argument', ['show'], "E_USAGE: missing required argument 'snapshot'"],
    ['no command', [], 'E_USAGE: a command is missing'],
    ['resume without either', ['resume'], 'E_USAGE: resume takes a token or --last'],
    ['an entity that there is not', ['restore', 'SNAPSHOT', '--entity', 'Ordr', '--dry-run'], 'E_ENTITY_UNKNOWN'],
    ['a configuration that is not there', ['list', '--config', 'nowhere.mjs'], 'E_CONFIG: there is no configuration file'],
  ])('%s ends with 2', async (_, args, message) => {
    const [{ id }] = (await app.run(['list', '--json'])).lines as [{ id: string }]
    const run = await app.run(args.map((arg) => (arg === 'SNAPSHOT' ? id : arg)))
    expect(run.stderr).toContain(message)
    expect(run.stderr).toContain('hint: ')
    expect(run).toMatchObject({ exitCode: 2, stdout: '' })
  })

  it('a usage error under --json is JSON as well', async () => {
    const run = await app.run(['backup', '--json'])
    expect(run).toMatchObject({ exitCode: 2, stderr: '' })
    expect(run.lines).toMatchObject([
      { type: 'error', code: 'E_USAGE', exitCode: 2 },
      { type: 'summary', command: null, exitCode: 2 },
    ])
  })

  it('a configuration with problems ends with 2 and lists them; --config goes before HOLDFAST_CONFIG goes before the file found', async () => {
    writeFileSync(join(app.folder, 'below', 'bad.mjs'), 'export default { stores: [], storage: {} }')
    const env = { HOLDFAST_CONFIG: 'below/bad.mjs' }
    const bad = await app.run(['list'], { env })
    expect(bad.exitCode).toBe(2)
    expect(bad.stderr).toMatch(/^E_CONFIG: bad\.mjs has 2 problems:\n {2}1\. stores is an empty list; expected .*\n {2}2\. storage is an object; expected /)
    expect((await app.run(['list', '-c', 'holdfast.config.mjs'], { env })).exitCode).toBe(0)
  })

  it('a plan, a snapshot, a session that there is not ends with 10', async () => {
    const runs = await Promise.all([app.run(['backup', 'shp']), app.run(['verify', 'nope']), app.run(['resume', '--last'])])
    expect(runs.map(({ exitCode, stderr }) => [exitCode, stderr.split(':')[0]])).toEqual([
      [10, 'E_PLAN_UNKNOWN'],
      [10, 'E_SNAPSHOT_UNKNOWN'],
      [10, 'E_SESSION_UNKNOWN'],
    ])
  })

  it('a storage that cannot do what is needed ends with 15', async () => {
    const run = await app.run(['backup', 'shop'], { env: { SHOP_NO_CONDITIONAL_PUT: '1' } })
    expect(run.exitCode).toBe(15)
    expect(run.stderr).toMatch(/^E_CAPABILITY: /)
  })

  it('a database that cannot be opened ends with 1, and --verbose shows the cause', async () => {
    writeFileSync(
      join(app.folder, 'below', 'down.mjs'),
      `export default { storage: {}, stores: () => { throw Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:1'), { code: 'ECONNREFUSED' }) } }`,
    )
    const quiet = await app.run(['list', '-c', 'below/down.mjs'])
    expect(quiet.exitCode).toBe(1)
    expect(quiet.stderr).toMatch(/^E_STORE_FAILED: down\.mjs: stores failed: connect ECONNREFUSED/)
    expect(quiet.stderr).not.toContain('cause:')
    expect((await app.run(['list', '-c', 'below/down.mjs', '--verbose'])).stderr).toContain('cause: Error: connect ECONNREFUSED')
  })

  it('the program itself is the same in a process of its own', async () => {
    const [list, unknown] = await Promise.all([app.start(['list', '--json'], { cwd: join(app.folder, 'below') }).ended, app.start(['show', 'nope']).ended])
    expect(list).toMatchObject({ exitCode: 0, stderr: '' })
    expect(list.lines.at(-1)).toMatchObject({ type: 'summary', command: 'list', exitCode: 0 })
    expect(unknown).toMatchObject({ exitCode: 10, stdout: '' })
  })

  it('help and version end with 0 and write to stdout', async () => {
    const [help, ofCommand, version] = await Promise.all([app.run(['--help']), app.run(['restore', '--help']), app.run(['--version'])])
    expect([help.exitCode, ofCommand.exitCode, version.exitCode]).toEqual([0, 0, 0])
    for (const word of [
      'backup',
      'resume',
      'plans',
      'list',
      'show',
      'verify',
      'restore',
      'delete',
      'retain',
      'prune',
      'compare',
      'history',
      'Exit codes:',
      'Examples:',
    ])
      expect(help.stdout).toContain(word)
    expect(ofCommand.stdout).toContain('--dry-run')
    expect(version.stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
  })
})
