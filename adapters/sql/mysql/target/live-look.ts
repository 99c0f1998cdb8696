import type { KeyRange, KnownRange, RangeState } from '../../../../src/contracts/key-range.ts'
import type { LiveLook, MovedRanges, RestoreItem } from '../../../../src/contracts/restore-target.ts'
import { type AbortableOptions, throwIfAborted } from '../../../../src/kernel/abort.ts'
import { HoldfastError } from '../../../../src/kernel/errors.ts'
import { exactDigest } from '../../cursor-view.ts'
import type { DescribeOptions, MysqlEntity } from '../catalog.ts'
import { digestRange } from '../digest.ts'
import { seedOf } from '../digest-form.ts'
import { entityEvidence, judgeEvidence } from '../evidence.ts'
import { keyOrderName } from '../key-sql.ts'
import type { MysqlSession } from '../session.ts'
import { fixSnapshot } from '../snapshot.ts'
import type { TargetSession } from './target-session.ts'

/**
 * What live tables hold, as a view would say it, in one snapshot on the restore's own connection. Ranges of which no digest of the server's was kept, or that it may not speak for, are undecided:
 * to compare their lines would be to read them, which is what loading them is about to do.
 */
export async function lookAt<T>(
  target: TargetSession,
  describe: DescribeOptions,
  work: (live: LiveLook, entities: readonly MysqlEntity[]) => Promise<T>,
  options: AbortableOptions,
): Promise<T> {
  return target.statements(async (statements) => {
    const { entities, snapshot } = await fixSnapshot(target.session, describe)
    const entityOf = (name: string): MysqlEntity => {
      const entity = entities.find(({ descriptor }) => descriptor.name === name)
      if (!entity) throw new HoldfastError('E_ENTITY_UNKNOWN', `${name} is not looked at`)
      return entity
    }
    const live: LiveLook = {
      entities: entities.map(({ descriptor }) => descriptor),
      keyOrder: (name) => keyOrderName(entityOf(name).key),
      evidence: async (name) => entityEvidence(entityOf(name), target.server, snapshot),
      async *check(name, known, { signal } = {}) {
        const entity = entityOf(name)
        const now = entityEvidence(entity, target.server, snapshot)
        for (const [index, range] of known.entries()) {
          throwIfAborted(signal)
          const { trust } = judgeEvidence(range.evidence, now)
          if (trust === 'position') yield { index, state: 'unchanged', rows: range.rows, method: 'position' }
          else if (trust === 'digest') yield { index, ...(await compareDigest(target.session, entity, range)) }
          else yield { index, state: 'unknown', method: 'digest-128', reason: 'evidence:columns' }
        }
      },
    }
    const result = await work(live, entities)
    await statements.rows('ending a transaction', 'ROLLBACK')
    return result
  }, options)
}

async function compareDigest(session: MysqlSession, entity: MysqlEntity, known: KnownRange): Promise<Omit<RangeState, 'index'>> {
  const before = exactDigest(known.digest)
  const seed = before === undefined ? null : seedOf(before)
  if (seed === null) return { state: 'unknown', method: 'digest-128', reason: 'digest' }
  const { digest, rows } = await digestRange(session.client, entity, known.range, seed)
  const same = rows === known.rows && digest !== '' && digest === before
  return same ? { state: 'unchanged', rows, method: 'digest-128' } : { state: 'changed', rows, method: 'digest-128', reason: 'digest' }
}

/**
 * Ranges that were left out of the staging area because live rows were as the records: are they still? In the merge each row that is read for the answer is locked, by the
 * isolation level, and so are the gaps between them, so that it holds until the transaction ends.
 *
 * @throws `E_RESTORE_MOVED` with those that are not, or of which only the position in the binary log spoke, in `details.moved`
 */
export async function assertUnchanged(
  { session }: Pick<TargetSession, 'session'>,
  looked: ReadonlyMap<string, MysqlEntity>,
  items: readonly RestoreItem[],
  { signal }: AbortableOptions,
): Promise<void> {
  const moved: MovedRanges[] = []
  for (const { entity, unchanged = [] } of items) {
    const ranges: KeyRange[] = []
    for (const known of unchanged) {
      throwIfAborted(signal)
      if ((await compareDigest(session, looked.get(entity)!, known)).state !== 'unchanged') ranges.push(known.range)
    }
    if (ranges.length > 0) moved.push({ entity, ranges })
  }
  if (moved.length === 0) return
  throw new HoldfastError('E_RESTORE_MOVED', `rows of ${moved.map(({ entity }) => entity).join(', ')} changed since the restore found them identical`, {
    details: { moved },
  })
}
