import { createHash } from 'node:crypto'
import type { ConsistentView } from '../../../src/contracts/consistent-view.ts'
import type { KeyRange } from '../../../src/contracts/key-range.ts'
import type { RecordBatch } from '../../../src/contracts/record-batch.ts'
import { paced } from '../../../src/contracts/source-pace.ts'
import { type AbortableOptions, throwIfAborted } from '../../../src/kernel/abort.ts'
import { HoldfastError } from '../../../src/kernel/errors.ts'
import { digestLines, narrowTo, withCursors } from '../cursor-view.ts'
import type { PostgresEntity } from './catalog.ts'
import { checkRanges } from './check.ts'
import { type CopyOut, type CopyProgram, copyOut, copyProgram } from './copy/index.ts'
import { databaseError } from './database-error.ts'
import { estimateEntity } from './estimate.ts'
import { entityEvidence, judgeEvidence } from './evidence.ts'
import { withOwnerEntities } from './from-rows.ts'
import { readHeapFacts } from './heap-facts.ts'
import { type MigrationTable, readMigrations } from './migrations.ts'
import { openLanes, type OpenLanesOptions } from './open-lanes.ts'
import { readKeyTexts } from './read-key-texts.ts'
import { copySql, selectChanged, selectKeys, selectRange } from './read-sql.ts'
import { readPages } from './relation-pages.ts'
import { readSequences } from './sequences.ts'
import { rangesBetween, readBounds, splitSql } from './split.ts'

export interface OpenPostgresViewOptions extends OpenLanesOptions {
  readonly migrations?: MigrationTable | undefined
}

/**
 * Opens a view: one REPEATABLE READ READ ONLY transaction that keeps the snapshot, and up to `parallel` more that share it, all of the ORM's pool.
 * With a pool of one or two connections, or behind a pooler, the keeper does all the work itself: then a call waits while a `read` runs, and ending a read
 * early may cost the view.
 */
export async function openPostgresView(options: OpenPostgresViewOptions): Promise<ConsistentView> {
  const { lanes, server, snapshot, entities } = await openLanes(options)
  const byName = new Map(entities.map((entity) => [entity.descriptor.name, entity]))
  const entityOf = (name: string): PostgresEntity => {
    const entity = byName.get(name)
    if (!entity) throw new HoldfastError('E_ENTITY_UNKNOWN', `${name} is not in this view, which has ${[...byName.keys()].join(', ')}`)
    return entity
  }

  /** Runs a COPY on a lane and takes care of the lane, however the copy ends. */
  async function* copy(what: string, select: string, program: CopyProgram, { signal }: AbortableOptions): AsyncGenerator<RecordBatch, void, undefined> {
    const lane = await lanes.lend({ signal })
    let running: CopyOut | undefined
    try {
      running = copyOut(lane.client, copySql(select), program, { signal })
      yield* paced(running, options.pace, { signal })
    } catch (error) {
      throw databaseError(what, error)
    } finally {
      await lane.finish(running?.connection === 'destroyed')
    }
  }

  function read(name: string, range: KeyRange, options: AbortableOptions & { readonly references?: readonly string[] } = {}): AsyncIterable<RecordBatch> {
    const { descriptor, ...entity } = entityOf(name)
    return copy(`reading ${name}`, selectRange({ descriptor, ...entity }, range), copyProgram(descriptor.fields, descriptor.key, options.references), options)
  }

  async function digest(name: string, range: KeyRange, options: AbortableOptions): Promise<string> {
    const hash = createHash('sha256')
    for await (const { bytes, release } of read(name, range, options)) {
      hash.update(bytes)
      release?.()
    }
    return hash.digest('hex')
  }

  try {
    const heaps = await lanes.run((client) => readHeapFacts(client, withOwnerEntities(entities), server), options)
    const migrations = await lanes.run((client) => readMigrations(client, options.migrations, server.searchPath), options)
    const evidence = new Map(entities.map((entity) => [entity.descriptor.name, entityEvidence(entity, heaps, snapshot)]))
    const view: ConsistentView = {
      store: options.store,
      at: snapshot.at,
      consistency: { level: 'snapshot', method: 'repeatable-read', point: snapshot.lsn },
      source: { dialect: 'postgres', serverVersion: server.versionText, database: snapshot.database, systemId: snapshot.systemId },
      entities: entities.map(({ descriptor }) => descriptor),
      get parallel() {
        return lanes.parallel
      },
      migrations,
      async estimate(name, call = {}) {
        const entity = entityOf(name)
        return lanes.run((client) => estimateEntity(client, entity), call)
      },
      async sequences(call = {}) {
        return lanes.run((client) => readSequences(client, entities), call)
      },
      async evidence(name, call = {}) {
        throwIfAborted(call.signal)
        entityOf(name)
        return evidence.get(name)!
      },
      keyOrder(name) {
        const { types, collations } = heaps.get(entityOf(name).oid)!
        return `${types} ${collations} ${snapshot.collationVersion}`
      },
      async split(name, { parts, signal }) {
        const entity = entityOf(name)
        if (parts <= 1) return rangesBetween([])
        const pages = await lanes.run((client) => readPages(client, entity), { signal })
        const keyFields = entity.descriptor.fields.slice(0, entity.key.length)
        const bounds = copy(`splitting ${name}`, splitSql(entity, parts, pages), copyProgram(keyFields, entity.descriptor.key), { signal })
        return rangesBetween(await readBounds(bounds, entity.descriptor.key))
      },
      check(name, known, call = {}) {
        const entity = entityOf(name)
        const now = evidence.get(name)!
        return checkRanges(
          {
            entity,
            judge: (old) => judgeEvidence(old, now, snapshot),
            query: (work, options) => lanes.run(work, options),
            digest: (range, options) => digest(name, range, options),
          },
          known,
          call,
        )
      },
      read,
      readChanged(name, range, since, call = {}) {
        const entity = entityOf(name)
        const verdict = judgeEvidence(since, evidence.get(name)!, snapshot)
        if (verdict.trust !== 'xmin') throw new HoldfastError('E_STORE_FAILED', `row versions of ${name} do not tell what changed (${verdict.reason})`)
        const program = copyProgram(entity.descriptor.fields, entity.descriptor.key, call.references)
        return copy(`reading what changed of ${name}`, selectChanged(entity, range, verdict.horizon, snapshot.xmax), program, call)
      },
      readKeys(name, range, call = {}) {
        const { descriptor, ...entity } = entityOf(name)
        const keyFields = descriptor.fields.slice(0, entity.key.length)
        return readKeyTexts(
          copy(`reading keys of ${name}`, selectKeys({ descriptor, ...entity }, range), copyProgram(keyFields, descriptor.key), call),
          descriptor.key,
        )
      },
      close: () => lanes.close(),
    }
    return withCursors(view, options.selection, (name, field, range, _, call) => {
      const narrow = narrowTo(entityOf(name), field)
      return digestLines(copy(`reading the cursor of ${name}`, selectRange(narrow, range), copyProgram(narrow.descriptor.fields, narrow.descriptor.key), call))
    })
  } catch (error) {
    await lanes.close()
    throw error
  }
}
