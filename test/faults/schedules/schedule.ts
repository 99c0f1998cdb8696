import { deepEqual, ok } from 'node:assert/strict'
import { fsStorage } from '../../../adapters/fs/index.ts'
import { openRepository } from '../../../src/archive/index.ts'
import type { ConsistentView, EntityStore, StorageAdapter } from '../../../src/contracts/index.ts'
import { type BackupSession, resumeBackup, startBackup } from '../../../src/export/index.ts'
import { isHoldfastError } from '../../../src/kernel/errors.ts'
import { retryStorage } from '../../../src/storage/index.ts'
import { Archive } from '../../model/archive.ts'
import type { ModelDatabase } from '../../model/model-database.ts'
import type { ModelState } from '../../model/model-state.ts'
import type { Prng } from '../../model/prng.ts'
import { createSqliteModel } from '../../model/sqlite-database.ts'
import { Writers } from '../../model/writers.ts'
import { hostOf, manifestFaults, planOf } from '../../support/backup-rig.ts'
import { movableClock } from '../../support/clocked-storage.ts'
import { FaultyStorage } from '../../support/faulty-storage.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { seededFaults } from './seeded-faults.ts'

const HOUR = 60 * 60 * 1000

/** What schedules did, over all of them. */
export type ScheduleTally = Map<string, number>

/** One process's sight of the storage. */
interface Process {
  readonly storage: StorageAdapter
  /** Puts its faults into the tally. */
  end(): void
}

/**
 * A random life of a SQLite database and its backups, in which the storage keeps going wrong: backups, resumes, deletes, prunes and restores through faulty storages. After
 * each step the bare storage is looked at: every visible snapshot is whole and holds exactly what its view held, and none is lost that nobody deleted.
 */
export class Schedule {
  readonly #rng: Prng
  readonly #tally: ScheduleTally
  readonly #database: ModelDatabase
  readonly #writers: Writers
  readonly #archive: Archive
  readonly #folder: { readonly path: string; remove(): void } | null
  readonly #policy: { readonly chunkBytes: number; readonly concurrency: number }
  readonly #truth = new Map<string, ModelState>()
  readonly #hidden = new Set<string>()
  #unfinished: { readonly id: string; readonly token: string }[] = []
  #seen: ModelState
  #processes = 0
  readonly log: string[] = []

  constructor(rng: Prng, tally: ScheduleTally) {
    this.#rng = rng
    this.#tally = tally
    this.#database = createSqliteModel(rng.fork())
    this.#writers = new Writers(this.#database, (line) => this.log.push(`  ${line}`))
    this.#seen = this.#writers.state.clone()
    this.#folder = rng.chance(0.25) ? temporaryFolder() : null
    this.#archive = new Archive(movableClock(), ['main'], this.#folder ? fsStorage({ root: this.#folder.path, fsync: false }) : undefined)
    this.#policy = { chunkBytes: rng.pick([300, 1000, 4000]), concurrency: rng.int(1, 3) }
    this.#count(this.#folder ? 'schedules on files' : 'schedules in memory')
  }

  async run(): Promise<void> {
    const rng = this.#rng
    try {
      await this.#writers.fill(rng, rng.pick([5, 30]))
      for (let left = rng.int(5, 10); left > 0; left--) {
        this.#archive.clock.move(1000)
        await this.#writers.burst(rng)
        await rng.weighted<() => Promise<void>>([
          [8, () => this.#backUp(rng)],
          [4, () => this.#resume(rng)],
          [1.5, () => this.#hide(rng)],
          [3, () => this.#prune(rng)],
          [3, () => this.#restore(rng)],
        ])()
        await this.#look()
      }
      this.log.push('all is well again')
      this.#archive.clock.move(1000)
      const backUp = () => this.#attempt(this.#bare(), (environment) => startBackup({ ...environment, ...this.#request() }))
      const stopped = await this.#hasDamagedList()
      const id = await backUp()
      ok((id === null) === stopped, 'a backup without faults failed, or went on though nobody knows what was condemned')
      // A record of a session that the storage damaged is in the way of a prune for as long as the session could be resumed.
      this.#archive.clock.move(9 * 24 * HOUR)
      await this.#archive.prune({ allowMoreThanHalf: true })
      if (stopped) {
        this.#count('damaged lists of which a prune got rid')
        ok((await backUp()) !== null, 'a backup without faults failed after a prune')
      }
      await this.#look()
      for (const visible of await this.#archive.snapshots()) await this.#restoreExactly(visible, this.#archive.storage)
      this.#count('snapshots restored in the end', (await this.#archive.snapshots()).length)
    } finally {
      await this.#database.drop()
      this.#folder?.remove()
    }
  }

  #count(what: string, by = 1): void {
    this.#tally.set(what, (this.#tally.get(what) ?? 0) + by)
  }

  /** A process whose storage is faulty; half of them try again. */
  #process(): Process {
    const faults = seededFaults(this.#rng.fork(), this.#archive.clock)
    const faulty = new FaultyStorage(this.#archive.storage, faults.script)
    const retries = this.#rng.chance(0.5)
    return {
      storage: retries ? retryStorage(faulty, { attempts: 3, firstDelayMs: 1, longestDelayMs: 2 }) : faulty,
      end: () => {
        this.log.push(`  faults: ${[...faults.counts].map(([what, count]) => `${count} ${what}`).join(', ') || 'none'}${retries ? ' (with retries)' : ''}`)
        for (const [what, count] of faults.counts) this.#count(`fault, ${what}`, count)
      },
    }
  }

  #bare(): Process {
    return { storage: this.#archive.storage, end: () => {} }
  }

  /** The store, which notes what is committed when a view is opened. */
  #store(): EntityStore {
    const store = this.#database.store(this.#writers.state.schema)
    return {
      ...store,
      openView: async (options): Promise<ConsistentView> => {
        const view = await store.openView(options)
        this.#seen = this.#writers.state.clone()
        return view
      },
    }
  }

  #request() {
    const { clock } = this.#archive
    const kind = this.#rng.pick(['full', 'incremental', 'incremental', 'differential', 'auto'] as const)
    return { plan: planOf([this.#store()], { policy: this.#policy }), trigger: 'manual', metadata: {}, kind, series: 'only', clock } as const
  }

  async #backUp(rng: Prng): Promise<void> {
    const request = this.#request()
    this.log.push(`back up ${request.kind}`)
    await this.#attempt(this.#process(), (environment) => startBackup({ ...environment, ...request }))
    if (rng.chance(0.3)) await this.#resume(rng)
  }

  async #resume(rng: Prng): Promise<void> {
    const one = this.#unfinished.pop()
    if (!one) return
    this.log.push(`resume ${one.id}`)
    await this.#writers.burst(rng)
    const planOfNow = () => planOf([this.#store()], { policy: this.#policy })
    await this.#attempt(
      this.#process(),
      (environment) => resumeBackup(one.token, { ...environment, planOf: planOfNow, takeover: true, clock: this.#archive.clock }),
      one,
    )
  }

  async #attempt(
    process: Process,
    begin: (environment: Omit<Parameters<typeof resumeBackup>[1], 'planOf'>) => Promise<BackupSession>,
    again?: { readonly id: string; readonly token: string },
  ): Promise<string | null> {
    await this.#writers.settle(this.#rng)
    const repositoryOf = () => openRepository({ storage: process.storage, prefix: 'main/', create: true })
    let session: BackupSession | null = null
    try {
      session = await begin({ stores: [this.#store()], repositoryOf, host: hostOf(++this.#processes) })
      const { snapshotId } = await session.result()
      ok((await this.#archive.snapshots()).includes(snapshotId), `${snapshotId} was reported, and is not there`)
      await this.#committed(snapshotId)
      this.#count(again ? 'backups completed by resuming' : 'backups completed')
      return snapshotId
    } catch (error) {
      if (!isHoldfastError(error)) throw error
      this.log.push(`  ended with ${error.message}`)
      this.#count(`backups ended by ${error.code}`)
      const { id, token } = session ?? again ?? {}
      // Nobody was told, and it is a snapshot all the same.
      if (id !== undefined && (await this.#visible()).includes(id)) await this.#foundThere(id)
      else if (id !== undefined && token !== undefined && error.code !== 'E_SESSION_CLOSED') this.#unfinished.push({ id, token })
      return null
    } finally {
      process.end()
    }
  }

  /** A storage that damaged a list, and a process that died before it could take that away. */
  async #hasDamagedList(): Promise<boolean> {
    const { storage } = this.#archive
    if ((await storage.stat('main/repository.json')) === null) return false // no backup came as far as that
    const { condemned } = (await openRepository({ storage, prefix: 'main/' })).scope()
    for await (const { listId, storedAt } of condemned.list()) {
      const damaged = await condemned.read(listId).then(
        () => false,
        (error: unknown) => isHoldfastError(error, 'E_ARCHIVE_CORRUPT'),
      )
      if (storedAt !== null && damaged) return true
    }
    return false
  }

  /** The storage may have damaged the manifest itself, of which the run told: then it is deleted, as the error of the next prune would say. */
  async #foundThere(id: string): Promise<void> {
    const unreadable = await this.#archive.manifest(id).then(
      () => false,
      (error: unknown) => isHoldfastError(error, 'E_ARCHIVE_CORRUPT'),
    )
    if (!unreadable) return this.#committed(id)
    ok(!this.#truth.has(id), `the manifest of ${id} was sound before`)
    await this.#archive.hide(id)
    this.#count('damaged manifests that were told of')
  }

  async #committed(id: string): Promise<void> {
    if (this.#truth.has(id)) return
    this.log.push(`  committed ${id}`)
    this.#truth.set(id, this.#seen)
    deepEqual(manifestFaults(await this.#archive.manifest(id)), [])
  }

  async #hide(rng: Prng): Promise<void> {
    const visible = await this.#visible()
    if (visible.length < 2) return
    const id = rng.pick(visible)
    this.log.push(`delete ${id}`)
    const process = this.#process()
    await this.#tolerating('deletes', async () => {
      const { hide } = (await openRepository({ storage: process.storage, prefix: 'main/' })).scope()
      await hide(id, 'the schedule wants it so')
    })
    process.end()
    if (!(await this.#visible()).includes(id)) this.#hidden.add(id)
  }

  async #prune(rng: Prng): Promise<void> {
    for (let runs = rng.int(1, 3); runs > 0; runs--) {
      this.#archive.clock.move(rng.pick([HOUR, 25 * HOUR]))
      this.log.push('prune')
      const process = this.#process()
      await this.#tolerating('prunes', () => this.#archive.prune({ allowMoreThanHalf: true }, ['main'], process.storage))
      process.end()
      await this.#look()
    }
  }

  async #restore(rng: Prng): Promise<void> {
    const visible = await this.#visible()
    if (visible.length === 0) return
    const id = rng.pick(visible)
    this.log.push(`restore ${id}`)
    const process = this.#process()
    await this.#tolerating('restores', () => this.#restoreExactly(id, process.storage))
    process.end()
  }

  /** Into an empty database: all of it or nothing. */
  async #restoreExactly(id: string, storage: StorageAdapter): Promise<void> {
    const truth = this.#truth.get(id)!
    const expected = truth.image()
    if (Object.values(expected).flat().length === 0) return
    const copy = await this.#database.emptyCopy(truth.schema)
    try {
      await this.#archive.restore(id, copy.store, {}, storage)
      deepEqual(await copy.read(), expected, `${id} was restored as something else`)
    } catch (error) {
      if (isHoldfastError(error)) deepEqual(Object.values(await copy.read()).flat(), [], 'a restore that failed wrote rows')
      throw error
    } finally {
      await copy.close()
    }
  }

  async #tolerating(what: string, work: () => Promise<unknown>): Promise<void> {
    try {
      await work()
      this.#count(`${what} completed`)
    } catch (error) {
      if (!isHoldfastError(error)) throw error
      this.log.push(`  ended with ${error.message}`)
      this.#count(`${what} ended by ${error.code}`)
    }
  }

  /** Ids, by the bare storage; none where not even the repository came to be. */
  async #visible(): Promise<string[]> {
    return (await this.#archive.storage.stat('main/repository.json')) ? this.#archive.snapshots() : []
  }

  /** Nothing lost, nothing false. */
  async #look(): Promise<void> {
    const visible = await this.#visible()
    for (const id of this.#truth.keys()) if (!this.#hidden.has(id)) ok(visible.includes(id), `snapshot ${id} is lost`)
    for (const id of visible) {
      ok(this.#truth.has(id), `snapshot ${id} came to be behind everybody's back`)
      deepEqual(await this.#archive.verify(id), [], `verify of ${id}`)
      this.#count('snapshots found whole')
    }
  }
}
