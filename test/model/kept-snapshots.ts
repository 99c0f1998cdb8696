import { deepEqual } from 'node:assert/strict'
import { type Manifest, shouldFold } from '../../src/archive/index.ts'
import type { PruneOptions } from '../../src/catalog/index.ts'
import { isHoldfastError } from '../../src/kernel/errors.ts'
import { manifestFaults } from '../support/backup-rig.ts'
import { type Archive, chunksOf } from './archive.ts'
import type { ModelDatabase } from './model-database.ts'
import type { ModelState } from './model-state.ts'

const HOUR = 60 * 60 * 1000
const DAY = 24 * HOUR

/** What each snapshot of a history must give back, and that it does: at once, for as long as it is visible, and alone. */
export class KeptSnapshots {
  readonly archive: Archive
  readonly #database: ModelDatabase
  readonly #count: (what: string, by?: number) => void
  /** In the order in which they were committed, which is that of their views. */
  readonly #truth = new Map<string, ModelState>()
  readonly #seriesOf = new Map<string, string>()
  /** Chunks of which a bit was flipped. */
  readonly #damaged = new Set<string>()

  constructor(archive: Archive, database: ModelDatabase, count: (what: string, by?: number) => void) {
    this.archive = archive
    this.#database = database
    this.#count = count
  }

  has(id: string): boolean {
    return this.#truth.has(id)
  }

  truth(id: string): ModelState {
    return this.#truth.get(id)!
  }

  series(id: string): string | undefined {
    return this.#seriesOf.get(id)
  }

  /** A backup is complete: it must hold what was committed when its view was opened. */
  async committed(id: string, seen: ModelState): Promise<void> {
    const manifest = await this.archive.manifest(id)
    this.#truth.set(id, seen)
    this.#seriesOf.set(id, manifest.series)
    deepEqual(manifestFaults(manifest), [])
    const grown = manifest.entities.flatMap(({ ranges }) => ranges.filter((range) => range.rows > 0 && shouldFold(range)))
    deepEqual(grown, [], 'layers that should have been folded')
    this.#note(manifest)
    if (!this.isDamaged(manifest)) await this.checkAlone(id)
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

  isDamaged(manifest: Manifest): boolean {
    return [...chunksOf(manifest)].some((name) => this.#damaged.has(name))
  }

  /** The snapshot restores into an empty database, and that holds what was committed when its view was opened. */
  async checkAlone(id: string, archive = this.archive): Promise<void> {
    const truth = this.#truth.get(id)!
    const told = `snapshot ${id} does not hold what was committed when its view was opened`
    if (!this.#database.canRestore) return deepEqual(await archive.read(id), truth.image(), told)
    const copy = await this.#database.emptyCopy(truth.schema)
    try {
      const expected = truth.image()
      const rows = Object.values(expected).flat().length
      if (rows > 0) await archive.restore(id, copy.store)
      deepEqual(await copy.read(), expected, told)
    } finally {
      await copy.close()
    }
  }

  /** Visible snapshots without a chunk that the history damaged. */
  async whole(): Promise<string[]> {
    const whole: string[] = []
    for (const id of await this.archive.snapshots()) if (!this.isDamaged(await this.archive.manifest(id))) whole.push(id)
    return whole
  }

  async #refused(id: string): Promise<void> {
    if (!this.#database.canRestore) return
    const copy = await this.#database.emptyCopy(this.#truth.get(id)!.schema)
    try {
      await this.archive.restore(id, copy.store)
    } catch (error) {
      if (!isHoldfastError(error) || !error.code.startsWith('E_ARCHIVE_')) throw error
      deepEqual(Object.values(await copy.read()).flat(), [], 'a restore that was refused wrote rows')
      return
    } finally {
      await copy.close()
    }
    throw new Error(`damaged snapshot ${id} was restored`)
  }

  /** A bit of a chunk is flipped: every snapshot that has the chunk says so, refuses to be restored, and no other does. */
  async damage(name: string): Promise<void> {
    this.#damaged.add(name)
    for (const id of await this.archive.snapshots()) {
      const expected = [...chunksOf(await this.archive.manifest(id))].filter((chunk) => this.#damaged.has(chunk)).sort()
      deepEqual([...new Set(await this.archive.verify(id))].sort(), expected, `verify of ${id}`)
      if (!expected.includes(name)) continue
      this.#count('snapshots damaged')
      await this.#refused(id)
    }
  }

  /** Prunes, after which every visible snapshot has its chunks, and of a series that is all hidden the newest one that had them. False when the prune was refused. */
  async prune(options: PruneOptions = {}, buckets?: readonly string[]): Promise<boolean> {
    const visible = await this.archive.snapshots()
    const lastOnes: string[] = []
    for (const series of new Set(this.#seriesOf.values())) {
      const newest = visible.some((id) => this.#seriesOf.get(id) === series) ? null : await this.#newestWhole(this.archive, series)
      if (newest) lastOnes.push(newest)
    }
    const before = (await this.archive.chunks()).size
    const done = await this.archive.prune(options, buckets).then(
      () => true,
      (error: unknown) => {
        if (!isHoldfastError(error, 'E_PRUNE_REFUSED')) throw error
        return false
      },
    )
    this.#count(done ? 'prunes' : 'prunes refused')
    const there = await this.archive.chunks()
    this.#count('chunks pruned', before - there.size)
    this.#count('prunes of a series that is all hidden', lastOnes.length)
    for (const id of [...visible, ...lastOnes]) {
      const missing = [...chunksOf(await this.archive.manifest(id))].filter((name) => !there.has(name))
      deepEqual(missing, [], `snapshot ${id} lost chunks`)
    }
    return done
  }

  /** The snapshot is sound, and restores by itself when all the others are deleted and pruned away; and nothing is left that nobody needs. */
  async checkSurvivor(id: string): Promise<void> {
    const archive = await this.archive.copy()
    for (const other of await archive.snapshots()) if (other !== id) await archive.hide(other)
    const needed = chunksOf(await archive.manifest(id))
    for (const series of new Set(this.#seriesOf.values())) {
      if (series === this.#seriesOf.get(id)) continue
      // Prune never takes the last one of a series.
      const last = await this.#newestWhole(archive, series)
      if (last) for (const name of chunksOf(await archive.manifest(last))) needed.add(name)
    }
    // Sessions that could still be resumed would keep what they know.
    archive.clock.move(9 * DAY)
    for (let run = 0; run < 3; run++) {
      await archive.prune({ allowMoreThanHalf: true })
      archive.clock.move(25 * HOUR)
    }
    deepEqual([...(await archive.chunks())].sort(), [...needed].sort(), 'chunks that are left')
    deepEqual(await archive.verify(id), [], `verify of ${id} when it is alone`)
    await this.checkAlone(id, archive)
    this.#count('survivors restored')
  }

  async #newestWhole(archive: Archive, series: string): Promise<string | null> {
    const there = await archive.chunks()
    const ids = [...this.#truth.keys()].filter((id) => this.#seriesOf.get(id) === series)
    for (const id of ids.reverse()) {
      const manifest = await archive.manifest(id).catch(() => null) // pruned long ago
      if (manifest && [...chunksOf(manifest)].every((name) => there.has(name))) return id
    }
    return null
  }
}
