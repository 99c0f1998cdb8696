import { deepEqual } from 'node:assert/strict'
import type { Manifest } from '../../src/archive/index.ts'
import type { ConsistentView, EntityStore } from '../../src/contracts/index.ts'
import { type BackupKind, type BackupSession, resumeBackup, startBackup } from '../../src/export/index.ts'
import { type ErrorCode, isHoldfastError } from '../../src/kernel/errors.ts'
import { hostOf, manifestFaults, planOf } from '../support/backup-rig.ts'
import { movableClock } from '../support/clocked-storage.ts'
import { Archive, chunksOf } from './archive.ts'
import type { ModelDatabase } from './model-database.ts'
import type { ModelState } from './model-state.ts'
import type { Prng } from './prng.ts'
import { sameSchema } from './schema.ts'
import { type PutFate, steppedStorage } from './stepped-storage.ts'
import { Writers } from './writers.ts'

const HOUR = 60 * 60 * 1000
const DAY = 24 * HOUR
/** After this a session can no longer be resumed. */
const SESSION_LIFETIME = 7 * DAY

/** What histories did, over all of them: a test that proves nothing shows here. */
export type Tally = Map<string, number>

interface Unfinished {
  readonly token: string
  readonly startedAt: number
}

/** One random history of a database and its backups, held against a model of both. */
export class History {
  readonly #rng: Prng
  readonly #database: ModelDatabase
  readonly #archive: Archive
  readonly #writers: Writers
  readonly #tally: Tally
  /** What each snapshot must give back. */
  readonly #truth = new Map<string, ModelState>()
  /** Chunks of which a bit was flipped. */
  readonly #damaged = new Set<string>()
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
    await this.#checkDatabase()
    await this.#checkSurvivors(rng)
  }

  async #step(rng: Prng): Promise<void> {
    await rng.weighted<() => Promise<void>>([
      [8, () => this.#writers.write(rng)],
      [4, () => this.#writers.burst(rng)],
      [1, () => this.#writers.truncate(rng)],
      [2, () => this.#changeSchema(rng)],
      [1, () => this.#maintain(rng)],
      [9, () => this.#backUp(rng, rng.pick(['full', 'incremental', 'incremental', 'incremental', 'differential', 'auto']))],
      [3, () => this.#resume(rng)],
      [1.5, () => this.#delete(rng)],
      [2, () => this.#prune(rng)],
      [0.7, () => this.#readWhilePruned(rng)],
      [1, () => this.#restoreLive(rng)],
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
    this.log.push(`back up ${kind}`)
    const { clock } = this.#archive
    await this.#attempt(rng, mayFail, (environment) =>
      startBackup({
        ...environment,
        plan: planOf(environment.stores, { policy: this.#policy, buckets: this.#buckets }),
        trigger: 'manual',
        metadata: {},
        kind,
        clock,
      }),
    )
  }

  async #resume(rng: Prng): Promise<void> {
    const one = this.#unfinished.shift()
    if (!one) return
    this.log.push('resume')
    const { clock } = this.#archive
    const expired = clock.now() - one.startedAt > SESSION_LIFETIME
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
      { again: one, tolerated: expired ? ['E_SESSION_CLOSED'] : [] },
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
  ): Promise<void> {
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
    } catch (error) {
      if (!isHoldfastError(error)) throw error
      this.log.push(`  ended with ${error.code}: ${error.message}`)
      const expected: ErrorCode[] = ['E_STORAGE', 'E_SESSION_PAUSED', 'E_CONDEMNED', ...tolerated]
      if (!expected.includes(error.code)) throw error
      this.#count(`backups ended by ${error.code}`)
      if (error.code === 'E_SESSION_CLOSED') return
      const token = session?.token ?? again?.token
      // Killed after the manifest was there: nobody was told, and it is a snapshot all the same.
      if (session && (await this.#archive.snapshots()).includes(session.id)) await this.#committed(session.id)
      if (token !== undefined) this.#unfinished.push({ token, startedAt })
    }
  }

  async #meanwhile(event: Event, rng: Prng, session: BackupSession | null): Promise<void> {
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
    if (this.#truth.has(id)) return // resumed after it was complete
    const manifest = await this.#archive.manifest(id)
    this.log.push(`  committed ${id} (${manifest.kind})`)
    this.#truth.set(id, this.#seen)
    deepEqual(manifestFaults(manifest), [])
    this.#note(manifest)
    if (!this.#isDamaged(manifest)) await this.#checkAlone(this.#archive, id)
  }

  #note(manifest: Manifest): void {
    const entities = manifest.entities
    this.#count(`snapshots: ${manifest.kind}`)
    this.#count(
      'ranges',
      entities.reduce((sum, { ranges }) => sum + ranges.length, 0),
    )
    this.#count(
      'ranges of several layers',
      entities.reduce((sum, { ranges }) => sum + ranges.filter(({ layers }) => layers.length > 1).length, 0),
    )
    this.#count(
      'ranges reused',
      entities.reduce((sum, { change }) => sum + change.reused, 0),
    )
    this.#count(
      'ranges read',
      entities.reduce((sum, { change }) => sum + change.read, 0),
    )
  }

  #isDamaged(manifest: Manifest): boolean {
    return [...chunksOf(manifest)].some((name) => this.#damaged.has(name))
  }

  /** The snapshot restores into an empty database, and that holds what was committed when its view was opened. */
  async #checkAlone(archive: Archive, id: string): Promise<void> {
    const truth = this.#truth.get(id)!
    const copy = await this.#database.emptyCopy(truth.schema)
    try {
      const expected = truth.image()
      const rows = Object.values(expected).flat().length
      if (rows > 0) await archive.restore(id, copy.store)
      deepEqual(await copy.read(), expected, `snapshot ${id} does not hold what was committed when its view was opened`)
    } finally {
      await copy.close()
    }
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
    const alone = this.#archive.buckets.length > 1 && rng.chance(0.3)
    const graceMs = rng.chance(0.2) ? 0 : undefined
    this.log.push(`prune${alone ? ' of a bucket whose referrers are out of sight' : ''}${graceMs === 0 ? ' without grace' : ''}`)
    const before = (await this.#archive.chunks()).size
    try {
      const options = { allowMoreThanHalf: rng.chance(0.9), ...(graceMs === undefined ? {} : { graceMs }) }
      await this.#archive.prune(options, alone ? ['other'] : this.#archive.buckets)
    } catch (error) {
      if (!isHoldfastError(error, 'E_PRUNE_REFUSED')) throw error
      this.#count('prunes refused')
    }
    if (rng.chance(0.4)) {
      // What was condemned goes, unless something came to need it.
      clock.move(25 * HOUR)
      await this.#archive.prune({ allowMoreThanHalf: true })
    }
    this.#count('chunks pruned', before - (await this.#archive.chunks()).size)
    await this.#checkPresence()
  }

  /** Every visible snapshot is whole, but for what the history damaged itself; and of a series without any, one that is hidden still is. */
  async #checkPresence(): Promise<void> {
    const there = await this.#archive.chunks()
    const visible = await this.#archive.snapshots()
    for (const id of visible) {
      const missing = [...chunksOf(await this.#archive.manifest(id))].filter((name) => !there.has(name))
      deepEqual(missing, [], `snapshot ${id} lost chunks`)
    }
    // In the order in which they were committed, which is that of their views.
    const newest = [...this.#truth.keys()].at(-1)
    if (visible.length > 0 || newest === undefined) return
    const missing = [...chunksOf(await this.#archive.manifest(newest))].filter((name) => !there.has(name))
    deepEqual(missing, [], `${newest}, the last snapshot of its series, lost chunks`)
    this.#count('prunes of a series that is all hidden')
  }

  /** A reader that takes its time: the snapshot is deleted and pruned around it. */
  async #readWhilePruned(rng: Prng): Promise<void> {
    const { clock } = this.#archive
    const whole = await this.#whole()
    const [id] = rng.some(whole, 1)
    if (id === undefined) return
    this.log.push(`read ${id} while it is deleted and pruned`)
    const pin = await (await this.#archive.scope()).pins.pin(id)
    await this.#archive.hide(id)
    for (let run = 0; run < 3; run++) {
      clock.move(25 * HOUR)
      await this.#archive.prune({ allowMoreThanHalf: true })
    }
    await this.#checkAlone(this.#archive, id)
    await pin.release()
    await this.#checkPresence()
    this.#count('snapshots read while they were pruned')
  }

  /** Visible snapshots without a chunk that the history damaged. */
  async #whole(): Promise<string[]> {
    const whole: string[] = []
    for (const id of await this.#archive.snapshots()) if (!this.#isDamaged(await this.#archive.manifest(id))) whole.push(id)
    return whole
  }

  async #restoreLive(rng: Prng): Promise<void> {
    await this.#writers.settle(rng)
    const { state } = this.#writers
    const fitting = (await this.#whole()).filter((id) => sameSchema(this.#truth.get(id)!.schema, state.schema))
    const [id] = rng.some(fitting, 1)
    if (id === undefined || Object.values(this.#truth.get(id)!.image()).flat().length === 0) return
    this.log.push(`restore ${id} over the live rows`)
    await this.#archive.restore(id, this.#database.store(state.schema), { policy: 'overwrite' })
    this.#writers.overwrite(this.#truth.get(id)!)
    await this.#checkDatabase()
    this.#count('restores over live rows')
  }

  /** Damage is found, refused and named; and the next full is whole again. */
  async #damage(rng: Prng): Promise<void> {
    const name = await this.#archive.damage((keys) => ({ key: rng.pick(keys), at: rng.int(0, 100_000) }))
    if (name === null) return
    this.log.push(`damage ${name}`)
    this.#damaged.add(name)
    for (const id of await this.#archive.snapshots()) {
      const manifest = await this.#archive.manifest(id)
      const expected = [...chunksOf(manifest)].filter((chunk) => this.#damaged.has(chunk)).sort()
      deepEqual([...new Set(await this.#archive.verify(id))].sort(), expected, `verify of ${id}`)
      if (!expected.includes(name)) continue
      this.#count('snapshots damaged')
      await this.#refused(id)
    }
    if (rng.chance(0.5)) return
    await this.#backUp(rng, 'full', false)
    const newest = (await this.#archive.snapshots()).at(-1)!
    deepEqual(await this.#archive.verify(newest), [], 'a full after damage')
    deepEqual(this.#isDamaged(await this.#archive.manifest(newest)), false, 'a full refers to a damaged chunk')
    this.#count('fulls that healed')
  }

  async #refused(id: string): Promise<void> {
    const copy = await this.#database.emptyCopy(this.#truth.get(id)!.schema)
    try {
      await this.#archive.restore(id, copy.store)
    } catch (error) {
      if (!isHoldfastError(error) || !error.code.startsWith('E_ARCHIVE_')) throw error
      deepEqual(Object.values(await copy.read()).flat(), [], 'a restore that was refused wrote rows')
      return
    } finally {
      await copy.close()
    }
    throw new Error(`damaged snapshot ${id} was restored`)
  }

  /** The model's own proof: it has what the database has. */
  async #checkDatabase(): Promise<void> {
    deepEqual(await this.#database.read(this.#writers.state.schema), this.#writers.state.image(), 'the model is not the database')
  }

  /** All snapshots are sound; and some of them restore by themselves when all the others are deleted and pruned away. */
  async #checkSurvivors(rng: Prng): Promise<void> {
    const whole = await this.#whole()
    for (const id of whole) deepEqual(await this.#archive.verify(id), [], `verify of ${id} at the end`)
    for (const survivor of rng.some(whole, 3)) {
      this.log.push(`only ${survivor} stays`)
      const archive = await this.#archive.copy()
      for (const id of await archive.snapshots()) if (id !== survivor) await archive.hide(id)
      // Sessions that could still be resumed would keep what they know.
      archive.clock.move(9 * DAY)
      for (let run = 0; run < 3; run++) {
        await archive.prune({ allowMoreThanHalf: true })
        archive.clock.move(25 * HOUR)
      }
      const manifest = await archive.manifest(survivor)
      deepEqual([...(await archive.chunks())].sort(), [...chunksOf(manifest)].sort(), 'chunks that are left')
      deepEqual(await archive.verify(survivor), [])
      await this.#checkAlone(archive, survivor)
      this.#count('survivors restored')
    }
  }
}

type Event = 'write' | 'pause' | 'break' | 'prune'

/** What happens during one attempt, by the numbers of its puts. */
class Meanwhile {
  readonly rng: Prng
  readonly #events = new Map<number, Event[]>()
  readonly #end: { readonly n: number; readonly fate: PutFate } | null

  constructor(rng: Prng, mayFail: boolean) {
    this.rng = rng
    for (
      let writes = rng.weighted([
        [3, 0],
        [3, 2],
        [1, 6],
      ] as const);
      writes > 0;
      writes--
    )
      this.#add(rng.int(1, 25), 'write')
    const odd = rng.weighted<Event | 'fail' | null>([
      [7, null],
      [2, 'pause'],
      [0.7, 'break'],
      [0.7, 'prune'],
      [2.5, 'fail'],
    ])
    const fails = odd === 'fail' && mayFail
    this.#end = fails ? { n: rng.int(2, 40), fate: rng.pick(['fails', 'dies before', 'dies after'] as const) } : null
    if (odd !== null && odd !== 'fail' && (mayFail || odd === 'break')) this.#add(rng.int(3, 15), odd)
  }

  at(n: number): readonly Event[] {
    return this.#events.get(n) ?? []
  }

  fate(n: number): PutFate {
    return n === this.#end?.n ? this.#end.fate : 'lives'
  }

  #add(n: number, event: Event): void {
    this.#events.set(n, [...(this.#events.get(n) ?? []), event])
  }
}
