import { createHash } from 'node:crypto'
import type { ChangeEvidence } from '../../../src/contracts/change-evidence.ts'
import { canonicalJson } from '../../../src/kernel/canonical-json.ts'
import type { PostgresEntity } from './catalog.ts'
import { scopeEvidence } from '../scope-evidence.ts'
import type { HeapFacts } from './heap-facts.ts'
import type { SnapshotFacts } from './snapshot-facts.ts'

/** Changes with the form of record lines or with the meaning of these values, and voids all evidence given before. */
const ENCODING_VERSION = '1'

/**
 * The evidence of a view for one entity. `xmin` where row versions tell what changed, else `sha256`: with the same values, so that a later view knows
 * whether known lines can be compared at all.
 */
export function entityEvidence(entity: PostgresEntity, heaps: ReadonlyMap<string, HeapFacts>, snapshot: SnapshotFacts): ChangeEvidence {
  const heap = heaps.get(entity.oid)!
  const owners = (entity.scope?.owners ?? []).map(({ oid }) => heaps.get(oid)!)
  return {
    method: [heap, ...owners].some(({ opaque }) => opaque !== null) || snapshot.foreignHeap !== null ? 'sha256' : 'xmin',
    values: {
      encoding: ENCODING_VERSION,
      fields: createHash('sha256')
        .update(canonicalJson(entity.descriptor.fields.map(({ path, column }) => [path, column])))
        .digest('hex'),
      systemId: snapshot.systemId,
      database: snapshot.databaseOid,
      timeline: snapshot.timeline,
      role: snapshot.role,
      postmasterStart: snapshot.postmasterStart,
      statisticsSince: snapshot.statisticsSince,
      relations: heap.relations,
      columns: heap.columns,
      types: heap.types,
      collations: `${heap.collations} ${snapshot.collationVersion}`,
      lsn: snapshot.lsn,
      xmin: snapshot.xmin,
      ...scopeEvidence(entity.scope?.filter),
      ...(owners.length === 0 ? {} : { owners: createHash('sha256').update(canonicalJson(owners)).digest('hex') }),
    },
  }
}

/** What known evidence is worth in a later view. */
export type EvidenceVerdict =
  /** Row versions decide: no row of the range may have been written by transaction `horizon` or later. */
  | { readonly trust: 'xmin'; readonly horizon: string }
  /** Only the lines themselves decide. */
  | { readonly trust: 'lines'; readonly reason: string }
  /** Not even lines can be compared: they were made of other fields, or by another lane. */
  | { readonly trust: 'none'; readonly reason: string }

/** Values under which lines of both views are the same text for the same row, and of the same rows. */
const SAME_LINES = ['encoding', 'fields', 'scope']

/** Values that must not differ at all for row versions to speak. `lsn` and `xmin` only move forward. */
const SAME_HEAP = ['systemId', 'database', 'timeline', 'role', 'postmasterStart', 'statisticsSince', 'relations', 'columns', 'types', 'collations', 'owners']

/** 32-bit ages are compared within this distance; half of what they can tell apart, so that no drift inside a long view matters. */
const OLDEST_HORIZON = 2n ** 30n

/**
 * Judges known evidence in a view whose own evidence is `now`. The words of the proof: let X be the xmin of the known snapshot. Rows that are in the
 * range now and were written below X were in it then; an equal count makes the sets equal. It holds for one heap that never went back in time.
 */
export function judgeEvidence(known: ChangeEvidence, now: ChangeEvidence, snapshot: Pick<SnapshotFacts, 'xmax'>): EvidenceVerdict {
  const differs = (field: string) => known.values[field] !== now.values[field]
  // What a cursor said proves nothing of row versions.
  if (known.method !== 'xmin' && known.method !== 'sha256' && known.method !== 'cursor') return { trust: 'none', reason: 'evidence:method' }
  const otherLines = SAME_LINES.find(differs)
  if (otherLines) return { trust: 'none', reason: `evidence:${otherLines}` }
  if (known.method !== 'xmin' || now.method !== 'xmin') return { trust: 'lines', reason: 'evidence:method' }
  const otherHeap = SAME_HEAP.find(differs)
  if (otherHeap) return { trust: 'lines', reason: `evidence:${otherHeap}` }
  if (lsnOf(known) > lsnOf(now)) return { trust: 'lines', reason: 'evidence:lsn' }
  const horizon = BigInt(known.values.xmin ?? '0')
  const distance = BigInt(snapshot.xmax) - horizon
  if (horizon < 3n || distance < 0n || distance >= OLDEST_HORIZON) return { trust: 'lines', reason: 'evidence:xmin' }
  return { trust: 'xmin', horizon: String(horizon & 0xffff_ffffn) }
}

/** `16/B374D848` as a number. Unreadable text is beyond every position, and so voids. */
function lsnOf({ values }: ChangeEvidence): bigint {
  const [, high, low] = /^([0-9A-F]{1,8})\/([0-9A-F]{1,8})$/.exec(values.lsn ?? '') ?? []
  return high === undefined || low === undefined ? 2n ** 64n : (BigInt(`0x${high}`) << 32n) | BigInt(`0x${low}`)
}
