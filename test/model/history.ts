import { deepEqual } from 'node:assert/strict'
import type { ConsistentView, EntityStore } from '../../src/contracts/index.ts'
import { type BackupKind, type BackupSession, resumeBackup, startBackup } from '../../src/export/index.ts'
import { type ErrorCode, isHoldfastError } from '../../src/kernel/errors.ts'
import { hostOf, planOf } from '../support/backup-rig.ts'
import { movableClock } from '../support/clocked-storage.ts'
import { Archive } from './archive.ts'
import { KeptSnapshots } from './kept-snapshots.ts'
import { Meanwhile, type MeanwhileEvent } from './meanwhile.ts'
import type { ModelDatabase } from './model-database.ts'
import type { ModelState } from './model-state.ts'
import type { Prng } from './prng.ts'
import { sameSchema } from './schema.ts'
import { steppedStorage } from './stepped-storage.ts'
import { Writers } from './writers.ts'

const HOUR = 60 * 60 * 1000
const DAY = 24 * HOUR
/** After this a session can no longer be resumed. */
const SESSION_LIFETIME = 7 * DAY

/** What histories did, over all of them: a test that proves nothing shows here. */
export type Tally = Map<string, number>

interface Unfinished {
  readonly id: string
  readonly token: string
  readonly startedAt: number
}

/** One random history of a database and its backups, held against a model of both. */
export class History {
  readonly #rng: Prng
  readonly #database: ModelDatabase
  readonly #archive: Archive
  readonly #kept: KeptSnapshots
  readonly #writers: Writers
  readonly #tally: Tally
  readonly #policy: { readonly chunkBytes: number; readonly concurrency: number; readonly fullAfterSnapshots: number }
  readonly #buckets: Readonly<Record<string, string>>
  #unfinished: Unfinished[] = []
  #processes = 100
  /** Statements and openings of views take turns, so that what is committed at the opening of a view is known exactly. */
  #turn: Promise<unknown> = Promise.resolve()
  /** What was committed when the last view was opened. */
  #seen: ModelState
  /** What happened, in order, for the report of a failure. */
  readonly log: string[] = []

  constructor(rng: Prng, database: ModelDatabase, tally: Tally) {
    this.#rng = rng
    this.#database = database
    this.#tally = tally
    this.#writers = new Writers(database, (line) => this.log.push(`  ${line}`))
    this.#seen = this.#writers.state.clone()
    this.#policy = { chunkBytes: rng.pick([250, 600, 1500, 5000]), concurrency: rng.int(1, 3), fullAfterSnapshots: rng.int(2, 6) }
    this.#buckets = rng.chance(0.25) ? { page: 'other' } : {}
    this.#archive = new Archive(movableClock(), this.#buckets.page ? ['main', 'other'] : ['main'])
    this.#kept = new KeptSnapshots(this.#archive, database, (what, by) => this.#count(what, by))
  }

  async run(): Promise<void> {
    const rng = this.#rng
    this.log.push(`policy ${JSON.stringify(this.#policy)} ${JSON.stringify(this.#buckets)}`)
    await this.#writers.fill(rng, rng.pick([5, 40, 110]))
    await this.#backUp(rng, 'full')
    for (let left = rng.int(10, 30); left > 0; left--) {
      this.#archive.clock.move(1000)
      await this.#step(rng)
    }
    await this.#writers.settle(rng)
    await this.#backUp(rng, 'incremental', false)
    await this.#writers.settle(rng)
    await this.#checkDatabase()
    const whole = await this.#kept.whole()
    for (const id of whole) deepEqual(await this.#archive.verify(id), [], `verify of ${id} at the end`)
    for (const survivor of rng.some(whole, 3)) {
      this.log.push(`only ${survivor} stays`)
      await this.#kept.checkSurvivor(survivor)
    }
  }

  async #step(rng: Prng): Promise<void> {
    await rng.weighted<() => Promise<void>>([
      [8, () => this.#writers.write(rng)],
      [4, () => this.#writers.burst(rng)],
      [1, () => this.#writers.truncate(rng)],
      [2, () => this.#changeSchema(rng)],
      [1, () => this.#maintain(rng)],
      [9, () => this.#backUp(rng, rng.pick(['full', 'incremental', 'incremental', 'incremental', 'differential', 'auto']))],
      [1, () => this.#drip(rng)],
      [3, () => this.#resume(rng)],
      [1.5, () => this.#delete(rng)],
      [2, () => this.#prune(rng)],
      [0.7, () => this.#readWhilePruned(rng)],
      [this.#database.canRestore ? 1 : 0, () => this.#restoreLive(rng)],
      [0.7, () => this.#damage(rng)],
      [this.#database.crash ? 0.15 : 0, () => this.#crash()],
    ])()
  }

  #count(what: string, by = 1): void {
    this.#tally.set(what, (this.#tally.get(what) ?? 0) + by)
  }

  /** In turn with everything else that writes or opens a view. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work)
    this.#turn = turn.catch(() => {})
    return turn
  }

  async #changeSchema(rng: Prng): Promise<void> {
    await this.#writers.changeSchema(rng)
    this.#count('schema changes')
  }

  async #maintain(rng: Prng): Promise<void> {
    await this.#writers.settle(rng)
    const sql = this.#database.maintenance(rng, this.#writers.state.schema)
    this.log.push(sql)
    await this.#database.run(sql)
  }

  async #crash(): Promise<void> {
    this.log.push('the database server crashes')
    await this.#database.crash!()
    this.#writers.forgetOpen()
    this.#count('crashes of the server')
  }

  /** The store, whose views note what they must see. */
  #store(): EntityStore {
    const store = this.#database.store(this.#writers.state.schema)
    const openView = (options: Parameters<EntityStore['openView']>[0]): Promise<ConsistentView> =>
      this.#inTurn(async () => {
        const view = await store.openView(options)
        this.#seen = this.#writers.state.clone()
        return view
      })
    return { ...store, openView }
  }

  async #backUp(rng: Prng, kind: BackupKind, mayFail = true): Promise<void> {
    const series = rng.chance(0.2) ? 'second' : 'first'
    this.log.push(`back up ${kind} of the ${series} series`)
    const { clock } = this.#archive
    const expected = await this.#expectedBase(kind, series)
    const id = await this.#attempt(rng, mayFail, (environment) =>
      startBackup({
        ...environment,
        plan: planOf(environment.stores, { policy: this.#policy, buckets: this.#buckets }),
        trigger: 'manual',
        metadata: {},
        kind,
        series,
        clock,
      }),
    )
    if (id === null) return
    const { kind: taken, parent } = await this.#archive.manifest(id)
    if (expected) deepEqual({ kind: taken, parent }, expected, 'what a backup was built on')
  }

  /** A row here and a row there, each with a backup of its own: layers grow over one base until they are folded. */
  async #drip(rng: Prng): Promise<void> {
    const table = rng.pick(['parent', 'child', 'page', 'tag'])
    for (let left = rng.int(3, 11); left > 0; left--) {
      this.#archive.clock.move(1000)
      await this.#writers.touch(rng, table)
      await this.#backUp(rng, 'incremental', false)
    }
  }

  /** What a backup of that kind has to build on; null when the model does not know whether the schema counts as changed. */
  async #expectedBase(kind: BackupKind, series: string): Promise<{ kind: string; parent: string | null } | null> {
    const full = { kind: 'full', parent: null }
    const visible = await this.#archive.snapshots()
    const newest = visible.filter((id) => this.#kept.series(id) === series).at(-1)
    if (kind === 'full' || newest === undefined) return full
    const { lineage } = await this.#archive.manifest(newest)
    if (kind === 'incremental') return { kind, parent: newest }
    if (kind === 'differential') return visible.includes(lineage!.full) ? { kind, parent: lineage!.full } : full
    const { schema } = this.#kept.truth(newest)
    if (lineage!.distance + 1 >= this.#policy.fullAfterSnapshots || !sameSchema({ ...schema, moods: [] }, { ...this.#writers.state.schema, moods: [] }))
      return full
    return schema === this.#writers.state.schema ? { kind: 'incremental', parent: newest } : null
  }

  async #resume(rng: Prng): Promise<void> {
    const one = this.#unfinished.shift()
    if (!one) return
    this.log.push('resume')
    const { clock } = this.#archive
    // Or killed after its manifest was there, which was deleted since.
    const closed = clock.now() - one.startedAt > SESSION_LIFETIME || this.#kept.has(one.id)
    await this.#attempt(
      rng,
      true,
      (environment) =>
        resumeBackup(one.token, {
          ...environment,
          planOf: () => planOf(environment.stores, { policy: this.#policy, buckets: this.#buckets }),
          takeover: rng.chance(0.5),
          clock,
        }),
      { again: one, tolerated: closed ? ['E_SESSION_CLOSED'] : [] },
    )
  }

  /** One process's work on a backup, with whatever happens meanwhile. */
  async #attempt(
    rng: Prng,
    mayFail: boolean,
    begin: (environment: {
      stores: EntityStore[]
      repositoryOf: (bucket: string) => ReturnType<Archive['open']>
      host: ReturnType<typeof hostOf>
    }) => Promise<BackupSession>,
    { again, tolerated = [] }: { again?: Unfinished; tolerated?: readonly ErrorCode[] } = {},
  ): Promise<string | null> {
    const script = new Meanwhile(rng.fork(), mayFail)
    let session: BackupSession | null = null
    const storage = steppedStorage(this.#archive.storage, async ({ n, key }) => {
      const events = script.at(n)
      for (const event of events) await this.#meanwhile(event, script.rng, session)
      const fate = script.fate(n)
      if (fate !== 'lives') this.log.push(`  put ${n} (${key}): the process ${fate}`)
      return fate
    })
    const host = hostOf(++this.#processes)
    const startedAt = again?.startedAt ?? this.#archive.clock.now()
    try {
      session = await begin({ stores: [this.#store()], repositoryOf: (bucket) => this.#archive.open(bucket, storage), host })
      const { snapshotId } = await session.result()
      await this.#committed(snapshotId)
      this.#count(again ? 'backups completed by resuming' : 'backups completed at once')
      return snapshotId
    } catch (error) {
      if (!isHoldfastError(error)) throw error
      this.log.push(`  ended with ${error.code}: ${error.message}`)
      const expected: ErrorCode[] = ['E_STORAGE', 'E_SESSION_PAUSED', 'E_CONDEMNED', ...tolerated]
      if (!expected.includes(error.code)) throw error
      this.#count(`backups ended by ${error.code}`)
      if (error.code === 'E_SESSION_CLOSED') return null
      const { id, token } = session ?? again ?? {}
      // Killed after the manifest was there: nobody was told, and it is a snapshot all the same.
      if (session && (await this.#archive.snapshots()).includes(session.id)) await this.#committed(session.id)
      if (id !== undefined && token !== undefined) this.#unfinished.push({ id, token, startedAt })
      return null
    }
  }

  async #meanwhile(event: MeanwhileEvent, rng: Prng, session: BackupSession | null): Promise<void> {
    if (event === 'pause') {
      this.log.push('  pause')
      void session?.pause().catch(() => {}) // the result says how it ended
    } else if (event === 'break') {
      if (!this.#database.breakViews) return
      this.log.push('  the connections of the view break')
      this.#count('views broken')
      await this.#database.breakViews()
    } else if (event === 'prune') {
      this.#archive.clock.move(rng.pick([HOUR, 25 * HOUR]))
      this.log.push('  prune')
      await this.#archive.prune({ allowMoreThanHalf: true })
      this.#count('prunes during a backup')
    } else await this.#inTurn(() => this.#writers.write(rng))
  }

  async #committed(id: string): Promise<void> {
    if (this.#kept.has(id)) return // resumed after it was complete
    this.log.push(`  committed ${id}`)
    await this.#kept.committed(id, this.#seen)
  }

  async #delete(rng: Prng): Promise<void> {
    const [id] = rng.some(await this.#archive.snapshots(), 1)
    if (id === undefined) return
    this.log.push(`delete ${id}`)
    await this.#archive.hide(id)
  }

  async #prune(rng: Prng): Promise<void> {
    const { clock } = this.#archive
    clock.move(rng.pick([HOUR, 13 * HOUR, 25 * HOUR, 3 * DAY]))
    if (this.#archive.buckets.length > 1 && rng.chance(0.3)) {
      this.log.push('prune a bucket whose referrers are out of sight')
      const done = await this.#kept.prune({ allowMoreThanHalf: true }, ['other'])
      if (done && (await this.#archive.snapshots()).length > 0) throw new Error('a bucket was pruned to which unseen snapshots refer')
      return
    }
    const options = { allowMoreThanHalf: rng.chance(0.9), ...(rng.chance(0.2) ? { graceMs: 0 } : {}) }
    this.log.push(`prune ${JSON.stringify(options)}`)
    await this.#kept.prune(options)
    if (rng.chance(0.6)) return
    // What was condemned goes, unless something came to need it.
    clock.move(25 * HOUR)
    await this.#kept.prune({ allowMoreThanHalf: true })
  }

  /** A reader that takes its time: the snapshot is deleted and pruned around it. */
  async #readWhilePruned(rng: Prng): Promise<void> {
    const [id] = rng.some(await this.#kept.whole(), 1)
    if (id === undefined) return
    this.log.push(`read ${id} while it is deleted and pruned`)
    const pin = await (await this.#archive.scope()).pins.pin(id)
    await this.#archive.hide(id)
    for (let run = 0; run < 3; run++) {
      this.#archive.clock.move(25 * HOUR)
      await this.#kept.prune({ allowMoreThanHalf: true })
    }
    await this.#kept.checkAlone(id)
    await pin.release()
    this.#count('snapshots read while they were pruned')
  }

  async #restoreLive(rng: Prng): Promise<void> {
    await this.#writers.settle(rng)
    const { state } = this.#writers
    const fitting = (await this.#kept.whole()).filter((id) => sameSchema(this.#kept.truth(id).schema, state.schema))
    const [id] = rng.some(fitting, 1)
    if (id === undefined || Object.values(this.#kept.truth(id).image()).flat().length === 0) return
    this.log.push(`restore ${id} over the live rows`)
    await this.#archive.restore(id, this.#database.store(state.schema), { policy: 'overwrite' })
    this.#writers.overwrite(this.#kept.truth(id))
    await this.#checkDatabase()
    this.#count('restores over live rows')
  }

  /** Damage is found, refused and named; and the next full is whole again. */
  async #damage(rng: Prng): Promise<void> {
    const name = await this.#archive.damage((keys) => ({ key: rng.pick(keys), at: rng.int(0, 100_000) }))
    if (name === null) return
    this.log.push(`damage ${name}`)
    await this.#kept.damage(name)
    if (rng.chance(0.5)) return
    await this.#backUp(rng, 'full', false)
    const newest = (await this.#archive.snapshots()).at(-1)!
    deepEqual(await this.#archive.verify(newest), [], 'a full after damage')
    this.#count('fulls that healed')
  }

  /** The model's own proof: it has what the database has. */
  async #checkDatabase(): Promise<void> {
    deepEqual(await this.#database.read(this.#writers.state.schema), this.#writers.state.image(), 'the model is not the database')
  }
}
