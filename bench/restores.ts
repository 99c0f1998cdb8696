import { changedDatabase, emptyOrders, onDatabase, shopDatabase, shopTarget, sourceDatabase, targetDatabase } from './databases.ts'
import type { OrdersWork } from './lanes/restore-orders.ts'
import type { ShopWork } from './lanes/shop-holdfast.ts'
import type { UpsertWork } from './lanes/upsert-typeorm.ts'
import { median } from './median.ts'
import { type Measured, runLane, runShell } from './run-lane.ts'
import { emptyShopTables } from './shop-table.ts'

type Facts = Awaited<ReturnType<typeof runLane>>

const orders = (url: string, repository: string, work: OrdersWork): Promise<Facts> => runLane('restore-orders', [url, repository, JSON.stringify(work)])
const shop = (url: string, repository: string, work: ShopWork): Promise<Facts> => runLane('shop-holdfast', [url, repository, JSON.stringify(work)])
const request = { entities: ['Order'], policy: 'overwrite' as const }
const OVERWRITE: OrdersWork = { do: 'restore', request }

/** Figures by name, over the rounds; what the first round measures is left out: it warms caches. */
class Figures {
  readonly #values = new Map<string, number[]>()
  round = 0

  note(name: string, value: number): void {
    if (this.round > 0) this.#values.set(name, [...(this.#values.get(name) ?? []), value])
  }

  of(name: string): number {
    return median(this.#values.get(name) ?? [])
  }
}

async function rounds(runs: number, one: (figures: Figures) => Promise<void>): Promise<Figures> {
  const figures = new Figures()
  for (; figures.round <= runs; figures.round++) await one(figures)
  return figures
}

/** One order with its customer, lines and products, of a shop of that many rows. */
export async function benchClosure(rows: number, runs: number, out: string): Promise<void> {
  const repository = `${out}/shop`
  const [source, target] = [await shopDatabase(rows), await shopTarget()]
  await shop(source, repository, { do: 'backup' })
  let chunks = ''
  let few = true
  const figures = await rounds(runs, async (figure) => {
    await onDatabase(target, emptyShopTables)
    figure.note('full', (await shop(target, repository, { do: 'restore' })).seconds)
    await onDatabase(target, (client) => client.query('VACUUM ANALYZE'))
    // The first that a process restores, with code that it has not run before, and two others.
    const orders = [0, 1, 2].map((n) => 1000 + figure.round * 777 + n * 10_007)
    const some = orders.join(', ')
    await onDatabase(target, (client) => client.query(`DELETE FROM order_lines WHERE order_id IN (${some}); DELETE FROM shop_orders WHERE id IN (${some})`))
    const { rows: created, facts } = await shop(target, repository, { do: 'record', orders })
    if (created !== 4 * orders.length) throw new Error(`${created} rows came back`)
    const [first = NaN, ...later] = facts.each as readonly number[]
    figure.note('record', first)
    for (const each of later) figure.note('another', each)
    const read = facts.chunks as readonly { entity: string; of: number; chunks: number; indexes: number }[]
    chunks = read.map(({ entity, of, chunks: some, indexes }) => `${entity} ${some} of ${of} (${indexes} indexes)`).join(', ')
    // The rows wanted of each entity stand side by side: in one chunk, or at the border of two.
    few &&= read.every(({ chunks: some }) => some <= 2 + 1.2)
  })
  const share = figures.of('record') / figures.of('full')
  console.log(`an order with its lines and parents, of a shop of ${rows.toLocaleString('en')} rows`)
  console.log(`  restore of the whole shop      ${seconds(figures.of('full'))}`)
  console.log(`  restore of the order           ${seconds(figures.of('record'))}   ${percent(share)} of it (wanted 2 %)${missed(share <= 0.02)}`)
  console.log(`  of others, by the same process ${seconds(figures.of('another'))}   ${percent(figures.of('another') / figures.of('full'))} of it`)
  console.log(`  chunks read                    ${chunks} (wanted 2 + 1.2 × those with wanted rows)${missed(few)}\n`)
}

/** Restores into the table that the snapshot is of, of which a part has changed since. */
export async function benchDelta(rows: number, runs: number, out: string): Promise<void> {
  const repository = `${out}/delta`
  const full = await targetDatabase()
  const kinds = [
    { name: 'newest 1 % changed', where: `id > (SELECT max(id) - count(*) / 100 FROM orders)`, most: 0.15 },
    { name: '1 % changed at random', where: `abs(hashint8(id)) % 100 = 7`, most: 0.5 },
  ]
  const figures = await rounds(runs, async (figure) => {
    const url = await changedDatabase(rows)
    await runLane('export-holdfast', [url, repository])
    await emptyOrders(full)
    figure.note('full', (await orders(full, repository, { do: 'restore', request: { entities: ['Order'] } })).seconds)
    for (const { name, where } of kinds) {
      await onDatabase(url, (client) => client.query(`UPDATE orders SET note = note || '.' WHERE ${where}`))
      figure.note(name, (await orders(url, repository, OVERWRITE)).seconds)
      await runLane('incremental-holdfast', [url, repository])
    }
  })
  console.log('restore of a table that is there, against one into an empty table')
  console.log(`  into an empty table            ${seconds(figures.of('full'))}`)
  for (const { name, most } of kinds) {
    const share = figures.of(name) / figures.of('full')
    console.log(`  ${name.padEnd(30)} ${seconds(figures.of(name))}   ${percent(share)} of it (wanted ${percent(most)})${missed(share <= most)}`)
  }
  console.log()
}

/** One column of all rows brought back, against one statement that writes the same. */
export async function benchFields(rows: number, runs: number, out: string): Promise<void> {
  const repository = `${out}/fields`
  const ruined = async () => {
    const url = await changedDatabase(rows)
    await onDatabase(url, (client) => client.query(`UPDATE orders SET note = 'ruined'`))
    await onDatabase(url, (client) => client.query('VACUUM ANALYZE orders'))
    return url
  }
  const source = await sourceDatabase(rows)
  await runLane('export-holdfast', [source, repository])
  const parts = ['opening', 'staging', 'comparing', 'merging'] as const
  const figures = await rounds(runs, async (figure) => {
    figure.note('statement', await updateFrom(source, await ruined()))
    const select = [{ entity: 'Order', fields: ['note'] }]
    const { seconds: whole, facts } = await orders(await ruined(), repository, { do: 'restore', request: { select, policy: 'overwrite' } })
    figure.note('whole', whole)
    const phases = facts.phases as Readonly<Record<string, number>>
    for (const part of parts) figure.note(part, phases[part] ?? 0)
  })
  const statement = figures.of('statement')
  const [merge, whole] = [figures.of('merging') / statement, figures.of('whole') / statement]
  console.log('one column of all rows')
  console.log(`  UPDATE … FROM, same rows       ${seconds(statement)}`)
  console.log(`  the merge alone                ${seconds(figures.of('merging'))}   ${merge.toFixed(2)}× (wanted 1.3×)${missed(merge <= 1.3)}`)
  console.log(`  the whole restore              ${seconds(figures.of('whole'))}   ${whole.toFixed(2)}× (wanted 3×)${missed(whole <= 3)}`)
  console.log(`  its parts: ${parts.map((part) => `${part} ${figures.of(part).toFixed(2)} s`).join(', ')}\n`)
}

async function updateFrom(source: string, url: string): Promise<number> {
  await onDatabase(url, (client) => client.query('CREATE UNLOGGED TABLE good (id bigint, note text)'))
  await runShell(`psql -q '${source}' -c 'COPY (SELECT id, note FROM orders ORDER BY id) TO STDOUT' | psql -q '${url}' -c 'COPY good FROM STDIN'`)
  return onDatabase(url, async (client) => {
    await client.query('ALTER TABLE good ADD PRIMARY KEY (id)')
    await client.query('ANALYZE good')
    await client.query('CHECKPOINT')
    const started = performance.now()
    await client.query('UPDATE orders SET note = good.note FROM good WHERE good.id = orders.id')
    return (performance.now() - started) / 1000
  })
}

/** A table of which a quarter differs and a quarter is gone, against what both ORMs have for it. */
export async function benchStale(rows: number, runs: number, out: string): Promise<void> {
  const repository = `${out}/stale`
  const some = Math.min(rows, 50_000)
  const source = await sourceDatabase(rows)
  const stale = async () => {
    const url = await changedDatabase(rows)
    await runLane('export-holdfast', [url, repository])
    await onDatabase(url, (client) =>
      client.query(`UPDATE orders SET note = note || '!', version = version + 1 WHERE hashint8(id) & 3 = 0; DELETE FROM orders WHERE hashint8(id) & 3 = 1`),
    )
    await onDatabase(url, (client) => client.query('CHECKPOINT'))
    return url
  }
  const peers = [1000, 4000].flatMap((batch) => [
    { batch, lane: 'upsert-typeorm', name: `TypeORM upsert() by ${batch}` },
    { batch, lane: 'upsert-mikro-orm', name: `MikroORM upsertMany() by ${batch}` },
  ])
  const figures = await rounds(runs, async (figure) => {
    figure.note('holdfast', (await orders(await stale(), repository, OVERWRITE)).seconds)
    if (figure.round === 0) return
    for (const { batch, lane, name } of peers) {
      const url = await stale()
      const work: UpsertWork = { rows: some, batch }
      const measured: Measured = await runLane(lane, [url, JSON.stringify(work), source])
      if (!(await isRestored(url, some))) throw new Error(`${name} did not bring the rows back`)
      figure.note(name, measured.seconds * (rows / some))
    }
  })
  const fastest = Math.min(...peers.map(({ name }) => figures.of(name)))
  const ratio = fastest / figures.of('holdfast')
  console.log('a table of which a quarter of the rows differs and a quarter is missing')
  for (const { name } of peers) console.log(`  ${name.padEnd(30)} ${seconds(figures.of(name))}   (of ${some.toLocaleString('en')} rows, scaled)`)
  console.log(
    `  Holdfast                       ${seconds(figures.of('holdfast'))}   ${ratio.toFixed(1)}× as fast as the fastest (wanted 7×)${missed(ratio >= 7)}\n`,
  )
}

/** The first rows are there, and none of them is as it was spoilt. */
async function isRestored(url: string, rows: number): Promise<boolean> {
  const { rows: found } = await onDatabase(url, (client) => client.query(`SELECT count(*)::int AS n FROM orders WHERE id <= ${rows} AND note NOT LIKE '%!'`))
  return found[0]?.['n'] === rows
}

/** Plan, application and undo of a restore that changes every row. */
export async function benchMillion(rows: number, runs: number, out: string): Promise<void> {
  const repository = `${out}/million`
  const steps = ['plan', 'apply', 'undo'] as const
  const figures = await rounds(runs, async (figure) => {
    if (figure.round === 0) return
    const url = await changedDatabase(rows)
    await runLane('export-holdfast', [url, repository])
    await onDatabase(url, (client) => client.query(`UPDATE orders SET note = 'ruined'`))
    let planId = ''
    for (const step of steps) {
      const work: OrdersWork = step === 'plan' ? { do: step, request } : step === 'apply' ? { do: step, planId } : { do: step }
      const lane = await orders(url, repository, work)
      if (lane.rows !== rows) throw new Error(`${step} of ${lane.rows} rows`)
      if (typeof lane.facts.planId === 'string') planId = lane.facts.planId
      figure.note(step, lane.seconds)
      figure.note(`${step} peak`, lane.peakAboveMiB)
    }
  })
  console.log(`a restore that changes all of ${rows.toLocaleString('en')} rows`)
  for (const step of steps) {
    const peak = figures.of(`${step} peak`)
    console.log(`  ${step.padEnd(30)} ${seconds(figures.of(step))}   peak ${peak.toFixed(0)} MiB above the process at rest (wanted 200)${missed(peak <= 200)}`)
  }
  console.log()
}

const seconds = (value: number) => `${value.toFixed(2).padStart(7)} s`
const percent = (share: number) => `${(share * 100).toFixed(1)} %`
const missed = (met: boolean) => (met ? '' : '  MISSED')
