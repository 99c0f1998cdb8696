import { createHash } from 'node:crypto'
import type { ChangeEvidence } from '../../../src/contracts/change-evidence.ts'
import { canonicalJson } from '../../../src/kernel/canonical-json.ts'
import { type BinlogFacts, samePosition } from './binlog.ts'
import type { MysqlEntity } from './catalog.ts'
import { scopeEvidence } from '../scope-evidence.ts'
import type { MysqlServer } from './server.ts'
import type { SnapshotFacts } from './snapshot.ts'

/** Changes with the form of record lines, with what digests hash or with the meaning of these values, and voids all evidence given before. */
const ENCODING_VERSION = '1'

/** What identified the rows of an entity when they were read, and where the snapshot stood. */
export function entityEvidence(entity: MysqlEntity, server: MysqlServer, { binlog }: SnapshotFacts): ChangeEvidence {
  const owners = entity.scope?.owners ?? []
  return {
    method: 'digest-128',
    values: {
      encoding: ENCODING_VERSION,
      fields: createHash('sha256')
        .update(canonicalJson(entity.descriptor.fields.map(({ path, column }) => [path, column])))
        .digest('hex'),
      columns: entity.columnsFingerprint,
      systemId: server.systemId,
      table: `${entity.schema}.${entity.table}`,
      created: entity.created,
      ...scopeEvidence(entity.scope?.filter),
      ...(owners.length === 0
        ? {}
        : { owners: owners.map((owner) => `${owner.schema}.${owner.table} ${owner.created} ${owner.columnsFingerprint}`).join(', ') }),
      ...(binlog && [entity, ...owners].every(({ transactional }) => transactional)
        ? {
            binlogFile: binlog.file,
            binlogPosition: binlog.position,
            serverStarted: binlog.started,
            replicationApplied: binlog.applied,
            transactions: binlog.transactions,
          }
        : {}),
    },
  }
}

/** What known evidence is worth in a later view. */
export type EvidenceVerdict =
  /** Nothing was committed between the two views. */
  | { readonly trust: 'position' }
  /** The database's digest decides, where the range has one. */
  | { readonly trust: 'digest' }
  /** Only the lines themselves decide: the same row may have another text. */
  | { readonly trust: 'lines'; readonly reason: string }
  /** Not even lines can be compared: they were made of other fields, or by another lane. */
  | { readonly trust: 'none'; readonly reason: string }

export function judgeEvidence(known: ChangeEvidence, now: ChangeEvidence): EvidenceVerdict {
  const differs = (field: string) => known.values[field] !== now.values[field]
  if (known.method !== 'digest-128' && known.method !== 'cursor') return { trust: 'none', reason: 'evidence:method' }
  const otherLines = ['encoding', 'fields', 'scope'].find(differs)
  if (otherLines) return { trust: 'none', reason: `evidence:${otherLines}` }
  if (differs('columns')) return { trust: 'lines', reason: 'evidence:columns' }
  // What a cursor said is no proof that the range was as it is known when that view was open.
  const [before, after] = known.method === 'cursor' ? [null, null] : [binlogOf(known), binlogOf(now)]
  if (before && after && !['systemId', 'table', 'created', 'owners'].some(differs) && samePosition(before, after)) return { trust: 'position' }
  return { trust: 'digest' }
}

function binlogOf({ values }: ChangeEvidence): BinlogFacts | null {
  const { binlogFile: file, binlogPosition: position, serverStarted: started, replicationApplied: applied, transactions } = values
  if (file === undefined || position === undefined || started === undefined || applied === undefined || transactions === undefined) return null
  return { file, position, started, applied, transactions }
}
