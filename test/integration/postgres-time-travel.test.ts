import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { createReplicationLag } from '../../adapters/sql/postgres/replication-lag.ts'
import type { KnownRange, RangeState } from '../../src/contracts/index.ts'
import { failure } from '../support/failure.ts'
import { notRun } from '../support/not-run.ts'
import { clusterBinaries, createCluster, type PostgresCluster } from '../support/postgres-cluster.ts'
import { checkAll, inView, mappingOf, remember, table, testPool } from '../support/postgres-lane.ts'

/**
 * Row versions speak of one heap that never went back in time. Here it does: in servers of the test's own, that are restarted, crashed, copied, set back, followed and promoted. Each
 * case is made so that row versions alone would say "unchanged", or "changed" of the same rows, and be wrong.
 */

if (!clusterBinaries) notRun('PostgreSQL evidence over restarts, clones and standbys', 'no PostgreSQL binaries, or no user to run them as', { required: false })

const mapping = mappingOf(table('item', 'id v'))

describe.runIf(clusterBinaries)('evidence of a PostgreSQL server', () => {
  let primary: PostgresCluster
  const clusters: PostgresCluster[] = []
  const keep = async (cluster: Promise<PostgresCluster> | PostgresCluster) => {
    clusters.push(await cluster)
    return clusters.at(-1)!
  }

  beforeAll(async () => {
    primary = await keep(createCluster())
  })
  afterEach(async () => {
    for (const cluster of clusters.splice(1)) await cluster.remove()
  })
  afterAll(async () => {
    for (const cluster of clusters) await cluster.remove()
  })

  const fill = () =>
    primary.query(
      `DROP TABLE IF EXISTS item; CREATE TABLE item (id int PRIMARY KEY, v text); INSERT INTO item SELECT i, 'v' || i FROM generate_series(1, 100) i`,
    )
  async function inside<T>(cluster: PostgresCluster, work: (connections: ReturnType<typeof testPool>['connections']) => Promise<T>): Promise<T> {
    const lane = testPool(cluster.url, 3)
    try {
      return await work(lane.connections)
    } finally {
      await lane.pool.end()
    }
  }
  const know = (cluster: PostgresCluster): Promise<KnownRange> =>
    inside(cluster, (connections) => inView(connections, mapping, (view) => remember(view, 'item')))
  const check = (cluster: PostgresCluster, known: KnownRange): Promise<RangeState> =>
    inside(cluster, (connections) => inView(connections, mapping, async (view) => (await checkAll(view, 'item', [known]))[0]!))
  /** Uses transaction ids up, and log positions. */
  const pass = async (cluster: PostgresCluster, transactions: number) => {
    await cluster.query(`DO $$ BEGIN FOR i IN 1..${transactions} LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$`)
    await cluster.query('SELECT pg_switch_wal()')
  }

  it('holds while the server runs', async () => {
    await fill()
    expect(await check(primary, await know(primary))).toMatchObject({ state: 'unchanged', method: 'xmin' })
  })

  it.each(['fast', 'immediate'] as const)('is void after a restart (%s): the lines decide', async (how) => {
    await fill()
    const known = await know(primary)
    await primary.stop(how)
    await primary.start()
    expect(await check(primary, known)).toEqual({ index: 0, state: 'unchanged', rows: 100, method: 'sha256' })
    await primary.query(`UPDATE item SET v = 'x' WHERE id = 1`)
    expect(await check(primary, known)).toMatchObject({ state: 'changed', method: 'sha256', reason: 'digest' })
    expect(await check(primary, await know(primary))).toMatchObject({ state: 'unchanged', method: 'xmin' })
  })

  it('is void after a crash that the postmaster survived: what was committed asynchronously may be gone, its ids given out again', async () => {
    await fill()
    const known = await know(primary)
    const [before] = await primary.query<{ at: string }>('SELECT pg_postmaster_start_time()::text AS at')
    const [backend] = await primary.query<{ pid: number }>(`SELECT pid FROM pg_stat_activity WHERE backend_type = 'walwriter'`)
    process.kill(backend!.pid, 'SIGKILL')
    await vi.waitFor(async () => expect(await primary.query('SELECT 1')).toHaveLength(1), { timeout: 20_000, interval: 100 })
    await vi.waitFor(
      async () =>
        expect((await primary.query<{ pid: number }>(`SELECT pid FROM pg_stat_activity WHERE backend_type = 'walwriter'`))[0]?.pid).not.toBe(backend!.pid),
      { timeout: 20_000, interval: 100 },
    )
    expect(await primary.query('SELECT pg_postmaster_start_time()::text AS at')).toEqual([before])
    expect(await check(primary, known)).toMatchObject({ state: 'unchanged', method: 'sha256' })
  })

  it('case 33: does not hold for a clone, whose own transactions have the same ids', async () => {
    await fill()
    await primary.stop()
    const clone = await keep(primary.copy())
    await primary.start()
    await clone.start()
    await pass(primary, 200)
    const known = await know(primary)
    // On the clone the same ids are younger history: a row written by one of them looks old to what is known.
    await clone.query(`UPDATE item SET v = 'the clone' WHERE id = 7`)
    await pass(clone, 400)
    const [ids] = await clone.query<{ old: boolean }>(`SELECT xmin::text::bigint < ${known.evidence.values.xmin} AS old FROM item WHERE id = 7`)
    expect(ids).toEqual({ old: true })
    expect(await check(clone, known)).toMatchObject({ state: 'changed', method: 'sha256', reason: 'digest' })
    expect(await check(primary, known)).toMatchObject({ state: 'unchanged', method: 'xmin' })
  })

  it('case 33: does not hold for a server that was set back, and went on from there', async () => {
    await fill()
    await primary.stop()
    const saved = await keep(primary.copy())
    await primary.start()
    await primary.query(`UPDATE item SET v = 'lost' WHERE id = 7`)
    await pass(primary, 200)
    const known = await know(primary)
    await primary.stop()
    primary.takeFilesOf(saved)
    await primary.start()
    await primary.query(`UPDATE item SET v = 'another' WHERE id = 7`)
    await pass(primary, 400)
    expect(await check(primary, known)).toMatchObject({ state: 'changed', method: 'sha256', reason: 'digest' })
  })

  it('of the primary does not hold on a standby, which may be behind what is known', async () => {
    await fill()
    const standby = await follow()
    await caughtUp(standby)
    const early = await know(primary)
    expect(await check(standby, early)).toMatchObject({ state: 'unchanged', method: 'sha256' })

    await standby.query('SELECT pg_wal_replay_pause()')
    await primary.query(`UPDATE item SET v = 'not there yet' WHERE id = 7`)
    const late = await know(primary)
    // Its rows are all older than what is known, and as many.
    expect(await check(standby, late)).toMatchObject({ state: 'changed', method: 'sha256', reason: 'digest' })
    await standby.query('SELECT pg_wal_replay_resume()')
    await caughtUp(standby)
    expect(await check(standby, late)).toMatchObject({ state: 'unchanged', method: 'sha256' })
  })

  it('of a standby holds there while it follows, and no longer once it is promoted', async () => {
    await fill()
    const standby = await follow()
    await caughtUp(standby)
    const known = await know(standby)
    expect(await check(standby, known)).toMatchObject({ state: 'unchanged', method: 'xmin' })
    await primary.query(`UPDATE item SET v = 'x' WHERE id = 3`)
    await caughtUp(standby)
    expect(await check(standby, known)).toMatchObject({ state: 'changed', reason: 'xmin' })

    const before = await know(standby)
    await standby.query('SELECT pg_promote()')
    expect(await check(standby, before)).toMatchObject({ state: 'unchanged', method: 'sha256' })
  })

  it('on another timeline is void, also where the role is the same', async () => {
    await fill()
    const standby = await follow()
    await caughtUp(standby)
    await standby.query('SELECT pg_promote()')
    const known = await know(standby)
    expect(await check(standby, known)).toMatchObject({ state: 'unchanged', method: 'xmin' })
    expect(known.evidence.values.timeline).not.toBe((await know(primary)).evidence.values.timeline)
    const moved = { ...known, evidence: { ...known.evidence, values: { ...known.evidence.values, timeline: (await know(primary)).evidence.values.timeline! } } }
    expect(await check(standby, moved)).toMatchObject({ state: 'unchanged', method: 'sha256' })
  })

  it('tells how far a standby is behind, also one that does not move', async () => {
    await fill()
    const standby = await follow()
    await caughtUp(standby)
    await inside(primary, async (connections) => {
      const lag = createReplicationLag(connections)
      await vi.waitFor(async () => expect(await lag()).toBe(0), { timeout: 10_000, interval: 100 })
      await standby.query('SELECT pg_wal_replay_pause()')
      await primary.query(`UPDATE item SET v = 'x'`)
      await lag()
      await delay(700)
      expect(await lag()).toBeGreaterThan(500)
      await standby.query('SELECT pg_wal_replay_resume()')
      await caughtUp(standby)
      await vi.waitFor(async () => expect(await lag()).toBeLessThan(500), { timeout: 10_000, interval: 100 })
    })
    await primary.query(`DROP ROLE IF EXISTS nobody; CREATE ROLE nobody LOGIN`)
    const url = new URL(primary.url)
    url.username = 'nobody'
    const narrow = testPool(url.href, 2)
    const error = await failure(createReplicationLag(narrow.connections)(), 'E_PERMISSION')
    expect(error.hint).toMatch(/pg_monitor/)
    await narrow.pool.end()
  })

  async function follow(): Promise<PostgresCluster> {
    await primary.stop()
    const standby = await keep(primary.copy({ standbyOf: primary }))
    await primary.start()
    await standby.start()
    return standby
  }

  async function caughtUp(standby: PostgresCluster): Promise<void> {
    const [now] = await primary.query<{ lsn: string }>('SELECT pg_current_wal_flush_lsn()::text AS lsn')
    await vi.waitFor(
      async () => expect((await standby.query(`SELECT pg_last_wal_replay_lsn() >= '${now!.lsn}'::pg_lsn AS there`))[0]).toEqual({ there: true }),
      {
        timeout: 20_000,
        interval: 50,
      },
    )
  }
})
