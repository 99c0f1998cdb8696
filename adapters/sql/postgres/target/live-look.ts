import { createHash } from 'node:crypto'
import type { KeyRange, KnownRange } from '../../../../src/contracts/key-range.ts'
import type { LiveLook, RestoreItem } from '../../../../src/contracts/restore-target.ts'
import type { AbortableOptions } from '../../../../src/kernel/abort.ts'
import { HoldfastError } from '../../../../src/kernel/errors.ts'
import type { PostgresEntity } from '../catalog.ts'
import { checkRanges } from '../check.ts'
import { copyOut, copyProgram } from '../copy/index.ts'
import { entityEvidence, judgeEvidence } from '../evidence.ts'
import { withOwnerEntities } from '../from-rows.ts'
import { readHeapFacts } from '../heap-facts.ts'
import { readKeyTexts } from '../read-key-texts.ts'
import { copySql, selectKeysSince, selectRange } from '../read-sql.ts'
import type { PostgresServer } from '../server.ts'
import { readSnapshotFacts } from '../snapshot-facts.ts'
import type { TargetTransaction } from './target-session.ts'

/**
 * What live tables hold, as a view would say it, inside a transaction of the restore: so that it can be asked again under the locks of the merge. Tables whose row versions do not
 * tell what changed are undecided: they could only be read once more there, with everybody waiting.
 */
export async function lookAt(tx: TargetTransaction, server: PostgresServer, entities: readonly PostgresEntity[]): Promise<LiveLook> {
  const { client } = tx
  const snapshot = await readSnapshotFacts(client, server)
  const heaps = await readHeapFacts(client, withOwnerEntities(entities), server)
  const entityOf = (name: string): PostgresEntity => {
    const entity = entities.find(({ descriptor }) => descriptor.name === name)
    if (!entity) throw new HoldfastError('E_ENTITY_UNKNOWN', `${name} is not looked at`)
    return entity
  }
  const evidenceOf = (entity: PostgresEntity) => entityEvidence(entity, heaps, snapshot)

  async function digest(entity: PostgresEntity, range: KeyRange, { signal }: AbortableOptions): Promise<string> {
    const hash = createHash('sha256')
    const { fields, key } = entity.descriptor
    for await (const { bytes, release } of copyOut(client, copySql(selectRange(entity, range)), copyProgram(fields, key), { signal })) {
      hash.update(bytes)
      release?.()
    }
    return hash.digest('hex')
  }

  return {
    entities: entities.map(({ descriptor }) => descriptor),
    keyOrder(name) {
      const { types, collations } = heaps.get(entityOf(name).oid)!
      return `${types} ${collations} ${snapshot.collationVersion}`
    },
    evidence: async (name) => evidenceOf(entityOf(name)),
    keysSince(name, range, since, which, options = {}) {
      const entity = entityOf(name)
      const verdict = judgeEvidence(since, evidenceOf(entity), snapshot)
      if (verdict.trust !== 'xmin') throw new HoldfastError('E_STORE_FAILED', `row versions of ${name} do not tell what changed (${verdict.reason})`)
      const { fields, key } = entity.descriptor
      const sql = selectKeysSince(entity, range, { horizon: verdict.horizon, xmax: snapshot.xmax, newer: which === 'newer' })
      return readKeyTexts(copyOut(client, copySql(sql), copyProgram(fields.slice(0, key.length), key), options), key)
    },
    async *check(name, known, options = {}) {
      const entity = entityOf(name)
      const now = evidenceOf(entity)
      if (now.method !== 'xmin') return
      yield* checkRanges(
        {
          entity,
          judge: (old) => judgeEvidence(old, now, snapshot),
          // Counting changes settings of the planner, which are undone here.
          async query(work) {
            await tx.rows('setting a savepoint', 'SAVEPOINT holdfast_look')
            const result = await work(client)
            await tx.rows('returning to the savepoint', 'ROLLBACK TO SAVEPOINT holdfast_look; RELEASE SAVEPOINT holdfast_look')
            return result
          },
          digest: (range, call) => digest(entity, range, call),
        },
        known,
        options,
      )
    },
  }
}

/**
 * Ranges that were left out of the staging area because live rows were as the records: are they still? Asked where nobody else can write any more, or where what is
 * seen is all that counts.
 *
 * @throws `E_RESTORE_MOVED` with those that are not, in `details.moved`
 */
export async function assertUnchanged(
  tx: TargetTransaction,
  server: PostgresServer,
  looked: ReadonlyMap<string, PostgresEntity>,
  items: readonly RestoreItem[],
  options: AbortableOptions,
): Promise<void> {
  const asked = items.filter(({ unchanged = [] }) => unchanged.length > 0)
  if (asked.length === 0) return
  const entities = asked.map(({ entity }) => looked.get(entity)!)
  const live = await lookAt(tx, server, entities)
  const moved: { readonly entity: string; readonly ranges: readonly KeyRange[] }[] = []
  for (const [at, { entity, unchanged }] of asked.entries()) {
    const same = new Set<KnownRange>()
    for await (const { index, state } of live.check(entities[at]!.descriptor.name, unchanged!, options)) if (state === 'unchanged') same.add(unchanged![index]!)
    const ranges = unchanged!.filter((range) => !same.has(range)).map(({ range }) => range)
    if (ranges.length > 0) moved.push({ entity, ranges })
  }
  if (moved.length === 0) return
  throw new HoldfastError('E_RESTORE_MOVED', `rows of ${moved.map(({ entity }) => entity).join(', ')} changed since the restore found them identical`, {
    details: { moved },
  })
}
